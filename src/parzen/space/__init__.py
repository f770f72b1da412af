"""What may be tried.

`_graph` holds the nodes that users write spaces with, `_compile` turns a graph into the flat form of `_nodes`, `_layout`
finds the columns and conditions in it, `_space` is what the rest of parzen works with, `_encoding` reads a configuration
back into a row, `_codec` writes a space as JSON.  `distributions` are the priors of single columns.
"""

from parzen.space._graph import Apply, Literal, as_apply, label_of
from parzen.space._nodes import Opaque
from parzen.space._points import Points
from parzen.space._scope import scope
from parzen.space._space import Space
from parzen.space._special import ndtr, ndtr_of, ndtri
from parzen.space.distributions import (
    Around,
    Categorical,
    Distribution,
    Grid,
    LogNormal,
    LogUniform,
    Normal,
    Ordinal,
    Quantized,
    Sampled,
    Uniform,
    build,
)

__all__ = [
    "Apply",
    "Around",
    "Categorical",
    "Distribution",
    "Grid",
    "Literal",
    "LogNormal",
    "LogUniform",
    "Normal",
    "Opaque",
    "Ordinal",
    "Points",
    "Quantized",
    "Sampled",
    "Space",
    "Uniform",
    "as_apply",
    "build",
    "label_of",
    "ndtr",
    "ndtr_of",
    "ndtri",
    "scope",
]
