"""One library doing its work in this process, for `overhead`, which starts it and reads one JSON line.

    python -m benchmarks._subject trial LIBRARY ALGORITHM SPACE COUNT SECONDS
    python -m benchmarks._subject first LIBRARY ALGORITHM SPACE
    python -m benchmarks._subject memory LIBRARY ALGORITHM SPACE COUNT

The objective is free: it looks at no parameter and returns a number of a low-discrepancy sequence.  It reads the
process's CPU clock whenever it has its parameters, so the difference of two readings is one whole trial of the library:
record and tell the last, ask and decode the next.

Each library is a function that makes a study with `fill` trials of its own random search, in the cheapest way that it has,
and returns the function that goes on with an algorithm until the objective has had enough.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.quality.spaces import Params, category, hyperopt_space, integer, parzen_space, real, suggest_with_optuna

__all__ = ["SPACES", "main"]

_MOST = 200  # trials in a window
_MOST_DEAR = 20  # where an ask takes milliseconds
_FEWEST = 6
_WARM = 3  # trials after a fill that pay for reading it
_GOLDEN = 0.6180339887498949


def _ten(suffix: str = "") -> Params:
    """Ten columns: floats and integers, plain and logarithmic, and categories.

    Wide logarithmic integers are four to fourteen times dearer than floats in both peers; one in ten keeps proportion.
    """
    return (
        real(f"f0{suffix}", 0.0, 1.0),
        real(f"f1{suffix}", -5.0, 5.0),
        real(f"f2{suffix}", 0.0, 100.0),
        real(f"g0{suffix}", 1e-5, 1e-1, log=True),
        real(f"g1{suffix}", 1e-3, 1e3, log=True),
        integer(f"i0{suffix}", 1, 10),
        integer(f"i1{suffix}", 0, 20),
        integer(f"j0{suffix}", 1, 256, log=True),
        category(f"c0{suffix}", ("a", "b", "c")),
        category(f"c1{suffix}", ("p", "q", "r", "s", "t")),
    )


def _tree(branches: int = 20) -> Params:
    """A choice among branches of three parameters each."""
    names = tuple(f"b{i}" for i in range(branches))
    params = [category("branch", names)]
    for name in names:
        when = ("branch", (name,))
        params += [
            real(f"{name}:x", 0.0, 1.0, when=when),
            real(f"{name}:y", 1e-4, 1.0, log=True, when=when),
            integer(f"{name}:n", 1, 64, log=True, when=when),
        ]
    return tuple(params)


SPACES = {
    "10-D mixed": _ten(),
    "50-D mixed": tuple(param for i in range(5) for param in _ten(f"_{i}")),
    "20 branches": _tree(),
}


class _Enough(Exception):
    """The window is over."""


class _Objective:
    """Free; notes the CPU time at each entry, and ends the run when the window is over."""

    def __init__(self, fill: int = 0, seconds: float = 0.0, last: int = sys.maxsize, most: int = _MOST) -> None:
        self.calls = 0
        self.marks: list[float] = []
        self._fill, self._seconds, self._last, self._most = fill, seconds, last, most

    def __call__(self, config: Any = None) -> float:
        del config
        self.calls += 1
        if self.calls > self._fill + _WARM:
            self.marks.append(time.process_time())
            spent = self.marks[-1] - self.marks[0]
            trials = len(self.marks) - 1
            if trials >= self._most or (self._seconds and trials >= _FEWEST and spent > self._seconds):
                raise _Enough
        if self.calls >= self._last:
            raise _Enough
        return (self.calls * _GOLDEN) % 1.0


_Search = Callable[[str], None]


def _parzen(objective: _Objective, params: Params, fill: int) -> _Search:
    import parzen
    from parzen import algorithms

    study = parzen.Study(parzen_space(params), algorithm="random", seed=1)
    if fill:
        study.run(objective, fill, progress=False)

    def search(algorithm: str) -> None:
        makers = {"random": algorithms.Random, "tpe": algorithms.TPE, "auto": algorithms.Auto}
        study.algorithm = makers[algorithm]()
        study.run(objective, progress=False)

    return search


def _hyperopt(objective: _Objective, params: Params, fill: int) -> _Search:
    import hyperopt
    import numpy as np

    space, trials = hyperopt_space(params), hyperopt.Trials()
    if fill:
        # In one batch: fmin with random search needs 84 s for 10 000, for it walks all trials again at each.
        domain = hyperopt.base.Domain(objective, space)
        documents = hyperopt.rand.suggest(trials.new_trial_ids(fill), domain, trials, 1)
        for document in documents:
            document["state"] = hyperopt.JOB_STATE_DONE
            document["result"] = {"loss": objective(), "status": hyperopt.STATUS_OK}
        trials.insert_trial_docs(documents)
        trials.refresh()

    def search(algorithm: str) -> None:
        suggest = {"random": hyperopt.rand.suggest, "tpe": hyperopt.tpe.suggest}[algorithm]
        hyperopt.fmin(
            objective,
            space,
            algo=suggest,
            max_evals=2**31 - 1,
            trials=trials,
            rstate=np.random.default_rng(1),
            show_progressbar=False,
        )

    return search


def _optuna(objective: _Objective, params: Params, fill: int) -> _Search:
    import optuna

    def define_by_run(trial: Any) -> float:
        # Optuna suggests inside the objective: the clock is read when the parameters are there, as with the others.
        suggest_with_optuna(params, trial)
        return objective()

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    samplers = optuna.samplers
    study = optuna.create_study(sampler=samplers.RandomSampler(seed=1))
    if fill:
        study.optimize(define_by_run, n_trials=fill)

    def search(algorithm: str) -> None:
        makers = {"random": samplers.RandomSampler, "tpe": samplers.TPESampler, "auto": samplers.GPSampler}
        study.sampler = makers[algorithm](seed=1)
        study.optimize(define_by_run)

    return search


def _rustuna(objective: _Objective, params: Params, fill: int) -> _Search:
    import rustuna

    def define_by_run(trial: Any) -> float:
        suggest_with_optuna(params, trial)
        return objective()

    storage, samplers = rustuna.storages.InMemoryStorage(), rustuna.samplers
    study = rustuna.create_study(study_name="study", storage=storage, sampler=samplers.RandomSampler(seed=1))
    if fill:
        study.optimize(define_by_run, n_trials=fill)

    def search(algorithm: str) -> None:
        sampler = {"random": samplers.RandomSampler, "tpe": samplers.TPESampler}[algorithm](seed=1)
        rustuna.load_study(study_name="study", storage=storage, sampler=sampler).optimize(define_by_run, 2**31 - 1)

    return search


_LIBRARIES: dict[str, Callable[[_Objective, Params, int], _Search]] = {
    "parzen": _parzen,
    "hyperopt": _hyperopt,
    "optuna": _optuna,
    "rustuna": _rustuna,
}


def _run(library: str, objective: _Objective, algorithm: str, params: Params, fill: int) -> None:
    search = _LIBRARIES[library](objective, params, fill)
    calls_before = objective.calls
    try:
        search(algorithm)
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, _Enough):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
    if objective.calls == calls_before:
        raise RuntimeError(f"{library} never called the objective")


def _resident() -> int:
    """Bytes of memory that this process occupies."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _first(library: str, algorithm: str, params: Params) -> dict[str, float]:
    """CPU of the whole interpreter up to the entry of the first trial, and of the 31st.

    By then every library's TPE has left its random start, so that what it imports late has been imported.
    """
    objective = _Objective(fill=-_WARM, last=31)
    _run(library, objective, algorithm, params, 0)
    return {"first": objective.marks[0], "model": objective.marks[30]}


