"""The words that a search space is written in.

Ours take natural arguments: bounds are included, in the parameter's own units, and hold.

    space = {
        "lr": hp.float("lr", 1e-5, 1e-1, log=True),
        "layers": hp.int("layers", 1, 8),
        "optimizer": hp.categorical("optimizer", ["adam", "sgd"]),
        "batch": hp.ordinal("batch", [16, 32, 64, 128]),
    }

The twelve of Hyperopt take Hyperopt's arguments and mean what they mean there: the bounds of `loguniform` are
logarithms, `randint` excludes its upper bound, q-distributions round to multiples of q.  `choice` may have whole
sub-spaces as options; what is inside of an option is active only when the option is drawn.  The two kinds mix freely.

Who knows a good value says so, and it is tried early: `hp.float("lr", 1e-5, 1e-1, log=True, prior=1e-3)`.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from parzen.errors import BadDistribution, BadLabel
from parzen.space import Apply, Literal, as_apply, build, scope
from parzen.space.distributions import DEFAULT_TRUST, number

__all__ = [
    "around",
    "bool",
    "call",
    "categorical",
    "choice",
    "float",
    "int",
    "lognormal",
    "loguniform",
    "normal",
    "option",
    "ordinal",
    "pchoice",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
]


def _label(label: object) -> str:
    name = label.obj if isinstance(label, Literal) else label
    if isinstance(name, bytes):
        with suppress(UnicodeDecodeError):
            name = name.decode()
    if not isinstance(name, str):
        raise BadLabel(f"a label must be text, got {name!r:.80} of type {type(name).__name__}", label=name)
    return str(name)


def _parameter(label: object, family: str, *args: object, **kwargs: object) -> Apply:
    """A labelled draw.  Arguments that are plain numbers are checked here, where the user's own line is in the traceback."""
    name = _label(label)
    if not any(isinstance(value, Apply) for value in (*args, *kwargs.values())):
        build(name, family, *args, **kwargs)
    given = {key: as_apply(value) for key, value in kwargs.items()}
    return Apply("hyperopt_param", [Literal(name), Apply(family, [as_apply(value) for value in args], given)])


def _switch(label: object, family: str, options: Sequence[Apply], *args: object, **kwargs: object) -> Apply:
    return Apply("switch", [_parameter(label, family, *args, **kwargs), *options])


def _guess(label: object, prior: Any) -> dict[str, Any]:
    """The argument `prior` of a distribution, left out where there is none, so that such a graph is what it always was."""
    if prior is None:
        return {}
    if isinstance(prior, (dict, list, Apply)):
        raise BadDistribution(
            f"parameter {_label(label)!r}: its prior is a value or hp.around(value, ...), got {prior!r:.80}",
            label=label,
        )
    return {"prior": prior if isinstance(prior, tuple) else (prior, None, None)}


def _weights(label: object, items: Sequence[Literal], prior: Any) -> list[builtins.float]:
    """The weight of each option.

    Raises:
        BadDistribution: they are not weights of these options.
    """

    def refuse(why: str) -> BadDistribution:
        return BadDistribution(f"parameter {_label(label)!r}: {why}", label=label)

    if isinstance(prior, Mapping):
        names = [item.option_name or item.obj for item in items]
        unknown = [key for key in prior if key not in names]
        if unknown:
            raise refuse(f"its prior names {unknown[0]!r:.80}, which is none of its options")
        given = [next((prior[key] for key in prior if key == name), 1.0) for name in names]
    elif isinstance(prior, (Sequence, np.ndarray)) and not isinstance(prior, (str, bytes)):
        given = list(prior)
    else:
        raise refuse(f"its prior is a list of weights or a mapping from option to weight, got {prior!r:.80}")
    if len(given) != len(items):
        raise refuse(f"its prior has {len(given)} weights for {len(items)} options")
    weights = [number(str(_label(label)), "a weight of the prior", weight) for weight in given]
    if min(weights) < 0 or not 0 < sum(weights) < np.inf:
        raise refuse(f"the weights of its prior must not be negative, nor all zero, got {given!r:.80}")
    return weights


def _options(label: object, options: object) -> list[Any]:
    # The order of a set changes from one interpreter to the next, and of a mapping only the keys would be taken.
    if isinstance(options, (str, bytes, set, frozenset, dict)) or not isinstance(options, Iterable):
        raise BadDistribution(
            f"parameter {_label(label)!r}: options must be a list of things to choose from, got {options!r:.80}",
            label=label,
        )
    items = options.tolist() if isinstance(options, np.ndarray) else list(options)
    if not items:
        raise BadDistribution(
            f"parameter {_label(label)!r}: there must be at least one option to choose from", label=label
        )
    return items


