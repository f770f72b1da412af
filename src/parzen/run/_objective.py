"""Calling the objective, and making sense of what it returns.

| the objective returns | what becomes of it |
|---|---|
| a number: int, float, Decimal, Fraction, numpy scalar, array of one element, anything with `__float__` | OK |
| True, False | OK, 1 and 0, as in Hyperopt |
| +inf (-inf under `maximize`) | OK, and worse than every other |
| NaN | FAILED, and the search goes on |
| -inf (+inf under `maximize`) | FAILED, and the search goes on: the best conceivable value is a fault, and would win for ever |
| a mapping with "loss" | as the loss above; "status" may say "ok" or "fail"; "loss_variance" is kept, anything else too |
| a mapping with "status": "fail" | FAILED, and the search goes on; no loss is needed |
| a mapping with another status, or with neither | `InvalidResult` |
| None, text, bytes, complex, a list, a larger array, a generator, an int beyond 1e308, anything else | `InvalidLoss` |
| raises `TrialPruned` | PRUNED |
| returns a loss after a pruner had `should_stop` say so | PRUNED with its reports, unless the loss is the best so far: then OK |
| raises anything else | ERROR with the traceback; raised again unless `catch` names it |

`InvalidResult` and `InvalidLoss` are recorded as FAILED and then raised, naming trial and params, unless `catch` names them.
"""

from __future__ import annotations

import inspect
import math
import numbers
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from parzen.errors import InvalidLoss, InvalidResult
from parzen.trials import Outcome, State, TrialError

__all__ = [
    "Evaluation",
    "Objective",
    "Seen",
    "error_of",
    "leave_if_forked",
    "loss_of",
    "outcome_of",
    "step_of",
    "wants_evaluation",
]

Objective: TypeAlias = Callable[..., Any]
"""Takes a configuration (and an `Evaluation`, if it wants one); returns what the table above says."""

FAIL, OK = "fail", "ok"
UNFINISHED = ("new", "running", "suspended")


