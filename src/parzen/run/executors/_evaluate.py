"""What happens to a task, wherever that is: the objective is called, and told how to speak with the driver."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from parzen._lazy import require
from parzen.errors import InvalidLoss, NotPicklable, ObjectiveError
from parzen.log import OBJECTIVE, generator
from parzen.run._objective import Evaluation, error_of, leave_if_forked, loss_of
from parzen.run.executors._base import Attached, Job, Raised, Reported, Returned, Task

__all__ = ["Line", "NoLine", "dumped", "evaluate", "flush", "is_plain", "packed", "unpacked", "visible_devices"]


class Line(Protocol):
    """How a running task speaks with the driver.

    Attributes:
        unsaid: what could not be told on the way, and comes with the result.
    """

    unsaid: list[Reported | Attached]

    def tell(self, message: Reported | Attached) -> None:
        """Tell the driver, or keep it in `unsaid`."""
        ...

    def ask(self, number: int, attempt: int) -> bool:
        """Whether the trial should stop; False where nobody can be asked."""
        ...


class NoLine:
    """Where the driver cannot be reached before the task has ended."""

    def __init__(self) -> None:
        self.unsaid: list[Reported | Attached] = []

    def tell(self, message: Reported | Attached) -> None:
        """Keep it."""
        self.unsaid.append(message)

    def ask(self, number: int, attempt: int) -> bool:
        """Nobody is there to say so."""
        return False


def evaluate(job: Job, task: Task, line: Line) -> Returned | Raised:
    """Call the objective.  Whatever it does, there is an answer; a child that it forked does not come back from here."""
    number, attempt, pid = task.number, task.attempt, os.getpid()
    begun = time.monotonic()
    try:
        try:
            args, kwargs = _evaluation(job, task, line)
            result = job.objective(task.config, *args, **kwargs)
        finally:
            seconds = max(time.monotonic() - begun, 0.0)
            leave_if_forked(pid)
    except BaseException as error:  # SystemExit and the user's own too: the driver is to hear of it
        return Raised(number, attempt, error, error_of(error), _classes(error), seconds, tuple(line.unsaid))
    return Returned(number, attempt, result, seconds, tuple(line.unsaid))


def _evaluation(job: Job, task: Task, line: Line) -> tuple[tuple[Evaluation, ...], Mapping[str, Evaluation]]:
    if job.evaluation is False:
        return (), {}
    number, attempt = task.number, task.attempt

    def report(step: float, metrics: Mapping[str, float]) -> None:
        line.tell(Reported(number, attempt, step, metrics))

    def attach(name: str, data: bytes) -> None:
        line.tell(Attached(number, attempt, name, data))

    def should_stop() -> bool:
        return line.ask(number, attempt)

    rng, devices = generator(task.seed, OBJECTIVE), job.places[task.place]
    made = Evaluation(number, rng, job.metric, report, should_stop, attach, devices)
    return ((made,), {}) if job.evaluation is True else ((), {str(job.evaluation): made})


def _classes(error: BaseException) -> tuple[str, ...]:
    return tuple(f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__)


# --- devices ----------------------------------------------------------------------------------------------------


def visible_devices(devices: Mapping[str, Any]) -> dict[str, str]:
    """The environment in which a program sees only the GPUs of its place: `CUDA_VISIBLE_DEVICES`."""
    if "gpu" not in devices:
        return {}
    given = devices["gpu"]
    return {
        "CUDA_VISIBLE_DEVICES": ",".join(map(str, given)) if isinstance(given, (list, tuple)) else str(given),
    }


# --- travelling -------------------------------------------------------------------------------------------------


def dumped(what: Any, name: str, *, plain: bool = False) -> bytes:
    """Pickled by value where it has to be: lambdas, closures, functions of a notebook.

    Args:
        plain: whether there is nothing in it but numbers, text and the like, which is the faster way.

    Raises:
        NotPicklable: it cannot be; the text says what to do.
    """
    if plain:
        return pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    dumps: Callable[[Any], bytes] = require("cloudpickle", "cloudpickle").dumps
    try:
        return dumps(what)
    except Exception as error:  # pickling calls the methods of a user's objects
        raise NotPicklable(
            f"{name} cannot be sent to another process ({type(error).__name__}: {error}): open files, locks and connections "
            "inside the objective, or run with threads=True"
        ) from error


_PLAIN = (float, int, str, bool, type(None), bytes)


def is_plain(value: Any, deepest: int = 8) -> bool:
    """Whether a value is made of Python's own numbers, text and containers alone."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if not deepest or kind not in {dict, list, tuple}:
        return False
    if kind is dict and not all(type(key) in _PLAIN for key in value):
        return False
    return all(is_plain(one, deepest - 1) for one in (value.values() if kind is dict else value))


def packed(ended: Returned | Raised) -> bytes:
    """An end, as it travels: what cannot be pickled is left out, and what stands for it says so."""
    if isinstance(ended, Raised):
        return _packed_error(ended)
    try:
        result = _sendable(ended.result)
        sent = Returned(ended.number, ended.attempt, result, ended.seconds, ended.before)
        return dumped(sent, "the result", plain=is_plain(result))
    except (NotPicklable, ObjectiveError) as error:
        error.__cause__ = None
        return _packed_error(
            Raised(ended.number, ended.attempt, error, error_of(error), _classes(error), ended.seconds, ended.before)
        )


def unpacked(data: bytes, number: int, attempt: int) -> Returned | Raised:
    """An end that has travelled; where this process cannot read it, that is the trial's failure and not the run's."""
    try:
        ended: Returned | Raised = pickle.loads(data)
    except Exception as error:
        wrong = NotPicklable(f"what came of trial {number} cannot be read here: {type(error).__name__}: {error}")
        return Raised(number, attempt, wrong, error_of(wrong), _classes(wrong), 0.0)
    return ended


def _sendable(result: Any) -> Any:
    """A result of which only numbers and what can be pickled is left.

    Raises:
        InvalidLoss: a loss is no number.
    """
    if not isinstance(result, Mapping):
        if hasattr(result, "send") and callable(getattr(result, "close", None)):
            result.close()  # a generator, so that Python does not complain later
        try:
            return loss_of(result)
        except InvalidLoss as error:
            error.result = _shown(result)
            raise
    if result.get("status", "ok") == "ok" and type(result.get("loss", 0.0)) not in (float, int):
        result = {**result, "loss": loss_of(result["loss"])}
    return _sent(result)


def _sent(value: Any) -> Any:
    if is_plain(value) or _travels(value):
        return value
    return {key: _sent(one) for key, one in value.items()} if isinstance(value, Mapping) else {"$dropped": _name(value)}


def _travels(value: Any) -> bool:
    """Whether a value arrives."""
    try:
        pickle.loads(dumped(value, "a value"))  # our own
    except Exception:
        return False
    return True


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _shown(value: Any) -> str:
    try:
        return f"{value!r:.200}"
    except Exception:
        return f"<{_name(value)} that cannot be shown>"


def _packed_error(ended: Raised) -> bytes:
    error = ended.error
    if not _travels(error):
        with contextlib.suppress(Exception):
            # What an exception holds may be what cannot travel; its text does.
            error.__dict__.clear()
        if not _travels(error):
            error = ObjectiveError(f"the objective raised {ended.record}, which cannot be sent to the driver as it is")
    return dumped(
        Raised(ended.number, ended.attempt, error, ended.record, ended.classes, ended.seconds, ended.before),
        "the error",
    )


def flush() -> None:
    """What the objective printed is seen before anybody hears that it has ended."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
