"""What the page shows of studies and single trials, as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from parzen._wording import plain
from parzen.analysis import doctor, region, why
from parzen.analysis._why import outcome_of
from parzen.dashboard._answers import Problem
from parzen.dashboard._library import Library, Watched
from parzen.dashboard._table import values_of
from parzen.errors import ParzenError
from parzen.run import attachment_key
from parzen.study._records import json_ready, trial_record
from parzen.trials import FINISHED, History, State

__all__ = ["answer_of", "library_of", "log_of", "study_of", "summary_of", "trial_of", "trials_of"]

_LONG = 200_000
"""Characters of a log that are shown, from its end."""
_CONFIG = 50_000
_LOGS = ("output.txt", "errors.txt")


def library_of(library: Library) -> dict[str, Any]:
    """The list of studies."""
    return {
        "location": library.location,
        "problem": library.problem,
        "readonly": library.readonly,
        "studies": [_line(watched) for watched in library.studies],
    }


def _line(watched: Watched) -> dict[str, Any]:
    header = watched.header
    line: dict[str, Any] = {
        "uid": header.uid,
        "name": header.name,
        "created": header.created,
        "direction": header.metrics[header.objectives[0]],
        "problem": watched.problem,
        "read": watched.history is not None,
    }
    return line if watched.history is None else {**line, **_numbers(watched, watched.history)}


def _numbers(watched: Watched, history: History) -> dict[str, Any]:
    best = history.best_number
    running = history.count(State.RUNNING)
    done, budget = history.finished, history.budget
    wishes = history.wishes
    lost = [int(i) for i in np.flatnonzero(history.running) if history.worker(int(i)) in watched.lost]
    if running and len(lost) == running:
        mood = "lost"  # until the next run takes them up
    elif running:
        mood = "stopping" if wishes.stopping else "paused" if wishes.paused else "running"
    elif wishes.paused and not wishes.stopping:
        mood = "paused"
    elif budget is not None and done >= budget:
        mood = "done"
    elif wishes.stopping:  # which is over when a later run begins a trial
        mood = "stopped"
    else:
        mood = "idle" if len(history) else "empty"
    return {
        "trials": len(history),
        "done": done,
        "budget": budget,
        "counts": {state.name: history.count(state) for state in State},
        "running": running,
        "lost": lost,
        "paused": wishes.paused,
        "mood": mood,
        "best": None if best is None else {"number": best, "loss": history.reported(history.losses[best])},
        "seq": history.seq,
    }


def study_of(watched: Watched, library: Library) -> dict[str, Any]:
    """All that a study's page shows at once, beside plots and table."""
    header, history = watched.header, _history(watched)
    space = history.space
    return {
        "uid": header.uid,
        "created": header.created,
        "seed": header.seed,
        "noisy": header.noisy,
        "direction": header.metrics[header.objectives[0]],
        "metric": header.objectives[0],
        "location": library.location,
        "readonly": library.readonly,
        "labels": list(space.labels),
        "choices": [space.is_choice(j) for j in range(space.d)],
        "space": [line.strip() for line in repr(space).splitlines()[1:-1]],
        **summary_of(watched, history),
    }


def summary_of(watched: Watched, history: History) -> dict[str, Any]:
    """What of a study's page changes as trials come in."""
    told = watched.overview(history).to_json()
    best = told["best"]
    if best is not None:
        best["values"] = values_of(history, best["number"])
    return {
        **_numbers(watched, history),
        "name": watched.header.name,
        **{
            key: told[key]
            for key in ("left", "pace", "busy", "running", "workers", "failures", "other_failures", "chance")
        },
        "best": best,
        "problem": watched.problem,
        "notes": notes_of(history, None),
    }


def notes_of(history: History, trial: int | None) -> list[dict[str, Any]]:
    """Notes about a trial, or about the study as a whole, in order."""
    return [{"at": note.at, "text": note.text} for note in history.remarks if note.trial == trial]


def _history(watched: Watched) -> History:
    history = watched.history
    if history is None:
        raise Problem(watched.problem or "the study is being read: a moment, please", 410 if watched.gone else 503)
    return history


def trial_of(watched: Watched, number: int, logs: str | None = None) -> dict[str, Any]:
    """One trial in full."""
    history, study = _history(watched), watched.study
    assert study is not None
    if not 0 <= number < len(history):
        raise Problem(f"there is no trial {number}: the study has {len(history)}, counted from 0", 404)
    trial = history.trial(number)
    told = trial_record(trial)
    told["config"] = _pretty(told["config"])
    told["extra"] = {str(key)[:200]: _shown(value) for key, value in told["extra"].items()}
    state = State(history.state_of(number))
    error = trial.error
    best = history.best_number
    found: dict[str, Any] = {
        **{key: told[key] for key in told if key not in ("params", "error")},
        "seq": history.seq,
        "reports": [{"step": one.step, **one.metrics} for one in trial.reports],
        "values": values_of(history, number),
        "best": None if best is None else values_of(history, best),
        "best_number": best,
        "labels": list(history.space.labels),
        "last": len(history) - 1,
        "asked": float(history.asked_at[number]),
        "lost": history.lost(number),
        "notes": notes_of(history, number),
        "why": _why(history, number),
        "attachments": _attachments(watched, number),
        "logs": log_of(trial.extra, logs),
        "can": {"cancel": state not in FINISHED, "rerun": state in FINISHED},
    }
    if error is not None:
        found["error"] = {"kind": error.kind, "message": error.message, "traceback": error.traceback}
    safe: dict[str, Any] = json_ready(found)
    return safe