def _constant(label: object, option: object) -> Literal:
    if isinstance(option, Apply) and not isinstance(option, Literal):
        raise BadDistribution(
            f"parameter {_label(label)!r}: its options are constants, and {option!r} is not; "
            "for options with parameters in them use hp.choice",
            label=label,
        )
    return option if isinstance(option, Literal) else Literal(option)


# --- our own ----------------------------------------------------------------------------------------------------


def float(  # noqa: A001
    label: str, low: Any, high: Any, *, log: builtins.bool = False, step: Any = None, prior: Any = None
) -> Apply:
    """A float from `low` to `high`, both included.

    Args:
        label: the parameter's name.
        low, high: numbers with `low < high`, or nodes that give them.
        log: orders of magnitude are alike; `low` must be positive.
        step: values are `low, low + step, …` up to `high`, each with the same probability (on the log scale: that of
            the interval around it).
        prior: a value that you expect to be good, or `around(value, ...)`; None where all of the range is alike.

    Raises:
        BadDistribution: the arguments contradict each other.
    """
    return _parameter(label, "real", low, high, log=log, step=step, **_guess(label, prior))


def int(  # noqa: A001
    label: str, low: Any, high: Any, *, log: builtins.bool = False, step: Any = 1, prior: Any = None
) -> Apply:
    """An integer from `low` to `high`, both included; arguments as for `float`."""
    return _parameter(label, "integer", low, high, log=log, step=step, **_guess(label, prior))


def categorical(label: str, options: Iterable[Any], *, prior: Sequence[Any] | Mapping[Any, Any] | None = None) -> Apply:
    """One of `options`, which may be any objects and are never looked into.

    Args:
        label: the parameter's name.
        options: what to choose from.
        prior: how good you expect the options to be, relative to each other: a weight for each, or option -> weight, where
            options that are left out weigh 1.  Half of the draws stays even, so that none is locked out.

    Raises:
        BadDistribution: the arguments contradict each other.
    """
    items = [_constant(label, item) for item in _options(label, options)]
    if prior is None:
        return _switch(label, "randint", items, len(items))
    weights = _weights(label, items, prior)
    even, total = (1.0 - DEFAULT_TRUST) / len(items), sum(weights)
    return _switch(label, "categorical", items, [even + DEFAULT_TRUST * weight / total for weight in weights])


def ordinal(label: str, values: Iterable[Any], *, prior: Any = None) -> Apply:
    """One of `values`, whose neighbours in the list are alike: sizes, degrees, powers of two.

    Args:
        label: the parameter's name.
        values: what to choose from, in order.
        prior: one of `values` that you expect to be good, or `around(one, ...)` with `within` in places of the list.

    Raises:
        BadDistribution: the arguments contradict each other.
    """
    items = [_constant(label, item) for item in _options(label, values)]
    given = _guess(label, prior)
    if given:
        known = [item.obj for item in items]
        guess, *rest = given["prior"]
        if guess not in known:
            raise BadDistribution(
                f"parameter {_label(label)!r}: the prior's guess must be one of the values, got {guess!r:.80}",
                label=label,
            )
        given["prior"] = (known.index(guess), *rest)
    return _switch(label, "ordinal", items, len(items), **given)


def around(guess: Any, within: Any = None, *, trust: Any = None) -> tuple[Any, Any, Any]:
    """A prior for `float`, `int` and `ordinal`: good values are expected around a guess.

    Early proposals come from there more often; what is found out counts more with every trial, and a guess that was wrong
    is overcome.

    Args:
        guess: the value that you expect to be good, within the bounds.
        within: how near: about two thirds of what comes from the guess is not farther from it.  On the log scale a factor
            (3 is from a third of the guess to three times it), else in the parameter's own units.  None: a fifth of the
            range, of its orders of magnitude on the log scale.
        trust: the share of draws that come from the guess, above 0 and at most 0.9; the others come from all of the range.
            None: 0.5.
    """
    return guess, within, trust


def bool(label: str) -> Apply:  # noqa: A001
    """False or True."""
    return categorical(label, [False, True])


def option(name: str, obj: Any) -> Apply:
    """An option with a name of its own, by which it is shown and stored, and may be enqueued.

    Args:
        name: of the option.
        obj: a constant; or, for `choice`, a sub-space.
    """
    inner = as_apply(obj)
    if isinstance(inner, Literal) or not _draws(inner):
        return Literal(obj, option_name=_label(name))
    return Apply("named_option", [Literal(_label(name)), inner], pure=True)


