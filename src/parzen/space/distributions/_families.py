"""From a family's name and arguments to a distribution, with every contradiction caught and named.

The names are those of the graph's nodes: ten are Hyperopt's, the last three are ours.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from parzen._typing import JSON
from parzen.errors import BadDistribution
from parzen.space.distributions._around import (
    DEFAULT_TRUST,
    MOST_TRUST,
    NARROWEST,
    WIDEST,
    Around,
    Ranged,
    default_within,
)
from parzen.space.distributions._base import EXACT, Distribution, number, of
from parzen.space.distributions._categorical import Categorical, Ordinal
from parzen.space.distributions._continuous import LogNormal, LogUniform, Normal, Uniform
from parzen.space.distributions._grid import Grid
from parzen.space.distributions._quantized import Quantized
from parzen.space.distributions._sampled import Sampled

__all__ = ["FAMILIES", "build", "distribution_from_json"]

Label: TypeAlias = str | None

_NARROWEST = 2.0**-1022
"""Smaller ranges are made of subnormal numbers, in which arithmetic loses its precision."""
_FARTHEST = 10.0
"""Standard deviations beyond which the normal families never draw (the quantile of 1 - 2**-53 is 8.2)."""


def _bounds(label: Label, low: object, high: object) -> tuple[float, float]:
    a, b = number(label, "low", low), number(label, "high", high)
    if a >= b:
        raise BadDistribution(f"{of(label)}low must be less than high, got low={a!r}, high={b!r}", label=label)
    if 0.5 * b - 0.5 * a < _NARROWEST:
        raise BadDistribution(f"{of(label)}there are no numbers between low={a!r} and high={b!r}", label=label)
    return a, b


def _positive(label: Label, name: str, value: object) -> float:
    x = number(label, name, value)
    if x <= 0:
        raise BadDistribution(f"{of(label)}{name} must be positive, got {x!r}", label=label)
    return x


def _whole(label: Label, name: str, value: object) -> float:
    x = number(label, name, value)
    if x != math.floor(x):
        raise BadDistribution(f"{of(label)}{name} must be a whole number, got {x!r}", label=label)
    if abs(x) > EXACT:
        raise BadDistribution(
            f"{of(label)}{name} must lie within ±2**53, beyond which numbers are not exact, got {value!r}", label=label
        )
    return x


def _uniform(label: Label, low: object, high: object) -> Uniform:
    return Uniform(*_bounds(label, low, high))


def _loguniform(label: Label, low: object, high: object) -> LogUniform:
    """Hyperopt's: the bounds are logarithms."""
    a, b = _bounds(label, low, high)
    if a < -744.0 or b > 709.0 or math.exp(a) >= math.exp(b):
        raise BadDistribution(
            f"{of(label)}the bounds of loguniform are logarithms, and exp({a!r}) … exp({b!r}) is not a range of "
            "numbers; for bounds in natural units use hp.float(label, low, high, log=True)",
            label=label,
        )
    return _log_range(label, math.exp(a), math.exp(b))


def _log_range(label: Label, low: float, high: float) -> LogUniform:
    if math.log(low) >= math.log(high):
        raise BadDistribution(f"{of(label)}low={low!r} and high={high!r} have the same logarithm", label=label)
    return LogUniform(low, high)


def _normal(label: Label, mu: object, sigma: object) -> Normal:
    centre, width = number(label, "mu", mu), _positive(label, "sigma", sigma)
    _reach(label, centre, width)
    return Normal(centre, width)


def _lognormal(label: Label, mu: object, sigma: object) -> LogNormal:
    centre, width = number(label, "mu", mu), _positive(label, "sigma", sigma)
    _reach(label, centre, width)
    return LogNormal(centre, width)


def _reach(label: Label, mu: float, sigma: float) -> None:
    if not math.isfinite(abs(mu) + _FARTHEST * sigma):
        raise BadDistribution(f"{of(label)}mu={mu!r} and sigma={sigma!r} give infinite values", label=label)


def _quantized(base: Callable[..., Any]) -> Callable[..., Quantized]:  # one of the four functions above
    def build(label: Label, first: object, second: object, q: object) -> Quantized:
        inner, width = base(label, first, second), _positive(label, "q", q)
        _multiples(label, inner, width)
        return Quantized(inner, width)

    return build


def _multiples(label: Label, base: Distribution, q: float) -> None:
    farthest = np.abs(base.from_unit(np.array([0.0, 1.0]))).max()
    if not math.isfinite(float(farthest) / q):
        raise BadDistribution(f"{of(label)}q={q!r} is too small for values as large as {farthest:g}", label=label)


