"""Doors to other libraries: what they have made, inside of parzen's searches.

One file a library, which loads when one of its names is touched; the library itself is an extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parzen._lazy import lazy_attributes

if TYPE_CHECKING:
    from parzen.integrations.optuna import OptunaSampler as OptunaSampler

__all__ = ["OptunaSampler"]

__getattr__, __dir__ = lazy_attributes(__name__, {"OptunaSampler": "parzen.integrations.optuna"})
