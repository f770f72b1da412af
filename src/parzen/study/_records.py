"""Trials as plain data, for JSON: what files are written with and the command line prints."""

from __future__ import annotations

from typing import Any

from parzen.trials import Header, Trial, storable

__all__ = ["header_record", "json_ready", "trial_record"]


def header_record(header: Header) -> dict[str, Any]:
    """What is fixed of a study."""
    return {
        "name": header.name,
        "uid": header.uid,
        "created": header.created,
        "direction": header.metrics[header.objectives[0]],
        "seed": header.seed,
        "noisy": header.noisy,
    }


def trial_record(trial: Trial) -> dict[str, Any]:
    """All of a trial, in the order in which people ask for it."""
    return {
        "number": trial.number,
        "state": trial.state.name,
        "loss": trial.loss,
        "params": trial.params,
        "config": trial.config,
        "metrics": dict(trial.metrics),
        "reports": [{"step": report.step, **report.metrics} for report in trial.reports],
        "seconds": trial.seconds,
        "started": trial.started,
        "finished": trial.finished,
        "attempt": trial.attempt,
        "worker": trial.worker,
        "source": trial.source,
        "error": None if trial.error is None else str(trial.error),
        "extra": dict(trial.extra),
    }


def json_ready(value: Any) -> Any:
    """The same as JSON takes it: what JSON cannot say (an option that is a class, say) by its name, NaN as "nan"."""
    return storable(_named(value), marked=False)


def _named(value: Any) -> Any:
    root: list[Any] = [value]
    stack: list[tuple[Any, Any, Any]] = [(root, 0, value)]
    while stack:  # configurations may be nested thousands deep
        parent, key, item = stack.pop()
        if isinstance(item, dict):
            parent[key] = fresh = {str(k): v for k, v in item.items()}
            stack.extend((fresh, k, v) for k, v in fresh.items())
        elif isinstance(item, (list, tuple)):
            parent[key] = items = list(item)
            stack.extend((items, i, v) for i, v in enumerate(items))
        elif item is not None and not isinstance(item, (bool, int, float, str)) and not hasattr(item, "dtype"):
            parent[key] = repr(item)
    return root[0]