def _randint(label: Label, low: object, high: object = None) -> Grid:
    """Hyperopt's: `high` is excluded, and alone it counts from 0."""
    a, b = (
        (_whole(label, "low", low), _whole(label, "high", high))
        if high is not None
        else (0.0, _whole(label, "upper", low))
    )
    if b <= a:
        raise BadDistribution(
            f"{of(label)}randint draws from low to high - 1, so low must be less than high, got low={a:g}, high={b:g}",
            label=label,
        )
    return Grid(a, b - 1, 1.0, False, True)


def _float(
    label: Label, low: object, high: object, log: object = False, step: object = None, prior: object = None
) -> Distribution:
    a, b = _bounds(label, low, high)
    _log_bound(label, a, log)
    if step is None:
        return _around(label, _log_range(label, a, b) if log else Uniform(a, b), prior)
    return _around(label, Grid(a, b, _step(label, step, a, b), bool(log), False), prior)


def _int(
    label: Label, low: object, high: object, log: object = False, step: object = 1, prior: object = None
) -> Distribution:
    a, b = _whole(label, "low", low), _whole(label, "high", high)
    if a > b:
        raise BadDistribution(f"{of(label)}low must not be greater than high, got low={a:g}, high={b:g}", label=label)
    _log_bound(label, a, log)
    step = 1 if step is None else step
    width = _step(label, _whole(label, "step", step), a, b) if a < b or step != 1 else 1.0
    return _around(label, Grid(a, b, width, bool(log), True), prior)


def _around(label: Label, base: Ranged, prior: object) -> Ranged | Around:
    """A distribution with a guess in it; `prior` is (guess, within, trust), of which the last two may be None."""
    if prior is None:
        return base
    given = tuple(prior) if isinstance(prior, (tuple, list)) else (prior,)
    if len(given) > 3:
        raise BadDistribution(f"{of(label)}a prior is (guess, within, trust), got {prior!r:.80}", label=label)
    value, within, trust = (*given, None, None)[:3]
    guess = number(label, "the prior's guess", value)
    first, last = (0.0, base.count - 1.0) if isinstance(base, Ordinal) else (base.low, base.high)
    if not first <= guess <= last:
        raise BadDistribution(
            f"{of(label)}the prior's guess must lie within the bounds, from {first:g} to {last:g}, got {guess!r}",
            label=label,
        )
    share = number(label, "the prior's trust", DEFAULT_TRUST if trust is None else trust)
    if not 0 < share <= MOST_TRUST:
        raise BadDistribution(
            f"{of(label)}the prior's trust must be above 0 and at most {MOST_TRUST:g}, so that the rest of the range keeps "
            f"some draws; got {share!r}",
            label=label,
        )
    around = Around(base, guess, 2.0, share)
    width = default_within(base) if within is None else number(label, "the prior's within", within)
    least = 1.0 if around.log else 0.0
    if not width > least:
        unit = "a factor above 1 on the log scale" if around.log else "positive, in the parameter's own units"
        raise BadDistribution(f"{of(label)}the prior's within must be {unit}, got {width!r}", label=label)
    result = Around(base, guess, width, share)
    if not NARROWEST <= result.spread <= WIDEST:
        raise BadDistribution(
            f"{of(label)}the prior's within must be from a {1 / NARROWEST:,.0f}th of the range to {WIDEST:g} times the range, "
            f"got {width!r} for {base.describe()}",
            label=label,
        )
    return result


def _log_bound(label: Label, low: float, log: object) -> None:
    if log and low <= 0:
        raise BadDistribution(f"{of(label)}the log scale needs a positive low, got {low!r}", label=label)


def _step(label: Label, step: object, low: float, high: float) -> float:
    width = _positive(label, "step", step)
    if (high - low) / width < 1 - 1e-9:  # 4.1 - 4.0 is a little less than 0.1
        raise BadDistribution(
            f"{of(label)}step {width!r} is larger than the range from {low!r} to {high!r}", label=label
        )
    if (high - low) / width > EXACT:
        raise BadDistribution(
            f"{of(label)}step {width!r} is too small for the range from {low!r} to {high!r}", label=label
        )
    return width


def _count(label: Label, count: object) -> int:
    n = _whole(label, "the number of options", count)
    if n < 1:
        raise BadDistribution(f"{of(label)}there must be at least one option to choose from", label=label)
    return int(n)


def _categorical(label: Label, weights: object) -> Categorical:
    """Hyperopt's: the node's argument is the vector of probabilities."""
    if not isinstance(weights, (Sequence, np.ndarray)):
        raise BadDistribution(f"{of(label)}probabilities must be a list of numbers, got {weights!r:.80}", label=label)
    p = [number(label, "a probability", w) for w in weights]
    _count(label, len(p))
    if min(p) < 0:
        raise BadDistribution(f"{of(label)}probabilities must not be negative, got {min(p)!r}", label=label)
    total = math.fsum(p)
    if abs(total - 1.0) > 0.02:
        raise BadDistribution(f"{of(label)}probabilities must sum to 1, these sum to {total:.6g}", label=label)
    if abs(total - 1.0) > 1e-9:
        warnings.warn(f"{of(label)}probabilities sum to {total:.6g}; they were rescaled to 1", stacklevel=2)
    return Categorical(len(p), tuple(w / total for w in p))


