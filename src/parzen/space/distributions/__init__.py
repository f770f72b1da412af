"""The priors of single parameters, one family a file.

`_families` maps the names in a user's space to builders that check the arguments; the classes themselves are plain
frozen records that trust theirs.
"""

from parzen.space.distributions._around import DEFAULT_TRUST, Around
from parzen.space.distributions._base import Distribution, number
from parzen.space.distributions._categorical import Categorical, Ordinal
from parzen.space.distributions._continuous import LogNormal, LogUniform, Normal, Uniform
from parzen.space.distributions._families import FAMILIES, build, distribution_from_json
from parzen.space.distributions._grid import Grid
from parzen.space.distributions._quantized import Quantized
from parzen.space.distributions._sampled import Sampled

__all__ = [
    "DEFAULT_TRUST",
    "FAMILIES",
    "Around",
    "Categorical",
    "Distribution",
    "Grid",
    "LogNormal",
    "LogUniform",
    "Normal",
    "Ordinal",
    "Quantized",
    "Sampled",
    "Uniform",
    "build",
    "distribution_from_json",
    "number",
]
