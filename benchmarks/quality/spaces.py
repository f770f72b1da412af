"""One neutral description of a search space, from which each library's own is made.

A space is a tuple of `Param`, parents before children.  A configuration is a flat dict of the *active* parameters
(name -> real value), whichever library proposed it: that is what a task's objective receives, so no library can get a
different problem than another.

Integers and ordered values give equal mass to their end points in every library.  Hyperopt's `uniformint` halves it
there, so integers go to it as `quniform` over a range that is half a step wider on each side, then clipped.  Optuna
and Hyperopt have no ordered values; both get the position as an integer, which is what their users would write.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Config",
    "Param",
    "Params",
    "category",
    "find",
    "flatten",
    "hyperopt_space",
    "integer",
    "ordered",
    "parzen_space",
    "real",
    "sample",
    "settle",
    "suggest_with_optuna",
    "to_unit",
    "unit_config",
    "units",
]

Config = dict[str, Any]
"""Name -> real value of the active parameters; options may be any object."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter.

    Attributes:
        name: unique in its space.
        kind: `ordinal` options are ordered and equally likely, `categorical` ones are not ordered.
        low: smallest value, included (float and int).
        high: largest value, included.
        log: uniform in the logarithm.
        choices: the options (categorical and ordinal).
        when: (name of a categorical parent, the options of it under which this one is active), or None: always active.
    """

    name: str
    kind: Literal["float", "int", "categorical", "ordinal"]
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None

    def active(self, config: Mapping[str, Any]) -> bool:
        """Whether this parameter takes part, given the values of those before it."""
        if self.when is None:
            return True
        parent, options = self.when
        return parent in config and config[parent] in options


Params = tuple[Param, ...]
When = tuple[str, tuple[Any, ...]]


def real(name: str, low: float, high: float, *, log: bool = False, when: When | None = None) -> Param:
    """A float in [low, high]."""
    return Param(name, "float", float(low), float(high), log, when=when)


def integer(name: str, low: int, high: int, *, log: bool = False, when: When | None = None) -> Param:
    """An int in [low, high]."""
    return Param(name, "int", low, high, log, when=when)


def category(name: str, choices: Sequence[Any], *, when: When | None = None) -> Param:
    """One of some unordered options."""
    return Param(name, "categorical", choices=tuple(choices), when=when)


def ordered(name: str, choices: Sequence[Any], *, when: When | None = None) -> Param:
    """One of some ordered options."""
    return Param(name, "ordinal", choices=tuple(choices), when=when)


def find(params: Params, name: str) -> Param:
    """The parameter of that name."""
    return next(param for param in params if param.name == name)


# --- the unit cube: our own random search, and the refinement of the references -----------------------------------


def from_unit(param: Param, u: float) -> Any:
    """The value at quantile `u` in [0, 1]."""
    if param.choices:
        return param.choices[min(int(u * len(param.choices)), len(param.choices) - 1)]
    # An integer owns the half step on each side of it, so that end points are as likely as the others.
    margin = 0.5 if param.kind == "int" else 0.0
    low, high = param.low - margin, param.high + margin
    x = math.exp(math.log(low) + u * (math.log(high) - math.log(low))) if param.log else low + u * (high - low)
    x = min(max(x, param.low), param.high)
    return round(x) if param.kind == "int" else x


def to_unit(param: Param, value: Any) -> float:
    """A quantile of which `from_unit` gives `value` back."""
    if param.choices:
        return (param.choices.index(value) + 0.5) / len(param.choices)
    margin = 0.5 if param.kind == "int" else 0.0
    low, high, x = param.low - margin, param.high + margin, float(value)
    if param.log:
        low, high, x = math.log(low), math.log(high), math.log(x)
    return (x - low) / (high - low)


def unit_config(params: Params, units: Sequence[float]) -> Config:
    """The configuration at a point `(d,)` of the unit cube; columns of inactive parameters are ignored."""
    config: Config = {}
    for param, u in zip(params, units, strict=True):
        if param.active(config):
            config[param.name] = from_unit(param, u)
    return config


def units(params: Params, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Points `(n, d)` of the unit cube for some configurations; an inactive parameter is in the middle."""
    return np.array([[to_unit(p, config[p.name]) if p.name in config else 0.5 for p in params] for config in configs])


