"""Bayesian optimisation with a Gaussian process, on trees of mixed columns.

Snoek, Larochelle and Adams 2012, "Practical Bayesian optimization of machine learning algorithms": a process models the
losses that are known, and the configuration with the greatest expected improvement is tried next.

1. The losses are transformed (`_output`), and the process is fitted to them (`_model`) over columns of any kind
   (`_kernel`).
2. Trials that are still running count with the loss that is expected of them (Ginsbourger, Le Riche and Carraro 2010,
   "Kriging is well-suited to parallelize optimization", the believer), which keeps proposals apart that are evaluated
   at the same time.
3. Trials that were pruned count with what they told last.  Trials that failed have no loss, and nothing is made up for them:
   whether a configuration fails is learnt by a process of its own (`_success`), and improvement is looked for where it
   probably does not.
4. The log of it (`_acquisition`) is maximised (`_search`), and the best row that was not tried is proposed.

What a fit finds goes into the log (`_memo`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from parzen._typing import JSON, BoolArray, FloatArray
from parzen.algorithms._base import Ask, Pick, Proposal, proposal_of, row_key, seen, unseen_point
from parzen.algorithms._form import form_of
from parzen.algorithms._sobol import start_pick, startup
from parzen.algorithms.gp._acquisition import log_expected_improvement, log_expected_improvement_slopes
from parzen.algorithms.gp._kernel import Encoding, Inputs, matern, mismatch, squared_distances
from parzen.algorithms.gp._memo import LABELS, LOSSES, last_fit
from parzen.algorithms.gp._model import LENGTHS, Model, Prior, fit, start
from parzen.algorithms.gp._output import Output, fit_output
from parzen.algorithms.gp._search import climb
from parzen.algorithms.gp._success import Success, fit_success
from parzen.errors import AlgorithmError
from parzen.space import Space
from parzen.trials import History, State

__all__ = ["EXACT", "GP", "gp_pick", "known_noise"]

EXACT = 0.05
"""Standard deviations of the transformed losses: what a process calls noise below that is a kink, or rounding, and losses are
exact."""

_Indices: TypeAlias = NDArray[np.intp]
_SUBSET = (80, 80, 40)
"""Beyond 200 trials the process sees so many of the best, of the nearest to the best, and of the newest."""
_LOOKED_AT = 1000
"""The nearest are looked for among so many of the best: with all of them an ask would take the longer, the more there are."""
_COLUMNS = 300
"""More lengths than this cannot be kept in a memo, nor learnt."""
_NEWEST = 100
"""So many trials at most that run and that were pruned, and twice as many that succeeded or failed."""
_DOUBT = 0.1
"""Variance of the loss that a pruned trial would have come to."""
_TWICE = 60
"""Labels up to which their process is always fitted from what was found last and from nothing."""
_WIDTH = 40
_GIVEN_UP = 0.75
"""Quantile of the losses that a pruned trial which told nothing is believed to have."""


@dataclass(frozen=True, slots=True)
class GP:
    """Gaussian process with log expected improvement.

    Attributes:
        n_startup: so many trials are Sobol points at first; None: one more than there are columns, from 5 to 12;
            the first is the middle of every range.
    """

    n_startup: int | None = None

    def __post_init__(self) -> None:
        value = self.n_startup
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= 0
        if not (whole or value is None):
            raise AlgorithmError(f"GP's n_startup is a whole number from 0 up, or None, got {value!r:.80}")

    def suggest(self, space: Space, history: History, ask: Ask) -> Proposal:
        """Points for `ask.numbers`; each of them counts as running for those after it."""
        return proposal_of(ask, lambda number, picks: self.pick(space, history, ask, number, picks))

    def pick(self, space: Space, history: History, ask: Ask, number: int, earlier: Sequence[Pick]) -> Pick:
        """The point for one number, given what the same ask has picked already."""
        if history.asked + len(earlier) < (startup(space) if self.n_startup is None else self.n_startup):
            return start_pick(space, history, ask, number, earlier, "gp")
        return gp_pick(space, history, ask, number, earlier)


def gp_pick(space: Space, history: History, ask: Ask, number: int, earlier: Sequence[Pick]) -> Pick:
    """The point of the greatest expected improvement, or a random one where there is nothing to learn from."""
    rng = ask.rng(number)
    known, taken = seen(history), {pick.key for pick in earlier}
    form = form_of(space, history)
    encoding = Encoding(form)
    scored = np.flatnonzero(history.ok & np.isfinite(history.losses))
    if len(scored) < 2 or not 0 < encoding.lengths <= _COLUMNS:
        return Pick.of(unseen_point(space, known, rng, sorted(taken)), "gp: random, nothing to learn from yet")
    output, chosen, z, noise, theta, losses_memo = _fitted(encoding, history, scored, earlier)
    model = Model(encoding, theta, encoding.inputs(history.unit[chosen]), z, noise)
    # The best loss that was seen may be luck, if its noise is known.  (Where noise is only learnt, means to beat and more
    # turns for the estimators were tried: no better under noise, 35 runs, and worse on rugged functions without.)
    level = model.predict(encoding.inputs(history.unit[chosen]))[0] if noise.any() else z
    incumbent, best = float(level.min()), history.unit[chosen[np.argsort(level, kind="stable")[:5]]]

    # What is not known yet is believed to come out as expected, and what was given up half-way about as bad as it was then.
    pending, given_up = _pending(space, history, earlier), _newest(history.state == State.PRUNED)
    pruned = history.unit[given_up]
    if len(pending) or len(pruned):
        believed, _ = model.predict(encoding.inputs(pending))
        incumbent = min([incumbent, *believed.tolist()])
        rows = np.concatenate((history.unit[chosen], pending, pruned))
        half_way = output(_half_way(history.losses[scored], history.partial[given_up]))
        quiet = np.concatenate((noise, np.zeros(len(pending)), np.full(len(pruned), _DOUBT)))
        model = Model(encoding, theta, encoding.inputs(rows), np.concatenate((z, believed, half_way)), quiet)
    room = _Room(encoding, model.inverse_lengths, encoding.inputs(pending))
    success, labels_memo = _success(encoding, history, scored, earlier)
    memo: JSON = {**losses_memo, **labels_memo} or None

    def score(unit: FloatArray, barrier: bool = True) -> FloatArray:
        mean, deviation = model.predict(encoding.inputs(unit))
        value = log_expected_improvement(mean, deviation, incumbent) + room(unit)
        if success is None:
            return value
        return value + (success(unit) if barrier else success.log_chance(unit))

    def slopes(unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        mean, deviation, mean_slope, deviation_slope = model.predict_with_gradient(unit)
        by_mean, by_deviation = log_expected_improvement_slopes(mean, deviation, incumbent)
        value = log_expected_improvement(mean, deviation, incumbent)
        slope = by_mean[:, None] * mean_slope + by_deviation[:, None] * deviation_slope
        if success is not None:
            added, added_slope = success.with_slope(unit)
            value, slope = value + added, slope + added_slope
        return value, slope

    lengths = 1.0 / model.inverse_lengths[: encoding.n_ordered]
    ranked = climb(form, score, slopes, best, lengths, rng)
    # On a space of names whatever is near the best has often been tried; elsewhere the first rows have one that is new.
    for first in range(0, len(ranked), _WIDTH):
        rows = ranked[first : first + _WIDTH]
        points = space.from_unit(np.where(rows == rows, rows, 0.5))
        for i in range(len(rows)):
            key = row_key(points.values[i])
            if key not in known.numbers and key not in taken:
                gain = float(score(rows[i : i + 1], barrier=False)[0])
                return Pick(points[i : i + 1], key, "gp", gain, memo)
    return Pick.of(unseen_point(space, known, rng, sorted(taken)), "gp: random, no new candidate", memo)


# --- data -------------------------------------------------------------------------------------------------------


def _fitted(
    encoding: Encoding, history: History, scored: _Indices, earlier: Sequence[Pick]
) -> tuple[Output, _Indices, FloatArray, FloatArray, FloatArray, dict[str, JSON]]:
    """The transform of losses; of the trials that the process sees the numbers, losses and known noise; theta, and its memo."""
    n = len(scored)
    output = fit_output(history.losses[scored])
    prior = Prior.of(encoding.lengths)
    last = last_fit(history, earlier, LOSSES, prior)
    theta = last.theta
    chosen = scored
    if n > sum(_SUBSET):
        chosen = _subset(encoding, history, scored, start(prior) if theta is None else theta)
    z = output(history.losses[chosen])
    noise = known_noise(output, history, chosen)
    if theta is not None and not last.is_due(n):
        return output, chosen, z, noise, theta, {}
    starts, iterations = last.plan(n, prior)
    inputs = encoding.inputs(history.unit[chosen])
    # Rounded, because what is used has to be what is written.
    theta = np.round(fit(encoding, inputs, z, noise, prior, starts, iterations), 4)
    return output, chosen, z, noise, theta, LOSSES.memo(theta, n)


def _success(
    encoding: Encoding, history: History, scored: _Indices, earlier: Sequence[Pick]
) -> tuple[Success | None, dict[str, JSON]]:
    """Where trials fail, None where none did; and the memo of what was fitted for it."""
    failed = np.flatnonzero(_failed(history))
    n, prior = len(scored) + len(failed), Prior.of(encoding.lengths)
    # The newest of all that ended, however: so many of each kind would make rare failures look frequent.
    oldest = np.sort(np.concatenate((scored, failed)))[-2 * _NEWEST :][0]
    good_rows, failed_rows = (history.unit[which[which >= oldest]] for which in (scored, failed))
    if not len(failed_rows) or not len(good_rows):
        return None, {}
    last = last_fit(history, earlier, LABELS, prior)
    if last.theta is not None and not last.is_due(n):
        return Success(encoding, last.theta, good_rows, failed_rows), {}
    starts, iterations = last.plan(n, prior)
    if (
        n <= _TWICE and last.theta is not None and len(starts) == 1
    ):  # two explanations of failing, a border and chance, have a hill each
        starts, iterations = [*starts, start(prior)], 30
    theta = np.round(fit_success(encoding, good_rows, failed_rows, prior, starts, iterations), 4)
    # Beside that of the losses' process there is room for so many in a memo; with more, each ask fits anew.
    memo = LABELS.memo(theta, n) if encoding.lengths <= _COLUMNS // 2 else {}
    return Success(encoding, theta, good_rows, failed_rows), memo


def known_noise(output: Output, history: History, numbers: _Indices) -> FloatArray:
    """Variances `(m,)` of transformed losses, of trials whose objective returned them; 0 of the others."""
    known = np.sqrt(np.nan_to_num(history.variances[numbers], nan=0.0))
    if not known.any():
        return np.zeros(len(numbers))
    return np.minimum(output.deviations(history.losses[numbers], known) ** 2, 1e6)


def _subset(encoding: Encoding, history: History, scored: _Indices, theta: FloatArray) -> _Indices:
    """At most 200 of the trials: what is good, what is near the best, what is new."""
    best, near, new = _SUBSET
    order = scored[np.argsort(history.losses[scored], kind="stable")]
    chosen = order[:best].tolist()
    rest = order[best:_LOOKED_AT]
    inverse = np.exp(-theta[LENGTHS:])
    inputs = encoding.inputs(history.unit[np.concatenate((order[:1], rest))])
    apart = (inputs.features - inputs.features[0]) * inverse[: encoding.n_ordered][encoding.owner]
    distance = (apart * apart).sum(axis=1)
    distance += ((inputs.codes != inputs.codes[0]) * inverse[encoding.n_ordered :] ** 2).sum(axis=1)
    by_distance = rest[np.argsort(distance[1:], kind="stable")]
    chosen += by_distance[:near].tolist()
    chosen += np.setdiff1d(scored, chosen)[-new:].tolist()
    return np.sort(np.array(chosen, dtype=np.intp))


def _pending(space: Space, history: History, earlier: Sequence[Pick]) -> FloatArray:
    """`(r, d)` coordinates of what nobody knows the loss of yet, the newest."""
    waiting = np.flatnonzero((history.state == State.WAITING) | (history.state == State.RUNNING))[-_NEWEST:]
    return np.concatenate((history.unit[waiting], *(space.to_unit(pick.point) for pick in earlier)))


def _failed(history: History) -> BoolArray:
    """`(n,)` which ended without a finite loss, whatever the reason but pruning: that is no sign of a region that fails."""
    return np.isin(history.state, (State.FAILED, State.ERROR)) | (history.ok & ~np.isfinite(history.losses))


def _newest(which: BoolArray) -> _Indices:
    """The newest numbers of some `(n,)`."""
    return np.flatnonzero(which)[-_NEWEST:]


def _half_way(losses: FloatArray, told: FloatArray) -> FloatArray:
    """`(r,)` losses that trials would have come to that were given up, from the last they told, NaN where they told nothing.

    Losses fall as a training goes on, so that what was told is too high rather than too low; but it is never better than
    the median of the known `losses`, because it was no good next to others, and never worse than the worst.
    """
    middle, most = np.quantile(losses, [0.5, _GIVEN_UP], method="lower")  # one of them: a mean of two may overflow
    return np.asarray(np.clip(np.where(np.isnan(told), most, told), middle, losses.max()))


class _Room:
    """The log of what is left of an improvement beside what is under way.

    What is under way takes the more from its neighbours the nearer they are (Gonzalez, Dai, Hennig and Lawrence 2016,
    "Batch Bayesian optimization via local penalization"), because the believer alone lets a batch of a confident process
    crowd into one place.

    What is near is said by a kernel of its own: that of the losses, with no length beyond a reach.

    Args:
        encoding: of the space.
        inverse_lengths: of the losses' kernel.
        pending: rows.
    """

    _REACH = 0.2

    def __init__(self, encoding: Encoding, inverse_lengths: FloatArray, pending: Inputs) -> None:
        least = 1.0 / (self._REACH * np.sqrt(max(encoding.lengths, 1)))
        inverse = np.maximum(inverse_lengths, least)
        self._scale, self._rates = inverse[: encoding.n_ordered][encoding.owner], inverse[encoding.n_ordered :] ** 2
        self._encoding, self._pending = encoding, pending

    def __call__(self, unit: FloatArray) -> FloatArray:
        """`(m,)` for rows `(m, d)`; 0 where nothing is under way."""
        if not len(self._pending):
            return np.zeros(len(unit))
        inputs = self._encoding.inputs(unit)
        near, _ = matern(squared_distances(inputs.features * self._scale, self._pending.features * self._scale))
        near *= np.exp(-mismatch(inputs.codes, self._pending.codes, self._rates))
        return np.asarray(np.log1p(-0.999 * near.max(axis=1)))
