"""Where the loss of a program is.

| spelling | where |
|---|---|
| `last` | the last line of its output: a number, a name and a number (`loss: 0.25`), or a JSON object with "loss" |
| `regex:PATTERN` | the last match in its output: the group `loss`, else the first group, else all of it |
| `json:FILE` | a file that it writes, in the trial's folder unless the path is absolute: a number, or an object with "loss" |
| `json:FILE#a.b` | the same, deeper inside |
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parzen.errors import ObjectiveError

__all__ = ["Loss", "NoLoss", "Watcher", "loss_named", "number_in", "pattern_of"]

_NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)"
_ALONE = re.compile(rf"(?:[\w .\-/%()]+[:=]\s*)?({_NUMBER})", re.IGNORECASE)
_LIMIT = 1 << 20
"""Characters of a line that are looked at."""


class NoLoss(ObjectiveError, ValueError):
    """A program ended well and left no loss."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Where the loss is; made by `loss_named`.

    Attributes:
        kind: "last", "regex" or "json".
        pattern: of "regex".
        path: of "json".
        keys: where in the file, from the outside in.
    """

    kind: str = "last"
    pattern: str = ""
    path: str = ""
    keys: tuple[str, ...] = ()


def loss_named(text: str) -> Loss:
    """What a spelling means.

    Raises:
        ObjectiveError: it is none.
    """
    kind, _, rest = text.partition(":")
    if text == "last":
        return Loss()
    if kind == "regex" and rest:
        pattern_of(rest)
        return Loss("regex", pattern=rest)
    if kind == "json" and rest:
        path, _, keys = rest.partition("#")
        return Loss("json", path=path, keys=tuple(keys.split(".")) if keys else ())
    raise ObjectiveError(f"a loss is at last, regex:PATTERN or json:FILE, got {text!r}")


def pattern_of(pattern: str) -> re.Pattern[str]:
    """A regular expression (raises `ObjectiveError` where it is none)."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ObjectiveError(f"{pattern!r} is no regular expression: {error}") from None


@dataclass(slots=True)
class Watcher:
    """Sees the lines of a program as they come, and keeps what matters of them.

    Args:
        loss: where the loss will be.
        report: pattern of lines that tell how it is going, with groups `loss` and perhaps `step`; None for JSON objects
            with "step".

    Attributes:
        reports: (step, metrics) that have not been taken yet.
    """

    loss: Loss
    report: str | None = None
    reports: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    _last: str = ""
    _found: str | None = None
    _steps: int = 0

    def see(self, line: str, *, error: bool = False) -> None:
        """One line, of what it prints or of what it prints as errors."""
        # Of a bar that is drawn over itself, what one would see.
        text = line[:_LIMIT].rstrip("\r\n").rpartition("\r")[2].strip()
        if not text:
            return
        if self.report is not None:
            match = re.search(self.report, text)
            if match is not None:
                self._report(_groups(match))
        elif not error and text.startswith("{"):
            said = _object(text)
            if isinstance(said.get("step"), (int, float)):
                self._report(said)
                return
        if not error:
            self._last = text
        if self.loss.kind == "regex":
            match = re.search(self.loss.pattern, text)
            if match is not None:
                self._found = _group(match)

    def _report(self, said: dict[str, Any]) -> None:
        self._steps += 1
        step = number_in(said.pop("step", None))
        if step is None or not math.isfinite(step):
            # Pruners need an order, and a program that prints an odd line is no reason to end a trial that may end well.
            step = float(self._steps)
        metrics = {name: x for name, value in said.items() if name != "self" and (x := number_in(value)) is not None}
        if metrics:
            self.reports.append((step, metrics))

    def result(self, folder: str) -> dict[str, Any]:
        """What the program says at its end, as an objective would return it.

        Raises:
            NoLoss: it says nothing of a loss; the text says what was expected and what came.
        """
        if self.loss.kind == "json":
            return self._from_file(folder)
        if self.loss.kind == "regex":
            loss = number_in(self._found)
            if loss is None:
                came = (
                    "nothing matched" if self._found is None else f"it found {self._found[:80]!r}, which is no number"
                )
                raise NoLoss(f"expected a loss where {self.loss.pattern!r} matches the output, but {came}")
            return {"loss": loss}
        match = _ALONE.fullmatch(self._last)
        if match is not None:
            return {"loss": float(match[1])}
        said = _object(self._last)
        if _tells(said):
            return said
        came = "it printed nothing"
        if self._last:
            came = f"the last line is {self._last[:80]!r}"
        elif self._steps:
            came = 'all it printed are reports on the way (lines with a "step")'
        raise NoLoss(f"expected a loss as the last line of the output (a number, or a JSON object), but {came}")

    def _from_file(self, folder: str) -> dict[str, Any]:
        # Messages have the path as it was given: with the trial's folder in them, equal failures would be told one by one.
        path = os.path.join(folder, self.loss.path)
        try:
            with open(path, encoding="utf-8") as file:
                said: Any = json.load(file)
            for key in self.loss.keys:
                said = said[int(key)] if isinstance(said, list) else said[key]
        except FileNotFoundError:
            raise NoLoss(f"expected a loss in {self.loss.path}, but the program wrote no such file") from None
        except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            kind = f"no {error}" if isinstance(error, KeyError) else str(error)
            if isinstance(error, OSError):
                kind = error.strerror or type(error).__name__
            raise NoLoss(
                f"expected a loss in {self.loss.path}{'#' if self.loss.keys else ''}{'.'.join(self.loss.keys)}: {kind}"
            ) from None
        if isinstance(said, dict) and _tells(said):
            return said
        loss = number_in(said)
        if loss is None:
            raise NoLoss(f"expected a number in {self.loss.path}, or an object with a loss, but there is {said!r:.80}")
        return {"loss": loss}


def _tells(said: Mapping[str, Any]) -> bool:
    """Whether an object says how a trial ended: by its loss, or that it failed."""
    return said.get("status") == "fail" or (
        not isinstance(said.get("loss"), str) and number_in(said.get("loss")) is not None
    )


def number_in(value: Any) -> float | None:
    """A number as a program writes it, None where it is none; nan and inf are numbers."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return float(value) if re.fullmatch(_NUMBER, value.strip(), re.IGNORECASE) else None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) or isinstance(value, float) else None


def _groups(match: re.Match[str]) -> dict[str, Any]:
    named = {name: text for name, text in match.groupdict().items() if text is not None}
    return named or {"loss": _group(match)}


def _group(match: re.Match[str]) -> str | None:
    if "loss" in match.re.groupindex:
        return match["loss"]
    return match[1] if match.re.groups else match[0]


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
