"""Names for the types that cross several floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
"""float64, of the shape that the docstring names."""
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]

JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
"""What `json.dumps` takes; floats may be non-finite, the codec spells them as strings."""

Direction: TypeAlias = Literal["minimize", "maximize"]

Config: TypeAlias = Any
"""The nested values that the objective receives: whatever the user's space is made of, hence `Any`."""

Params: TypeAlias = dict[str, Any]
"""Label to real value; options may be any object, hence `Any`."""