def _draws(node: Apply) -> builtins.bool:
    seen: set[builtins.int] = set()
    stack = [node]
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if not isinstance(item, Literal) and item.name not in ("pos_args", "dict"):
            return True
        stack.extend(item.inputs())
    return False


def call(function: Any, *args: Any, **kwargs: Any) -> Apply:
    """`function(*args, **kwargs)`, computed from the drawn values of the nodes among the arguments."""
    return Apply("call", [Literal(function), as_apply(args), as_apply(kwargs)])


# --- Hyperopt's twelve ------------------------------------------------------------------------------------------
# Eight of them take a generator `rng` as the last argument, as Hyperopt's do, and like those make no use of it: a search
# draws with its own.


def _float(label: object, family: str, rng: object, *args: object) -> Apply:
    node = scope.float(_parameter(label, family, *args))
    if rng is not None and not isinstance(rng, (Apply, np.random.Generator, np.random.RandomState)):
        raise BadDistribution(
            f"parameter {_label(label)!r}: {family} takes {len(args)} numbers, and then only a generator, got {rng!r:.80}",
            label=label,
        )
    return node


def choice(label: str, options: Iterable[Any]) -> Apply:
    """One of `options`; what is inside of an option is active only when that option is drawn.

    As in Hyperopt, lists inside of options arrive as tuples, and the text keys of mappings sorted.
    """
    items = [as_apply(item) for item in _options(label, options)]
    return _switch(label, "randint", items, len(items))


def pchoice(label: str, p_options: Iterable[tuple[Any, Any]]) -> Apply:
    """`choice` with a probability for each option: `[(0.9, a), (0.1, b)]`.

    Raises:
        BadDistribution: the probabilities are off one by more than 2 %; less is rescaled, with a warning.
    """
    pairs = _options(label, p_options)
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise BadDistribution(
            f"parameter {_label(label)!r}: pchoice takes pairs (probability, option), got {pairs!r:.80}", label=label
        )
    return _switch(label, "categorical", [as_apply(item) for _, item in pairs], [p for p, _ in pairs])


def randint(label: str, low: Any, high: Any = None) -> Apply:
    """An integer from `low` to `high - 1`; with one bound, from 0 to `low - 1`."""
    return scope.int(_parameter(label, "randint", *([low] if high is None else [low, high])))


def uniform(label: str, low: Any, high: Any, rng: Any = None) -> Apply:
    """A float between `low` and `high`."""
    return _float(label, "uniform", rng, low, high)


def quniform(label: str, low: Any, high: Any, q: Any, rng: Any = None) -> Apply:
    """`round(uniform(low, high) / q) * q`, a float."""
    return _float(label, "quniform", rng, low, high, q)


def uniformint(label: str, low: Any, high: Any, q: Any = 1.0) -> Apply:
    """`quniform` with q = 1, an integer; both bounds are included, each half as likely as the rest."""
    if isinstance(q, Apply) or q != 1:
        raise BadDistribution(f"parameter {_label(label)!r}: the q of uniformint is 1, got {q!r}", label=label)
    return scope.int(quniform(label, low, high, 1.0))


def loguniform(label: str, low: Any, high: Any, rng: Any = None) -> Apply:
    """`exp(uniform(low, high))`: the bounds are logarithms."""
    return _float(label, "loguniform", rng, low, high)


def qloguniform(label: str, low: Any, high: Any, q: Any, rng: Any = None) -> Apply:
    """`round(exp(uniform(low, high)) / q) * q`."""
    return _float(label, "qloguniform", rng, low, high, q)


def normal(label: str, mu: Any, sigma: Any, rng: Any = None) -> Apply:
    """Normal with mean `mu` and standard deviation `sigma`, unbounded."""
    return _float(label, "normal", rng, mu, sigma)


def qnormal(label: str, mu: Any, sigma: Any, q: Any, rng: Any = None) -> Apply:
    """`round(normal(mu, sigma) / q) * q`."""
    return _float(label, "qnormal", rng, mu, sigma, q)


def lognormal(label: str, mu: Any, sigma: Any, rng: Any = None) -> Apply:
    """`exp(normal(mu, sigma))`."""
    return _float(label, "lognormal", rng, mu, sigma)


def qlognormal(label: str, mu: Any, sigma: Any, q: Any, rng: Any = None) -> Apply:
    """`round(exp(normal(mu, sigma)) / q) * q`."""
    return _float(label, "qlognormal", rng, mu, sigma, q)
