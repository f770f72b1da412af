"""One library doing its work in this process, for `overhead`, which starts it and reads one JSON line.

    python -m benchmarks._subject trial LIBRARY ALGORITHM SPACE COUNT SECONDS
    python -m benchmarks._subject first LIBRARY ALGORITHM SPACE

The objective is free: it looks at no parameter and returns a number of a low-discrepancy sequence.  It reads the
process's CPU clock whenever it has its parameters, so the difference of two readings is one whole trial of the library:
record and tell the last, ask and decode the next.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.quality.spaces import Params, category, hyperopt_space, integer, parzen_space, real, suggest_with_optuna

__all__ = ["SPACES", "main"]

_MOST = 200  # trials in a window
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

    def __init__(self, fill: int = 0, seconds: float = 0.0, last: int = sys.maxsize) -> None:
        self.calls = 0
        self.marks: list[float] = []
        self._fill, self._seconds, self._last = fill, seconds, last

    def __call__(self, config: Any = None) -> float:
        del config
        self.calls += 1
        if self.calls > self._fill + _WARM:
            self.marks.append(time.process_time())
            spent = self.marks[-1] - self.marks[0]
            trials = len(self.marks) - 1
            if trials >= _MOST or (self._seconds and trials >= _FEWEST and spent > self._seconds):
                raise _Enough
        if self.calls >= self._last:
            raise _Enough
        return (self.calls * _GOLDEN) % 1.0


def _parzen(objective: _Objective, algorithm: str, params: Params, fill: int) -> None:
    import parzen
    from parzen import algorithms

    @dataclass(frozen=True)
    class Filled:
        """Random search up to a number, then the algorithm that is measured."""

        first: Any
        then: Any
        fill: int

        def suggest(self, space: Any, history: Any, ask: Any) -> Any:
            return (self.first if ask.numbers[0] < self.fill else self.then).suggest(space, history, ask)

    random = algorithms.Random()
    measured = random if algorithm == "random" else algorithms.TPE()
    parzen.minimize(
        objective,
        parzen_space(params),
        None,
        algorithm=Filled(random, measured, fill) if fill else measured,
        seed=1,
        progress=False,
    )


def _hyperopt(objective: _Objective, algorithm: str, params: Params, fill: int) -> None:
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
    suggest = hyperopt.rand.suggest if algorithm == "random" else hyperopt.tpe.suggest
    hyperopt.fmin(
        objective,
        space,
        algo=suggest,
        max_evals=2**31 - 1,
        trials=trials,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )


def _optuna(objective: _Objective, algorithm: str, params: Params, fill: int) -> None:
    import optuna

    def define_by_run(trial: Any) -> float:
        # Optuna suggests inside the objective: the clock is read when the parameters are there, as with the others.
        suggest_with_optuna(params, trial)
        return objective()

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    random = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(sampler=random)
    if fill:
        study.optimize(define_by_run, n_trials=fill)
    if algorithm == "tpe":
        study.sampler = optuna.samplers.TPESampler(seed=1)
    study.optimize(define_by_run)


_LIBRARIES: dict[str, Callable[[_Objective, str, Params, int], None]] = {
    "parzen": _parzen,
    "hyperopt": _hyperopt,
    "optuna": _optuna,
}


def _run(library: str, objective: _Objective, algorithm: str, params: Params, fill: int) -> None:
    calls_before = objective.calls
    try:
        _LIBRARIES[library](objective, algorithm, params, fill)
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, _Enough):
            cause = cause.__cause__ or cause.__context__
        if cause is None:
            raise
    if objective.calls == calls_before:
        raise RuntimeError(f"{library} never called the objective")


def main(arguments: list[str]) -> None:
    """The command: see the module."""
    kind, library, algorithm, space, *rest = arguments
    params = SPACES[space]
    answer: dict[str, float]
    if kind == "first":
        # CPU of the whole interpreter up to the entry of the first trial, and of the 31st: by then every library's TPE
        # has left its random start, so that what it imports late has been imported.
        objective = _Objective(last=31)
        objective._fill = -_WARM
        _run(library, objective, algorithm, params, 0)
        answer = {"first": objective.marks[0], "model": objective.marks[30]}
    else:
        fill, seconds = int(rest[0]), float(rest[1])
        objective = _Objective(fill, seconds)
        _run(library, objective, algorithm, params, fill)
        answer = {"trial": (objective.marks[-1] - objective.marks[0]) / (len(objective.marks) - 1)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