def _trial(library: str, algorithm: str, params: Params, fill: int, seconds: float) -> dict[str, float]:
    """Mean and largest CPU time of a trial in a window after `fill` trials."""
    dear = algorithm == "auto"
    # All 20 of ours, however long they take: among them are the dear ones.
    unlimited = dear and library == "parzen"
    objective = _Objective(fill, 0.0 if unlimited else seconds, most=_MOST_DEAR if dear else _MOST)
    _run(library, objective, algorithm, params, fill)
    times = [after - before for before, after in zip(objective.marks, objective.marks[1:], strict=False)]
    return {"trial": sum(times) / len(times), "largest": max(times)}


def _memory(library: str, params: Params, fill: int) -> dict[str, float]:
    """Bytes a trial: what the process has grown by, beyond a study of 100 trials."""
    kept = [_LIBRARIES[library](_Objective(fill=sys.maxsize), params, 100)]
    before = _resident()
    kept.append(_LIBRARIES[library](_Objective(fill=sys.maxsize), params, fill))
    return {"memory": (_resident() - before) / fill}


def main(arguments: list[str]) -> None:
    """The command: see the module."""
    kind, library, algorithm, space, *rest = arguments
    params = SPACES[space]
    if kind == "first":
        answer = _first(library, algorithm, params)
    elif kind == "memory":
        answer = _memory(library, params, int(rest[0]))
    else:
        answer = _trial(library, algorithm, params, int(rest[0]), float(rest[1]))
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
