"""The arguments of `fmin`, checked and turned into what the core takes."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parzen.algorithms import Algorithm, algorithm_named
from parzen.errors import AlgorithmError, OutOfSpace, Unavailable
from parzen.hyperopt._answer import assigned_points
from parzen.hyperopt._documents import points_of
from parzen.hyperopt._pickles import load_trials, take_in
from parzen.hyperopt._watching import ProgressCallback
from parzen.hyperopt.base import JOB_STATE_NEW, Domain, Trials
from parzen.hyperopt.exceptions import InvalidAnnotatedParameter
from parzen.run import checked_count
from parzen.space import Apply, Points, Space

__all__ = [
    "Search",
    "algorithm_of",
    "annotated_space",
    "checked_points",
    "checked_save_file",
    "generator_of",
    "seed_from",
    "seed_of",
    "starting_trials",
    "total_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What `fmin` was asked for; names and meanings as there.

    Attributes:
        domain: objective and space.
        algorithm: the record behind `algo`; None for a suggest function of somebody else.
        total: how many documents there are to be in the end; None for no limit.
        points: rows to begin with.
        fleet: what was said about where trials run, as `Study.run` takes it.
    """

    domain: Domain
    algo: Any
    algorithm: Algorithm | None
    trials: Trials
    total: int | None
    timeout: float | None
    loss_threshold: float | None
    rstate: Any
    catch: bool
    verbose: Any
    progress_callback: ProgressCallback
    points: Sequence[Points]
    max_queue_len: int
    early_stop_fn: Callable[..., tuple[bool, Sequence[Any]]] | None
    save_file: Path | None
    storage: Any
    name: str | None
    fleet: Mapping[str, Any]


def algorithm_of(algo: Any) -> Algorithm | None:
    """The record behind `tpe.suggest`, `partial(tpe.suggest, gamma=0.3)` or an algorithm of parzen's own.

    Returns:
        None for a suggest function of somebody else.

    Raises:
        AlgorithmError: it is nothing that suggests, or a setting makes no sense.
    """
    if algo is None or (isinstance(algo, (str, Algorithm)) and not isinstance(algo, ModuleType)):
        return algorithm_named(algo)
    given: dict[str, Any] = {}
    function = algo
    while isinstance(function, functools.partial):
        if function.args and hasattr(_innermost(function), "algorithm"):
            raise AlgorithmError("settings of a suggest function are given by name: partial(tpe.suggest, gamma=0.3)")
        given = {**function.keywords, **given}
        function = function.func
    make = getattr(function, "algorithm", None)
    if make is not None:
        made: Algorithm | None = make(**given)
        return made
    module = str(getattr(function, "__module__", ""))
    if module == "hyperopt" or module.startswith("hyperopt."):
        raise AlgorithmError(
            f"{module}.{getattr(function, '__name__', 'suggest')} is of the package hyperopt, whose functions read spaces of "
            "its own: take parzen's of the same name, as in `from parzen import tpe`"
        )
    if callable(algo):
        return None
    raise AlgorithmError(
        "algo is a suggest function such as tpe.suggest, a partial of one, or an algorithm of parzen.algorithms, "
        f"got {algo!r:.80}"
    )


