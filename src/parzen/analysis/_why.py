"""Why a trial was tried: which rule proposed it, from what, and what was expected of it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parzen._typing import JSON, IntArray
from parzen._wording import joined, number, plain, settings
from parzen.analysis._source import Source, history_of
from parzen.analysis._spread import apart
from parzen.trials import EARLIER, History

__all__ = ["Why", "outcome_of", "why"]

_NEAREST = 3


@dataclass(frozen=True, slots=True)
class Why:
    """What led to one trial.

    Attributes:
        number: of the trial.
        rule: the algorithm's own word for it, "enqueued" for what a person wanted.
        known: how many trials had ended when it was asked for.
        running: how many were under way then.
        best: the best trial then; None where there was none.
        gain: what the rule expected of it, in the rule's own units; None where it expected nothing.
        unit: what those units are, in words.
        nearest: the known trials that are most alike, with their distance: the root of the mean squared difference of
            quantiles, 1 for a different option, and for a parameter that only one of both has.
        changed: labels of the parameters that differ from the best trial's.
        sentences: all that in words.
    """

    number: int
    rule: str
    known: int
    running: int
    best: int | None
    gain: float | None
    unit: str
    nearest: tuple[tuple[int, float], ...]
    changed: tuple[str, ...]
    sentences: tuple[str, ...]

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON."""
        names = "number rule known running best gain unit changed sentences".split()
        return {**{name: getattr(self, name) for name in names}, "nearest": [list(pair) for pair in self.nearest]}

    def __str__(self) -> str:
        return " ".join(self.sentences)


def why(source: Source, number: int) -> Why:
    """Why a trial was tried.

    What was known is told by the times in the log: trials that had ended when this one was asked for.

    Args:
        source: a study, a result or a history.
        number: of the trial.

    Raises:
        IndexError: there is no such trial.
        TypeError: the number is none.
    """
    history = history_of(source)
    try:
        number = operator.index(number)
    except TypeError:
        raise TypeError(f"number is that of a trial, a whole number, got {number!r:.80}") from None
    i = range(len(history))[number] if -len(history) <= number < len(history) else number
    history._check(i)
    at = history.asked_at[i]
    numbers = np.arange(len(history))
    over = (history.finished_at <= at) & (numbers != i)
    under_way = (history.asked_at <= at) & ~over & (numbers < i)
    losses = np.where(over & history.ok & np.isfinite(history.losses), history.losses, np.inf)
    best = int(np.argmin(losses)) if len(losses) and np.isfinite(losses.min()) else None
    rule = history.source(i)
    gain = float(history.gains[i]) if history.gains[i] == history.gains[i] else None
    nearest = _nearest(history, i, np.flatnonzero(over))
    changed = () if best is None else _changed(history, i, best)
    unit = _unit(rule)
    facts = (rule, int(over.sum()), int(under_way.sum()), best, gain, unit, nearest, changed)
    return Why(i, *facts, tuple(_sentences(history, i, *facts)))


def _unit(rule: str) -> str:
    words = rule.replace(":", " ").split()
    if "gp" in words:
        return "log of the expected improvement, in standard deviations of the transformed losses, less where trials fail or run"
    if "tpe" in words:
        return "log of how much likelier it is among the good trials than among the others"
    return "the rule's own units"


def _nearest(history: History, i: int, known: IntArray) -> tuple[tuple[int, float], ...]:
    if not len(known) or not history.space.d:
        return ()
    distance = apart(history.space, history.unit[known], history.unit[i])
    order = np.argsort(distance, kind="stable")[:_NEAREST]
    return tuple((int(known[k]), float(distance[k])) for k in order)


def _changed(history: History, i: int, best: int) -> tuple[str, ...]:
    a, b = history.values[i], history.values[best]
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return tuple(history.space.labels[j] for j in np.flatnonzero(~same).tolist())


def _sentences(
    history: History,
    i: int,
    rule: str,
    known: int,
    running: int,
    best: int | None,
    gain: float | None,
    unit: str,
    nearest: tuple[tuple[int, float], ...],
    changed: tuple[str, ...],
) -> list[str]:
    memo = history.memo(i)
    if history.worker(i) == EARLIER:
        said = [f"Trial {i} was evaluated in an earlier study and taken in ({plain(rule, 80)})."]
    elif rule == "enqueued":
        given = memo.get("given") if isinstance(memo, Mapping) else None
        named = ", ".join(plain(label, 40) for label in given) if isinstance(given, Mapping) else ""
        said = [f"Somebody asked for trial {i}" + (f" and gave {named}." if named else ".")]
    elif isinstance(memo, Mapping) and isinstance(memo.get("again"), int):
        said = [f"Somebody let the configuration of trial {memo['again']} be tried again."]
    else:
        said = [f"The rule “{plain(rule, 80)}” proposed trial {i}."]
    said.append(f"{known} trials had ended then" + (f" and {running} were under way." if running else "."))
    if best is not None:
        loss = number(history.reported(history.losses[best]))
        said.append(f"The best of them was trial {best} with {loss}.")
        if changed and len(changed) < history.space.d:
            said.append(f"It differs from that in {', '.join(plain(label, 40) for label in changed)}.")
    if gain is not None:
        said.append(f"The rule gave it {number(gain, 3)} ({unit}).")
    if nearest:
        near = ", ".join(f"{k} ({outcome_of(history, k)})" for k, _ in nearest)
        said.append(f"Most alike were the trials {near}.")
    said.append(f"Its parameters: {joined(settings(history.space, history.values[i]), 400)}.")
    return said


def outcome_of(history: History, k: int) -> str:
    """What came of a trial, in a word or two."""
    loss = history.losses[k]
    if loss == loss:
        return number(history.reported(loss))
    return {3: "failed", 4: "pruned", 5: "raised an error"}.get(history.state_of(k), "without a loss")
