"""The words of `hp` under their older names, and the conditions that a graph puts on its parameters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from parzen.errors import BadDistribution, BadLabel, DuplicateLabel
from parzen.hp import choice as hp_choice
from parzen.hp import lognormal as hp_lognormal
from parzen.hp import loguniform as hp_loguniform
from parzen.hp import normal as hp_normal
from parzen.hp import pchoice as hp_pchoice
from parzen.hp import qlognormal as hp_qlognormal
from parzen.hp import qloguniform as hp_qloguniform
from parzen.hp import qnormal as hp_qnormal
from parzen.hp import quniform as hp_quniform
from parzen.hp import randint as hp_randint
from parzen.hp import uniform as hp_uniform
from parzen.hp import uniformint as hp_uniformint
from parzen.hyperopt.pyll.base import Apply, Literal, MissingArgument, as_apply, scope
from parzen.space import label_of
from parzen.space._symbols import hyperopt_param

__all__ = [
    "EQ",
    "Cond",
    "expr_to_config",
    "hp_choice",
    "hp_lognormal",
    "hp_loguniform",
    "hp_normal",
    "hp_pchoice",
    "hp_qlognormal",
    "hp_qloguniform",
    "hp_qnormal",
    "hp_quniform",
    "hp_randint",
    "hp_uniform",
    "hp_uniformint",
    "hyperopt_param",
    "scope",
    "validate_distribution_range",
    "validate_label",
]

F = TypeVar("F", bound=Callable[..., Any])


def validate_label(f: F) -> F:
    """Let a function of a label refuse a label that is no text, by a BadLabel (a TypeError)."""

    @wraps(f)
    def wrapper(label: Any, *args: Any, **kwargs: Any) -> Any:
        name = label.obj if isinstance(label, Literal) else label
        if not isinstance(name, (str, bytes)):
            raise BadLabel(f"a label must be text, got {name!r:.80} of type {type(name).__name__}", label=name)
        return f(label, *args, **kwargs)

    return wrapper  # type: ignore[return-value]  # it takes what f takes


def validate_distribution_range(f: F) -> F:
    """Let a function of a label, `low` and `high` refuse a `low` that is not less, by a BadDistribution (a ValueError)."""

    @wraps(f)
    def wrapper(label: Any, *args: Any, **kwargs: Any) -> Any:
        low, high = [*args, kwargs.get("low")][0], (args[1] if len(args) > 1 else kwargs.get("high"))
        plain = not isinstance(low, Apply) and not isinstance(high, Apply)
        if plain and low is not None and high is not None and not low < high:
            raise BadDistribution(f"low must be less than high, got low={low!r}, high={high!r}", label=label)
        return f(label, *args, **kwargs)

    return wrapper  # type: ignore[return-value]  # it takes what f takes


# --- conditions -------------------------------------------------------------------------------------------------


class Cond:
    """What a parameter's value has to be: `name op val`."""

    def __init__(self, name: str, val: Any, op: str) -> None:
        self.name = name
        self.val = val
        self.op = op

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cond) and (self.op, self.name, self.val) == (other.op, other.name, other.val)

    def __hash__(self) -> int:
        return hash((self.op, self.name, self.val))

    def __repr__(self) -> str:
        return f"Cond{{{self.name} {self.op} {self.val}}}"


EQ = partial(Cond, op="=")


def expr_to_config(expr: Any, conditions: tuple[Any, ...] | None, hps: dict[str, dict[str, Any]]) -> None:
    """Find the parameters of a graph, and when they are active.

    Args:
        expr: a space.
        conditions: what must be true for the space to be used at all; stands before all conditions.
        hps: gets an entry for each label: `{"node": its draw, "conditions": a set of tuples, "label": label}`; a parameter
            is active where all conditions of one of the tuples hold.

    Raises:
        DuplicateLabel: one label stands for two draws.
    """
    outer = () if conditions is None else tuple(conditions)
    stack: list[tuple[Apply, tuple[Any, ...]]] = [(as_apply(expr), outer)]
    seen = set()
    while stack:
        node, here = stack.pop()
        if (node, here) in seen:
            continue
        seen.add((node, here))
        label = label_of(node)
        if label is not None:
            draw = node.arg["obj"]
            entry = hps.setdefault(label, {"node": draw, "conditions": set(), "label": label})
            if entry["node"] is not draw:
                raise DuplicateLabel(f"label {label!r} stands for two different parameters", label=label)
            entry["conditions"].add(here)
            continue
        below = [(item, here) for item in node.inputs()]
        if node.name == "switch":
            index = label_of(_whole(node.pos_args[0]))
            if index is not None:
                below[1:] = [(item, (*here, EQ(index, k))) for k, item in enumerate(node.pos_args[1:])]
        stack.extend(reversed(below))
    for entry in hps.values():
        if _always({condition[len(outer) :] for condition in entry["conditions"]}, hps):
            entry["conditions"] = {outer}


def _whole(index: Apply) -> Apply:
    """The index of a choice without `int()` around it, which changes nothing."""
    return index.pos_args[0] if index.name == "int" and index.pos_args else index


def _always(conditions: set[tuple[Any, ...]], hps: dict[str, dict[str, Any]]) -> bool:
    """Whether the conditions are one parameter's having any of its values."""
    alone = {condition[0] for condition in conditions if len(condition) == 1}
    names = {condition.name for condition in alone if isinstance(condition, Cond)}
    if len(alone) != len(conditions) or len(names) != 1:
        return False
    values = _values(hps[names.pop()]["node"])
    return values is not None and {condition.val for condition in alone} == values


def _values(draw: Apply) -> set[int] | None:
    """All values of a draw of whole numbers; None where that is not known."""
    given = {name: item.obj for name, item in draw.arg.items() if isinstance(item, Literal)}
    if draw.name == "randint" and "low" in given:
        if draw.arg["high"] is MissingArgument or ("high" in given and given["high"] is None):
            return set(range(given["low"]))
        return set(range(given["low"], given["high"])) if "high" in given else None
    if draw.name == "categorical":
        return set(range(len(given["p"] if "p" in given else draw.arg["p"].pos_args)))
    if draw.name == "ordinal" and isinstance(draw.pos_args[0], Literal):
        return set(range(draw.pos_args[0].obj))
    return None
