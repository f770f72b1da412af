"""What a person may do from the page: each the method of `Study` of the same word, through the same events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parzen.dashboard._answers import Problem
from parzen.dashboard._form import params_from
from parzen.dashboard._library import Watched
from parzen.errors import ParzenError
from parzen.study import Study

__all__ = ["ACTIONS", "act"]

_NOTE = 10_000


def _budget(study: Study, given: Mapping[str, Any]) -> str:
    total = given.get("trials", 0)
    if total is None:
        study.set_budget(None)
        return "There is no limit any more."
    if isinstance(total, bool) or not isinstance(total, int) or not 1 <= total <= 10**9:
        raise Problem(f"the budget is a whole number of trials from 1 on, got {total!r:.40}")
    if total < study.history.spent:
        raise Problem(f"the study has {study.history.spent} trials already: stop it, to have no more")
    study.set_budget(total)
    return f"The budget is {total} trials."


def _number(study: Study, given: Mapping[str, Any], *, optional: bool = False) -> int | None:
    number = given.get("trial")
    if number is None and optional:
        return None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(study.history):
        raise Problem(f"there is no trial {number!r:.40}: the study has {len(study.history)}, counted from 0", 404)
    return number


def _cancel(study: Study, given: Mapping[str, Any]) -> str:
    number = _number(study, given)
    assert number is not None
    trial = study.cancel(number)
    if trial.state.name == "RUNNING":
        return f"Trial {number} is asked to end; it does when its worker hears of it."
    return f"Trial {number} is cancelled."


def _rerun(study: Study, given: Mapping[str, Any]) -> str:
    number = _number(study, given)
    assert number is not None
    return f"Trial {study.rerun(number).number} repeats trial {number}."


def _note(study: Study, given: Mapping[str, Any]) -> str:
    text = given.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Problem("a note is a text that is not empty")
    if len(text) > _NOTE:
        raise Problem(f"a note has at most {_NOTE} characters, this one has {len(text)}")
    study.note(text, trial=_number(study, given, optional=True))
    return "The note is kept."


def _enqueue(study: Study, given: Mapping[str, Any]) -> str:
    (trial,) = study.enqueue(params_from(study.space, given.get("values")))
    return f"Trial {trial.number} is enqueued."


def _said(method: Callable[[Study], object], sentence: str) -> Callable[[Study, Mapping[str, Any]], str]:
    def act(study: Study, given: Mapping[str, Any]) -> str:
        method(study)
        return sentence

    return act


ACTIONS: Mapping[str, Callable[[Study, Mapping[str, Any]], str]] = {
    "stop": _said(
        Study.stop,
        "The study was asked to stop: no further trial begins, and the run ends with those that are running.",
    ),
    "pause": _said(
        Study.pause, "The study is paused: running trials go on to their end, and no other begins until it is resumed."
    ),
    "resume": _said(Study.resume, "The study is not paused any more: whoever runs it goes on."),
    "budget": _budget,
    "cancel": _cancel,
    "rerun": _rerun,
    "note": _note,
    "enqueue": _enqueue,
}
"""What the page may ask for -> what does it; each gives a sentence about what happened."""


def act(watched: Watched, given: object) -> dict[str, Any]:
    """Do what was asked for.

    Raises:
        Problem: it cannot be done; the sentence says why.
    """
    action = given.get("action") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(action, str) or action not in ACTIONS:
        raise Problem(f"there is no such action; there are {', '.join(ACTIONS)}")
    if watched.study is None or watched.gone:
        raise Problem(watched.problem or "the study is being read: a moment, please", 410 if watched.gone else 503)
    try:
        sentence = ACTIONS[action](watched.study, given)
    except ParzenError as error:
        raise Problem(str(error), 409, label=str(getattr(error, "label", None) or "")) from error
    watched.look()
    return {"sentence": sentence, "seq": watched.study.history.seq}