def _ordinal(label: Label, count: object, prior: object = None) -> Distribution:
    return _around(label, Ordinal(_count(label, count)), prior)


FAMILIES: Mapping[str, Callable[..., Distribution]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "normal": _normal,
    "lognormal": _lognormal,
    "quniform": _quantized(_uniform),
    "qloguniform": _quantized(_loguniform),
    "qnormal": _quantized(_normal),
    "qlognormal": _quantized(_lognormal),
    "randint": _randint,
    "categorical": _categorical,
    "ordinal": _ordinal,
    "real": _float,
    "integer": _int,
}
"""Node name -> builder; a builder takes the label first, then the node's arguments."""


def build(label: Label, family: str, *args: Any, **kwargs: Any) -> Distribution:  # a user's arguments, checked within
    """The distribution of a node.

    Raises:
        BadDistribution: the arguments contradict each other; the text names the label and the fault.
    """
    try:
        return FAMILIES[family](label, *args, **kwargs)
    except TypeError as error:
        raise BadDistribution(f"{of(label)}{family} was given the wrong arguments: {error}", label=label) from error


def _sampled(levels: Sequence[object], counts: Sequence[int] | None, integral: bool) -> Sampled:
    known = [number(None, "a level", level) for level in levels]
    if any(a >= b for a, b in pairwise(known)) or len(known) < (2 if counts is None else 1):
        raise BadDistribution(f"levels are different numbers in order, got {known!r:.80}")
    if counts is None:
        return Sampled(tuple(known))
    if len(counts) != len(known) or not all(type(count) is int and count > 0 for count in counts):
        raise BadDistribution(f"each of {len(known)} levels has a count, got {counts!r:.80}")
    return Sampled(tuple(known), tuple(counts), integral)


def distribution_from_json(family: str, arguments: Mapping[str, JSON]) -> Distribution:
    """What `Distribution.arguments` describes, with the checks of a new one.

    Raises:
        BadDistribution, KeyError, TypeError, ValueError: the description is damaged.
    """
    given: dict[str, Any] = dict(arguments)  # JSON; each constructor is followed by the checks below
    result: Distribution
    if family in ("uniform", "loguniform"):
        a, b = _bounds(None, given["low"], given["high"])
        if family == "loguniform":
            _log_bound(None, a, True)
        result = Uniform(a, b) if family == "uniform" else _log_range(None, a, b)
    elif family in ("normal", "lognormal"):
        result = FAMILIES[family](None, given["mu"], given["sigma"])
    elif family == "quantized":
        inner = {name: value for name, value in given.items() if name not in ("q", "base", "integral")}
        base = distribution_from_json(given["base"], inner)
        if not isinstance(base, (Uniform, LogUniform, Normal, LogNormal)):
            raise BadDistribution(f"{given['base']!r} cannot be rounded to multiples")
        _multiples(None, base, _positive(None, "q", given["q"]))
        result = Quantized(base, float(given["q"]), bool(given["integral"]))
    elif family == "grid":
        low, high = number(None, "low", given["low"]), number(None, "high", given["high"])
        if low > high:
            raise BadDistribution(f"low must not be greater than high, got {low!r}, {high!r}")
        _log_bound(None, low, given["log"])
        result = Grid(low, high, _positive(None, "step", given["step"]), bool(given["log"]), bool(given["integral"]))
    elif family == "around":
        inner = {name: value for name, value in given.items() if name not in ("base", "guess", "within", "trust")}
        base = distribution_from_json(given["base"], inner)
        if not isinstance(base, (Uniform, LogUniform, Grid, Ordinal)):
            raise BadDistribution(f"{given['base']!r} has no bounds for a prior to lie within")
        result = _around(None, base, (given["guess"], given["within"], given["trust"]))
    elif family == "sampled":
        result = _sampled(given["levels"], given["counts"], bool(given["integral"]))
    elif family == "ordinal":
        result = Ordinal(_count(None, given["count"]))
    elif family == "categorical":
        weights = given.get("weights")
        if weights is not None:
            p = [number(None, "a probability", w) for w in weights]
            if len(p) != given["count"] or min(p) < 0 or abs(math.fsum(p) - 1.0) > 1e-6:
                raise BadDistribution(f"{given['count']} options do not have the probabilities {p!r:.80}")
        result = Categorical(_count(None, given["count"]), None if weights is None else tuple(map(float, weights)))
    else:
        raise BadDistribution(f"no distribution is called {family!r}")
    return result