def _innermost(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def generator_of(rstate: Any) -> Any:
    """What seeds are drawn from: the user's own Generator or RandomState, or a new one.

    Raises:
        ValueError: nothing can be drawn from it, or HYPEROPT_FMIN_SEED is no seed.
    """
    if rstate is None:
        text = os.environ.get("HYPEROPT_FMIN_SEED", "")
        if text and not text.strip().isdecimal():
            raise ValueError(f"the environment variable HYPEROPT_FMIN_SEED is a non-negative integer, got {text!r:.80}")
        return np.random.default_rng(int(text) if text else None)
    if isinstance(rstate, (np.random.Generator, np.random.RandomState)):
        return rstate
    if isinstance(rstate, (int, np.integer)) and not isinstance(rstate, bool) and rstate >= 0:
        return np.random.default_rng(int(rstate))
    raise ValueError(f"rstate is a numpy Generator or RandomState, or a non-negative integer, got {rstate!r:.80}")


def seed_of(rstate: Any) -> int:
    """One seed for a whole study; an integer is taken as it is."""
    generator = generator_of(rstate)
    return int(rstate) if isinstance(rstate, (int, np.integer)) else seed_from(generator)


def seed_from(generator: Any) -> int:
    """One draw.

    Raises:
        ValueError: nothing can be drawn from it.
    """
    if isinstance(generator, np.random.RandomState):
        return int(generator.randint(2**31 - 1))
    if hasattr(generator, "integers"):
        return int(generator.integers(2**31 - 1))
    raise ValueError(f"rstate is a numpy Generator or RandomState, or a non-negative integer, got {generator!r:.80}")


def annotated_space(fn: Callable[..., Any]) -> tuple[dict[str, Any], Callable[[Mapping[str, Any]], Any]]:
    """The space that a function's parameters are annotated with, and the function taking one mapping.

    Raises:
        InvalidAnnotatedParameter: an annotation is no node of `hp`.
    """
    try:
        notes = inspect.get_annotations(fn, eval_str=True)
    except Exception:  # text that means nothing where the function was defined
        notes = inspect.get_annotations(fn)
    notes.pop("return", None)
    for name, note in notes.items():
        if not isinstance(note, Apply):
            raise InvalidAnnotatedParameter(
                f"space='annotated' takes the space from the annotations of fn, but parameter {name!r} is annotated "
                f"with {note!r:.80}: annotate it with a node, such as hp.uniform({name!r}, 0, 1)"
            )
    return notes, lambda config: fn(**config)


def checked_save_file(path: str | os.PathLike[str]) -> Path | None:
    """The absolute path; None where there is none.

    Raises:
        Unavailable: it cannot be written.
    """
    if not os.fspath(path):
        return None
    absolute = Path(path).absolute()  # the objective may change directory
    if not absolute.parent.is_dir():
        raise Unavailable(f"the directory {absolute.parent} of trials_save_file does not exist: make it first")
    if absolute.exists() and not absolute.stat().st_mode & 0o222:
        raise Unavailable(f"trials_save_file {absolute} is read-only")
    return absolute


def starting_trials(trials: Trials | None, save_file: Path | None) -> tuple[Trials, int, bool]:
    """What the search begins with.

    Returns:
        The trials, refreshed; how many points to begin with come on top of `max_evals`; and whether it goes on from
        something, so that `points_to_evaluate` are not wanted any more.

    Raises:
        Unavailable: saving the trials would lose what is in the file.
        CorruptLog: the file cannot be read.
    """
    if trials is not None:
        begun = bool(getattr(trials, "_trials", ()))
        trials.refresh()
        # Hyperopt counts before it looks, so what `generate_trials_to_calculate` gives is not counted.
        on_top = not begun and all(doc["state"] == JOB_STATE_NEW for doc in trials.trials)
        if save_file is not None and save_file.exists() and trials._stored is None and take_in(trials, save_file):
            return trials, 0, True
        return trials, len(trials.trials) if on_top else 0, bool(trials.trials)
    if save_file is not None and save_file.exists():
        return load_trials(save_file), 0, True
    return Trials(), 0, False


def checked_points(space: Space, points: Sequence[Mapping[str, Any]]) -> list[Points]:
    """`points_to_evaluate` as rows; options may be given by index or by value, inactive labels left out.

    Labels that the space lacks are left out, and numbers beyond their bounds kept, each with a warning.

    Raises:
        OutOfSpace: one makes no sense, such as an index without an option, or says nothing of a label that is needed.
    """
    rows = []
    for i, raw in enumerate(points):
        if not isinstance(raw, Mapping):
            raise TypeError(f"points_to_evaluate holds dicts from label to value, point {i} is {raw!r:.80}")
        known = {label: value for label, value in raw.items() if label in space.column}
        if len(known) < len(raw):
            strange = ", ".join(repr(label) for label in raw if label not in known)
            warnings.warn(f"points_to_evaluate, point {i}: the space has no {strange}, which is left out", stacklevel=3)
        try:
            rows.append(points_of(space, known))
        except OutOfSpace as error:
            try:
                rows.append(assigned_points(space, known))
            except OutOfSpace:
                raise OutOfSpace(f"points_to_evaluate, point {i}: {error}") from error
            warnings.warn(
                f"points_to_evaluate, point {i}: {error}; it is evaluated, and the algorithm does not see it",
                stacklevel=3,
            )
    return rows


def total_of(max_evals: Any, more: int) -> int | None:
    """How many documents there are to be; None for no limit.  A whole number may be a float: `1e3`."""
    if max_evals is None or (isinstance(max_evals, (int, float)) and max_evals >= sys.maxsize):  # Hyperopt's "no limit"
        return None
    if isinstance(max_evals, (float, np.floating)) and max_evals == np.floor(max_evals):
        max_evals = int(max_evals)
    return max(checked_count("max_evals", max_evals) + more, 0)