def sample(params: Params, rng: np.random.Generator) -> Config:
    """A random configuration."""
    return unit_config(params, rng.random(len(params)).tolist())


# --- nested spaces: parzen and Hyperopt -----------------------------------------------------------------------------


def _nested(
    params: Params, leaf: Callable[[Param], Any], branch: Callable[[Param, list[dict[str, Any]]], Any], codes: bool
) -> dict[str, Any]:
    """A dict of nodes; a categorical with children becomes a choice among dicts that hold it and its children.

    A child that is active under several options is the *same* node in each of these branches: one label, one column.
    """
    nodes: dict[str, Any] = {}

    def node(param: Param) -> Any:
        if param.name not in nodes:
            children = [other for other in params if other.when is not None and other.when[0] == param.name]
            if children:
                branches = []
                for code, option in enumerate(param.choices):
                    inside = {c.name: node(c) for c in children if c.when is not None and option in c.when[1]}
                    branches.append({param.name: code if codes else option, **inside})
                nodes[param.name] = branch(param, branches)
            else:
                nodes[param.name] = leaf(param)
        return nodes[param.name]

    return {param.name: node(param) for param in params if param.when is None}


def flatten(config: Mapping[str, Any]) -> Config:
    """The flat configuration inside a nested one (dicts under a choice are merged into their parent)."""
    flat: Config = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value))
        else:
            flat[name] = value
    return flat


def parzen_space(params: Params) -> dict[str, Any]:
    """The space as a parzen user would write it; `flatten` makes a configuration of it flat."""
    from parzen import hp

    def leaf(param: Param) -> Any:
        if param.kind == "categorical":
            return hp.categorical(param.name, list(param.choices))
        if param.kind == "ordinal":
            return hp.ordinal(param.name, list(param.choices))
        if param.kind == "int":
            return hp.int(param.name, int(param.low), int(param.high), log=param.log)
        return hp.float(param.name, param.low, param.high, log=param.log)

    return _nested(params, leaf, lambda param, branches: hp.choice(param.name, branches), codes=False)


def hyperopt_space(params: Params) -> dict[str, Any]:
    """The space for Hyperopt; `settle` turns what its objective receives into a flat configuration."""
    from hyperopt import hp

    def leaf(param: Param) -> Any:
        if param.kind == "categorical":
            return hp.choice(param.name, list(range(len(param.choices))))
        if param.kind == "ordinal":
            return hp.quniform(param.name, -0.5, len(param.choices) - 0.5, 1)
        if param.kind == "int":
            low, high = param.low - 0.5, param.high + 0.5
            if param.log:
                return hp.qloguniform(param.name, math.log(low), math.log(high), 1)
            return hp.quniform(param.name, low, high, 1)
        if param.log:
            return hp.loguniform(param.name, math.log(param.low), math.log(param.high))
        return hp.uniform(param.name, param.low, param.high)

    return _nested(params, leaf, lambda param, branches: hp.choice(param.name, branches), codes=True)


def settle(params: Params, raw: Mapping[str, Any]) -> Config:
    """A flat configuration from `raw`, flat or nested, in which options are codes and integers not yet rounded."""
    flat = flatten(raw)
    config: Config = {}
    for param in params:
        if not param.active(config):
            continue
        value = flat[param.name]
        if param.choices:
            config[param.name] = param.choices[min(max(round(value), 0), len(param.choices) - 1)]
        elif param.kind == "int":
            config[param.name] = int(min(max(round(value), param.low), param.high))
        else:
            config[param.name] = float(min(max(value, param.low), param.high))
    return config


def suggest_with_optuna(params: Params, trial: Any) -> Config:
    """The flat configuration that an Optuna trial suggests (define-by-run: inactive parameters are not asked for)."""
    config: Config = {}
    for param in params:
        if not param.active(config):
            continue
        if param.kind == "categorical":
            # By position, since Optuna takes only plain scalars as options.
            config[param.name] = param.choices[trial.suggest_categorical(param.name, list(range(len(param.choices))))]
        elif param.kind == "ordinal":
            config[param.name] = param.choices[trial.suggest_int(param.name, 0, len(param.choices) - 1)]
        elif param.kind == "int":
            config[param.name] = trial.suggest_int(param.name, int(param.low), int(param.high), log=param.log)
        else:
            config[param.name] = trial.suggest_float(param.name, param.low, param.high, log=param.log)
    return config
