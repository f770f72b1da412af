"""The front door: one function."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from parzen._typing import Direction
from parzen.algorithms import Algorithm
from parzen.feedback import Feedback
from parzen.log import Storage
from parzen.pruners import Pruner
from parzen.run import Objective, StopRule
from parzen.study._earlier import Earlier
from parzen.study._result import Result
from parzen.study._study import Callback, Study

__all__ = ["minimize"]


def minimize(
    objective: Objective,
    space: Any,  # whatever a user's space is made of
    trials: int | None = None,
    *,
    timeout: float | None = None,
    algorithm: str | Algorithm | None = None,
    seed: int | None = None,
    storage: str | os.PathLike[str] | Storage | None = None,
    name: str | None = None,
    direction: Direction = "minimize",
    catch: bool | type[BaseException] | Iterable[type[BaseException]] = (),
    stop: StopRule | Iterable[StopRule] = (),
    enqueue: Iterable[Mapping[str, Any]] = (),
    warm_start: Earlier | Sequence[Earlier] = (),
    callbacks: Iterable[Callback] = (),
    noisy: bool = False,
    pruner: str | Pruner | None = None,
    parallel: int | None = None,
    executor: Any = None,  # an engine of any library
    threads: bool = False,
    slots: Mapping[str, Iterable[Any]] | None = None,
    trial_timeout: float | None = None,
    trial_memory: float | str | None = None,
    grace: float | None = None,
    progress: bool | str | Feedback = True,
) -> Result:
    """Find the configuration of `space` for which `objective` is lowest.

        result = parzen.minimize(train, {"lr": hp.float("lr", 1e-5, 1e-1, log=True)}, trials=100, storage="study.db")
        print(result.best.config, result.best.loss)

    Run the same program again and it goes on where it was: `trials` is the total.

    Args:
        objective: gets a configuration, returns a loss or a mapping with "loss".
        space: nested dicts, lists and tuples with `parzen.hp` nodes in them.
        trials: total number of trials, those of earlier runs included; None for no limit.
        timeout: seconds after which no further trial begins.
        algorithm: a name such as "tpe" or "random", or a record from `parzen.algorithms`; None is parzen's choice.
        seed: non-negative integer; the same seed and program give the same trials.
        storage: path of a file, URL, or storage object; None keeps everything in memory.
        name: of the study in the storage; default "study".
        direction: "minimize" or "maximize".
        catch: exceptions of the objective after which the search goes on; True for every `Exception`.
        stop: rules that end the run; see `parzen.stopping`.
        enqueue: configurations (label -> value) to try first; all of them, also where they are more than `trials`.
        warm_start: earlier studies whose finished trials are known from the beginning and do not count towards `trials`:
            a `Result`, a `Study`, the path, URL or storage of one, or a list of these; see `Study.import_trials`.
        callbacks: called with (study, trial) after each trial.
        noisy: equal configurations may give different losses; a finite space is then never exhausted.
        pruner: a name such as "median" or "asha", or a record from `parzen.pruners`: ends trials that are not worth
            finishing, where the objective reports on the way; None ends none.
        parallel: trials at once, each in a process of its own on this machine; None for one, in this process, or for as many
            as `executor` has.
        executor: run trials on an engine that is there already: a `concurrent.futures.Executor`, a Dask client, Ray, a Spark
            session, joblib, submitit; see the how-to pages.
        threads: run them in threads of this process, for objectives that wait or release the GIL.
        slots: devices for each trial that runs, such as `{"gpu": [0, 1, 2, 3]}`: see `evaluation.slots`.
        trial_timeout: seconds after which a trial is ended, with every process that it has started; the search goes on.
        trial_memory: bytes, or text such as "2 GB", beyond which a trial is ended in the same way.
        grace: seconds after `timeout` in which running trials may end by themselves before they are ended; None waits for
            them.
        progress: what people see on stderr: True picks what fits, False nothing, or "watch" (the full view), "live",
            "lines", "notebook", "bar".

    Returns:
        A `Result`: `best`, `trials`, `history`, `stopped_by`, `to_pandas()`.

    Raises:
        SpaceError, SpaceMismatch, StorageError: before anything is evaluated.
        BaseException: whatever the objective raised that `catch` does not name, after it was recorded.
        ExecutorError: trials cannot be evaluated where they were to be.
    """
    study = Study(
        space,
        name=name,
        storage=storage,
        algorithm=algorithm,
        seed=seed,
        direction=direction,
        noisy=noisy,
        pruner=pruner,
    )
    return study.run(
        objective,
        trials,
        timeout=timeout,
        catch=catch,
        stop=stop,
        enqueue=enqueue,
        warm_start=warm_start,
        callbacks=callbacks,
        parallel=parallel,
        executor=executor,
        threads=threads,
        slots=slots,
        trial_timeout=trial_timeout,
        trial_memory=trial_memory,
        grace=grace,
        progress=progress,
    )