def _why(history: History, number: int) -> dict[str, Any] | None:
    try:
        found = why(history, number)
    except ParzenError:
        return None
    # The page has links to what is alike, and the parameters in a table: neither is said twice.
    said = [one for one in found.sentences if not one.startswith(("Most alike were", "Its parameters:"))]
    return {"sentences": said, "nearest": [[k, outcome_of(history, k)] for k, _ in found.nearest]}


def _shown(value: object) -> str | float | int | bool | None:
    """A value of the user's own, as a person reads it; its `repr` may do anything."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    try:
        return repr(value)[:20_000]
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def _pretty(config: object) -> str:
    """A configuration over several lines."""
    try:
        return json.dumps(json_ready(config), indent=2, ensure_ascii=False)[:_CONFIG]
    except Exception:  # nested deeper than JSON can be written, or an option whose `repr` raises
        return str(_shown(config))


def _attachments(watched: Watched, number: int) -> list[str]:
    """Names of the bytes that are kept beside a trial; none where the storage does not answer."""
    study = watched.study
    assert study is not None
    prefix = attachment_key(number, "")
    try:
        keys = study.storage.keys(watched.header.uid)
    except ParzenError:
        return []
    return [key.removeprefix(prefix) for key in keys if key.startswith(prefix)][:200]


def log_of(extra: Mapping[str, Any], logs: str | None) -> list[dict[str, Any]]:
    """What a program printed (`parzen run`), if its folder lies in one that the person who started the page named.

    A study may come from anybody, and names any folder; so no path that is stored leads anywhere by itself.
    """
    folder = extra.get("folder")
    if not isinstance(folder, str):
        return []
    where: dict[str, Any] = {"folder": plain(folder, 300)}
    if logs is None:
        return [{**where, "problem": "start the page with --logs FOLDER to read what the program printed"}]
    found = []
    base = os.path.realpath(logs)
    for name in _LOGS:
        try:
            path = os.path.realpath(os.path.join(folder, name))
            if os.path.commonpath((base, path)) != base:
                return [{**where, "problem": f"the folder is not in {base}, which --logs names"}]
            with open(path, encoding="utf-8", errors="replace") as file:
                size = os.path.getsize(path)
                file.seek(max(size - _LONG, 0))
                found.append({**where, "name": name, "text": file.read(_LONG), "cut": size > _LONG})
        except (OSError, ValueError):  # or a name that no file can have
            continue
    return found or [{**where, "problem": "the folder has no output.txt and no errors.txt"}]


def trials_of(watched: Watched, numbers: Iterable[int]) -> dict[str, Any]:
    """Trials beside each other."""
    history = _history(watched)
    wanted = [number for number in dict.fromkeys(numbers) if 0 <= number < len(history)][:50]
    rows = []
    for number in wanted:
        trial = history.trial(number)
        rows.append({
            "number": number,
            "state": trial.state.name,
            "loss": trial.loss,
            "seconds": trial.seconds,
            "rule": trial.source[:80],
            "error": None if trial.error is None else str(trial.error)[:300],
            "metrics": dict(trial.metrics),
            "values": values_of(history, number),
        })  # fmt: skip
    safe: dict[str, Any] = json_ready({"labels": list(history.space.labels), "trials": rows, "seq": history.seq})
    return safe


def answer_of(watched: Watched) -> dict[str, Any]:
    """The answer as a region, and what somebody should know before they believe it; takes a second or two."""
    history = _history(watched)

    def make() -> dict[str, Any]:
        found: dict[str, Any] = {"findings": [], "region": None, "seq": history.seq}
        try:
            answer = region(history)
            told = dict(answer.to_json())
            told.pop("trials")
            found["region"] = {**told, "size": len(answer.trials), "sentences": [str(one) for one in answer.ranges]}
        except ParzenError as error:
            found["problem"] = str(error)
        found["findings"] = [
            {"kind": one.kind, "sentence": one.sentence, "advice": one.advice}
            for one in doctor(history, noisy=watched.header.noisy)
        ]
        return found

    safe: dict[str, Any] = watched.made("answer", history.seq, lambda: json_ready(make()))
    return safe
