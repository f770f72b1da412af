"""Doors to other libraries: what they have made, inside of parzen's searches, and trackers that record these.

One file a library, which loads when one of its names is touched; the library itself is an extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes

if TYPE_CHECKING:
    from parzen.integrations._tracking import Tracker as Tracker
    from parzen.integrations.mlflow import MLflowTracker as MLflowTracker
    from parzen.integrations.optuna import OptunaSampler as OptunaSampler
    from parzen.integrations.tensorboard import TensorBoardTracker as TensorBoardTracker
    from parzen.integrations.wandb import WandbTracker as WandbTracker

__all__ = ["MLflowTracker", "OptunaSampler", "TensorBoardTracker", "Tracker", "WandbTracker"]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "MLflowTracker": "parzen.integrations.mlflow",
        "OptunaSampler": "parzen.integrations.optuna",
        "TensorBoardTracker": "parzen.integrations.tensorboard",
        "Tracker": "parzen.integrations._tracking",
        "WandbTracker": "parzen.integrations.wandb",
    },
)
