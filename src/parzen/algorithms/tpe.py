"""Tree-structured Parzen estimator."""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray
from parzen.algorithms._base import Ask, Proposal, Seen, row_key, seen, unseen_point
from parzen.algorithms import _parzen as P
from parzen.algorithms._parzen import Form, Mixture, kernel_rows, log_density, point_rows
from parzen.space import Points, Space
from parzen.trials import Event, Finished, History, State

__all__ = ["TPE"]

X = dict(bad="shared", scale=0.2, bad_floor=0.03, good_frac=0.10, good_cap=25, ei=True, first=False, catw=1.0)


class _Bad:
    LIMIT = 2048

    def __init__(self, form):
        self.form = form
        self.n = 0
        self.stride = 1
        self.fresh_at = 0
        self.unit = np.empty((64, form.d))
        self.rows = np.empty((64, form.width + 2 * len(form.large)))
        self.m = 0

    def extend(self, unit):
        n = len(unit)
        if n == self.n:
            return
        stride = 1
        while n > stride * self.LIMIT:
            stride *= 2
        due = 16
        while math.ceil(due * 1.15) <= n:
            due = math.ceil(due * 1.15)
        if due != self.fresh_at or n < 16 or X["bad"] == "gap" or stride != self.stride:
            self.fresh_at, self.stride = due, stride
            pts = unit[::stride]
            cap = 2 * self.LIMIT + 8
            if X["bad"] == "gap":
                o = pts[:, self.form.ordered]
                k = np.count_nonzero(o == o, axis=0)
                floor = np.maximum(self.form.half_cells(pts), np.maximum(X["bad_floor"], (k + 2.0) ** -2))
                s = P.gap_bandwidths(o, floor)
            else:
                base = P.shared_bandwidths(unit[: max(1, min(due, n))][::stride][:, self.form.ordered], X["scale"], X["bad_floor"])
                self.base = base
                s = np.maximum(self.form.half_cells(pts), base)
            here = unit[: min(due, n)]
            self.pseudo = X["catw"] * self.form.options / (np.count_nonzero(here[:, self.form.named] == here[:, self.form.named], axis=0) + 1.0)
            self.all = kernel_rows(self.form, pts, s, self.pseudo, np.zeros(len(pts)))
            self.m = len(pts)
            if len(self.rows) < cap:
                self.rows = np.empty((cap, self.rows.shape[1]))
            self.rows[: self.m] = self.all
        else:
            first = -(-self.n // stride) * stride
            pts = unit[first::stride]
            if len(pts):
                s = np.maximum(self.form.half_cells(pts), self.base)
                self.rows[self.m : self.m + len(pts)] = kernel_rows(self.form, pts, s, self.pseudo, np.zeros(len(pts)))
                self.m += len(pts)
        self.n = n

    def one(self, unit):
        return kernel_rows(self.form, unit, np.maximum(self.form.half_cells(unit), getattr(self, "base", 0.1)), self.pseudo, np.zeros(len(unit)))


class _Memory:
    def __init__(self, space):
        self.form = Form(space)
        self.bad = _Bad(self.form)
        self.top: list[tuple[float, int]] = []
        self.scored = 0


def _step(memory, history, _, number):
    loss = float(history.losses[number])
    if math.isfinite(loss):
        memory.scored += 1
        insort(memory.top, (loss, number))
        del memory.top[X["good_cap"] + 1 :]
    return memory


@dataclass(frozen=True, slots=True)
class TPE:
    n_startup: int = 10
    n_candidates: int = 64
    gamma: float | None = None
    prior_weight: float = 1.0
    linear_forgetting: int | None = None
    wide: bool = False

    def suggest(self, space, history, ask):
        known = seen(history)
        memory = history.fold(self, lambda: _Memory(space), _step, (Finished,))
        points, keys, sources, gains, pending = [], [], [], [], []
        for number in ask.numbers:
            rng = ask.rng(number)
            if history.spent + len(points) < self.n_startup or space.d == 0:
                point, source, gain = unseen_point(space, known, rng, keys), "tpe: random start", None
            else:
                point, source, gain = self._propose(space, history, memory, rng, known, keys, pending)
            points.append(point)
            if len(ask.numbers) > 1:
                pending.append(space.to_unit(point)[0])
            keys.append(row_key(point.values[0]))
            sources.append(source)
            gains.append(gain)
        return Proposal(points[0] if len(points) == 1 else Points.stack(points), tuple(sources), tuple(gains))

    def _good(self, memory, history):
        form = memory.form
        n = memory.scored
        k = min(math.ceil(self.gamma * math.sqrt(n)) if self.gamma is not None else math.ceil(X["good_frac"] * n), X["good_cap"])
        rows = [number for _, number in memory.top[:k]]
        unit = history.unit[rows]
        o = unit[:, form.ordered]
        counts = np.count_nonzero(o == o, axis=0)
        fl = np.maximum(X.get("gm", 0.01), X.get("gc", 1.0) * (counts + 2.0) ** -X.get("gp", 1.0))
        if X.get("shared_good"): fl = np.maximum(fl, X["shared_good"] * np.maximum(counts,1) ** (-1/(4+len(counts))))
        sigma = np.maximum(form.half_cells(unit), np.broadcast_to(fl, o.shape)) if X.get("nogap") else P.gap_bandwidths(o, np.maximum(form.half_cells(unit), fl))
        w = np.ones(k + 1)
        w[-1] = self.prior_weight
        if X["ei"] and len(memory.top) > k > 0:
            g = memory.top[k][0] - np.array([l for l, _ in memory.top[:k]])
            g = np.maximum(g, 1e-12)
            w[:-1] = g / g.mean()
        named = unit[:, form.named]
        pseudo = X["catw"] * form.options / (np.count_nonzero(named == named, axis=0) + 1.0)
        return rows, Mixture(form, unit, sigma, pseudo, w)

    def _propose(self, space, history, memory, rng, known, keys, pending):
        form, bad = memory.form, memory.bad
        good_rows, good = self._good(memory, history)
        bad.extend(history.unit)
        unit = good.sample(rng, self.n_candidates)
        x = point_rows(form, unit)
        left = [i // bad.stride for i in good_rows if i % bad.stride == 0]
        extra = (bad.one(np.array(pending)),) if pending else ()
        m = bad.m - len(left) + len(pending)
        score = good.log_density(x) - (log_density(form, x, (bad.rows[: bad.m], *extra), math.log(self.prior_weight * max(1, m) / max(1, len(history) - len(good_rows) + len(pending))), left) )
        order = np.argsort(-score, kind="stable")
        for i in order:
            point = space.from_unit(np.where(unit[i] == unit[i], unit[i], 0.5)[None, :])
            key = row_key(point.values[0])
            if key not in known.numbers and key not in keys:
                return point, "tpe", float(score[i])
        return unseen_point(space, known, rng, keys), "tpe: nothing new among the candidates", None