@dataclass(frozen=True, slots=True)
class Seen:
    """An objective whose results are seen by the program before they are recorded, wherever they were made.

    Attributes:
        objective: what is called, perhaps in another process.
        evaluation: how it takes an `Evaluation`, as `wants_evaluation` says.
        seen: called in the driver's process with number, attempt and what was returned; gives what is to be recorded in
            its place.  None records it as it is.
    """

    objective: Objective
    evaluation: bool | str
    seen: Callable[[int, int, Any], Any] | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an objective may use while it runs.

    Attributes:
        number: of the trial.
        rng: the trial's own generator: the same for the same seed and number.
        slots: the devices that the trial has while it runs, name -> device, where the run was given `slots=`.
    """

    number: int
    rng: np.random.Generator
    _objective: str
    _report: Callable[[float, Mapping[str, float]], None]
    _should_stop: Callable[[], bool]
    _attach: Callable[[str, bytes], None]
    slots: Mapping[str, Any] = field(default_factory=dict)  # devices are whatever a user says they are
    _told: list[float] = field(default_factory=list, repr=False)  # the newest step and loss

    def report(self, step: float, loss: float | None = None, **metrics: float) -> None:
        """Tell how the trial is doing.

        Args:
            step: how far it is, in any unit that grows: epochs, batches, folds.
            loss: the loss so far.
            metrics: anything else numeric.

        Raises:
            InvalidResult: the step is not finite.
        """
        step = step_of(step)
        values = {name: float(value) for name, value in metrics.items()}
        if loss is not None:
            values[self._objective] = float(loss)
            before, self._told[:] = tuple(self._told), [step, float(loss)]
            # Steps that fall beside whole losses that grow: a schedule that begins anew has no such losses.
            if before and step < before[0] and not step.is_integer() and float(loss).is_integer() and loss > before[1]:
                warnings.warn(
                    f"report(step, loss) takes the step first: got step {step:g} after {before[0]:g}, and loss {loss:g}; "
                    "in Optuna the loss stands first, so probably they have to change places",
                    stacklevel=2,
                )
        self._report(step, values)

    def should_stop(self) -> bool:
        """Whether the trial had better end now: a pruner gave it up, the run was interrupted, or its time is up.

        A trial that a pruner gave up is PRUNED, whether the objective then raises `TrialPruned` or returns a loss; only a
        loss that is better than all before it counts as a result.
        """
        return self._should_stop()

    def attach(self, name: str, data: bytes) -> None:
        """Keep bytes beside the trial, in the study's storage.

        Raises:
            InvalidResult: the data is neither bytes nor has any, as a bytearray and an array do.
        """
        self._attach(name, _bytes_of(data))


def _bytes_of(data: Any) -> bytes:
    """What is kept, made here: an object that can be made bytes of, or cannot, may not even be read where it is sent to."""
    try:
        return data if type(data) is bytes else bytes(memoryview(data))  # bytes(3) would be three zeros
    except TypeError as error:
        raise InvalidResult(
            f"attach(name, data) takes bytes, got a {type(data).__name__}: text.encode() and pickle.dumps(model) make some"
        ) from error


def step_of(step: float) -> float:
    """How far a trial is, as it is recorded.

    Raises:
        InvalidResult: it is not finite, and pruners could not tell what comes after it.
    """
    try:
        found = float(step)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise InvalidResult(
            f"report(step, loss) takes a finite step, such as the number of the epoch, got {step!r:.80}"
        )
    return found


def wants_evaluation(objective: Objective, *, annotated_only: bool = False) -> str | bool:
    """How an objective takes an `Evaluation`: False for not at all, True as second argument, else under that name.

    Args:
        objective: a function or any callable.
        annotated_only: only a parameter annotated `Evaluation` counts, not a second one without a default.
    """
    try:
        signature = inspect.signature(objective)
    except (TypeError, ValueError):  # builtins do not tell
        return False
    for parameter in signature.parameters.values():
        note = parameter.annotation
        if note is Evaluation or (isinstance(note, str) and note.rsplit(".", 1)[-1] == "Evaluation"):
            return parameter.name
    if annotated_only:
        return False
    positional = [
        p
        for p in signature.parameters.values()
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    return len(positional) > 1 and positional[1].default is inspect.Parameter.empty


def outcome_of(result: Any, objective: str, worst: float, seconds: float | None = None) -> Outcome:
    """What a returned value means.

    Args:
        result: whatever the objective returned.
        objective: name of the metric that is optimised.
        worst: the infinity that is worst: +inf when minimising, -inf when maximising.
        seconds: time inside the objective.

    Raises:
        InvalidResult, InvalidLoss: it cannot be used; their `result` is what was returned.
    """
    try:
        if isinstance(result, Mapping):
            return _outcome_of_mapping(result, objective, worst, seconds)
        return _outcome(loss_of(result), {}, None, objective, worst, seconds)
    except (InvalidResult, InvalidLoss) as error:
        error.result = result
        raise


def _outcome_of_mapping(result: Mapping[Any, Any], objective: str, worst: float, seconds: float | None) -> Outcome:
    status = result.get("status", OK if "loss" in result else None)
    # "error" of a trial that is fine is a metric like any other: an error rate.
    taken = ("status", "loss", "loss_variance", *(("error",) if status == FAIL else ()))
    extra = {str(k): v for k, v in result.items() if k not in taken}
    if status == FAIL:
        reason = TrialError("status", str(result.get("error", "the objective reported a failure"))[:2000])
        return Outcome(State.FAILED, extra=extra, error=reason, seconds=seconds)
    if status != OK:
        if status is None:
            raise InvalidResult(
                "the objective returned a mapping without 'loss' and 'status', "
                f"expected {{'status': 'ok', 'loss': number}}; it has {sorted(map(str, result))}"
            )
        hint = ": a trial that has returned is 'ok' or 'fail'" if status in UNFINISHED else ""
        raise InvalidResult(f"the objective returned the status {status!r:.80}, expected 'ok' or 'fail'{hint}")
    if "loss" not in result:
        raise InvalidLoss("the objective returned status 'ok' without a 'loss'")
    variance = None
    if (given := result.get("loss_variance")) is not None:
        try:
            variance = loss_of(given)
        except InvalidLoss:
            variance = math.nan
        if not 0 <= variance < math.inf:
            raise InvalidResult(f"the objective returned a loss_variance of {given!r:.80}, expected a number from 0 up")
    return _outcome(loss_of(result["loss"]), extra, variance, objective, worst, seconds)


def _outcome(
    loss: float, extra: Mapping[str, Any], variance: float | None, objective: str, worst: float, seconds: float | None
) -> Outcome:
    if loss != loss or loss == -worst:
        why = "the loss is NaN" if loss != loss else f"the loss is {loss}, which no real result can be"
        return Outcome(
            State.FAILED, {objective: loss}, variance, extra=extra, error=TrialError("loss", why), seconds=seconds
        )
    return Outcome(State.OK, {objective: loss}, variance, extra=extra, seconds=seconds)


def loss_of(value: Any) -> float:
    """A loss as a float.

    Raises:
        InvalidLoss: it is not a number.
    """
    if type(value) is float:
        return value
    if getattr(value, "size", None) == 1 and hasattr(value, "item"):
        value = value.item()  # arrays of one element are numbers, or text, or complex; numpy itself no longer says so
    if value is np.ma.masked:
        raise InvalidLoss("the objective returned a masked value as its loss, expected a number")
    if value is None:
        raise InvalidLoss("the objective returned None as its loss, expected a number: is a `return` missing?")
    if isinstance(value, (str, bytes)) or (isinstance(value, numbers.Complex) and not isinstance(value, numbers.Real)):
        raise InvalidLoss(f"the objective returned {value!r:.80} as its loss, expected a real number")
    try:
        return float(value)
    except OverflowError:
        raise InvalidLoss(
            "the objective returned an integer too large for a loss, the largest is about 1.8e308"
        ) from None
    except Exception as error:  # a foreign object's __float__ may raise anything
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise InvalidLoss(
            f"the objective returned {_safe(repr, value):.80} of type {kind}, expected a number or a mapping"
        ) from error


def error_of(error: BaseException) -> TrialError:
    """An exception as it is recorded; one whose own `__str__` fails is recorded all the same."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    try:
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    except Exception:  # formatting calls the exception's own __str__
        trace = "".join(traceback.format_tb(error.__traceback__)) + f"{kind}\n"
    trace = _clean(trace)
    if len(trace) > 20_000:  # the way into it, and how it ended
        trace = f"{trace[:10_000]}\n… {len(trace) - 20_000} characters …\n{trace[-10_000:]}"
    return TrialError(kind, _clean(_safe(str, error))[:2000], trace)


def leave_if_forked(pid: int) -> None:
    """End a child that the objective forked and let fall through: it must not become a second driver, or worker.

    Nothing is flushed: what stands in the child's buffers is the parent's, and would be written twice.

    Args:
        pid: the process that the objective was called in.
    """
    if os.getpid() == pid:
        return
    error = sys.exc_info()[1]
    code = 1 if error is not None else 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    os._exit(code)


def _safe(show: Callable[[Any], str], value: Any) -> str:
    try:
        return show(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def worst_of(sign: float) -> float:
    """The infinity that no result can be worse than, for the sign of a direction."""
    return math.copysign(math.inf, sign)
