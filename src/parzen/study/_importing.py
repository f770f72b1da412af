"""Trials from a table that another program wrote, or `Study.export` did: known, and no part of the budget.

A row that the study has already (the same values, state and loss) is not taken in again, so that a file may be imported
once more when it has grown, and a study's own export changes nothing.  Equal rows count: a noisy objective may have given
the same loss twice.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from parzen._lazy import require
from parzen._typing import JSON, FloatArray
from parzen.errors import Conflict, OutOfSpace, StudyError, Unavailable, UnknownLabel
from parzen.log import Stream, trial_seed
from parzen.study._cells import Column, columns_of
from parzen.study._exporting import format_of
from parzen.trials import EARLIER, FINISHED, Asked, Event, Finished, History, Noted, Outcome, Started, State, TrialError

__all__ = ["import_table", "is_table"]

_CHUNK = 2_000
"""Rows of one transaction."""
_ENDINGS = (".csv", ".parquet", ".pq", ".jsonl", ".ndjson")
_BESIDE = {"number", "state", "loss", "seconds", "started", "finished", "source", "worker", "error"}


class _Row(NamedTuple):
    values: tuple[float, ...]
    outcome: Outcome

    @property
    def key(self) -> tuple[bytes, int, float | None]:
        loss = self.outcome.metrics.get("loss") if self.outcome.state is State.OK else None
        return np.array(self.values).tobytes(), int(self.outcome.state), loss


def is_table(earlier: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether something names a file of trials rather than a study."""
    return isinstance(earlier, (str, os.PathLike)) and os.fspath(earlier).lower().endswith(_ENDINGS)


def import_table(stream: Stream, path: str | os.PathLike[str], format: str | None = None) -> int:  # noqa: A002
    """Take in the rows of a file; how many are new.

    Raises:
        StudyError: the file has no loss, no column for a parameter, or nothing that can be read.
        Unavailable: there is no such file.
    """
    stream.pull()
    where = os.path.basename(os.fspath(path))
    rows, why, left = _rows(stream, path, format_of(path, format))
    if not rows and why is not None:
        raise StudyError(f"none of the {left} trials in {os.fspath(path)} is of this space, the first because {why}")
    known, new = _known(stream.history), []
    for place, row in enumerate(rows):
        if known[row.key] > 0:
            known[row.key] -= 1
        else:
            new.append((place, row))
    for start in range(0, len(new), _CHUNK):
        _publish(stream, where, new[start : start + _CHUNK])
    key, text = f"file {where}", f"all rows of {where} are of this space"
    if why is not None:
        rows_are, were = (f"1 row of {where} is", "was") if left == 1 else (f"{left} rows of {where} are", "were")
        text = f"{rows_are} not of this space and {were} left out, the first because {why}"
    # A file that was mended: what was noted of it before is not so any more.
    noted = stream.history.notes.get(key)
    if noted != text and (why is not None or noted is not None):
        stream.publish(Noted(key, text, stream.clock.wall()))
    return len(new)


def _publish(stream: Stream, where: str, rows: list[tuple[int, _Row]]) -> None:
    while True:
        with stream.asking:
            history, at = stream.history, stream.clock.wall()
            events: list[Event] = []
            for number, (place, row) in enumerate(rows, start=len(history)):
                seed = trial_seed(stream.header.seed, number)
                memo: JSON = {"file": where, "row": place}
                events.append(Asked(number, row.values, f"file: {where}", seed, history.seq, at, memo=memo))
                events.append(Started(number, 1, EARLIER, at))
                events.append(Finished(number, 1, row.outcome, at))
            try:
                stream.publish(*events)
            except Conflict:
                stream.pull()
                continue
        return


def _known(history: History) -> Counter[tuple[bytes, int, float | None]]:
    known: Counter[tuple[bytes, int, float | None]] = Counter()
    for i in np.flatnonzero(np.isin(history.state, list(FINISHED - {State.CANCELLED}))).tolist():
        state = int(history.state[i])
        loss = history.reported(history.losses[i]) if state == State.OK else None
        known[history.values[i].tobytes(), state, loss] += 1
    return known


def _rows(stream: Stream, path: str | os.PathLike[str], kind: str) -> tuple[list[_Row], str | None, int]:
    """Rows that are of the space; why the first of the others is not, and how many these are."""
    space, columns = stream.space, columns_of(stream.space)
    objective = stream.history.objectives[0]
    rows: list[_Row] = []
    why: str | None = None
    left = 0
    try:
        for record in {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}[kind](os.fspath(path), columns):
            state = str(record.get("state") or "").upper()
            if state and (state not in State.__members__ or State[state] not in FINISHED or state == "CANCELLED"):
                continue  # it has not come to anything
            try:
                given = _given(record["params"], record.get("options"), columns, stream)
                values = space.completed(given).values[0]
            except (OutOfSpace, UnknownLabel) as error:
                why, left = why or str(error), left + 1
                continue
            # The history has one NaN of the many there are; rows are compared by their bytes.
            values[np.isnan(values)] = np.nan
            rows.append(_Row(tuple(values.tolist()), _outcome(record, state, objective)))
    except OSError as error:
        raise Unavailable(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from error
    except (UnicodeError, csv.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        if isinstance(error, StudyError):
            raise
        raise StudyError(f"{os.fspath(path)} is not a {kind} file that trials can be read from: {error}") from error
    return rows, why, left


def _given(params: Mapping[str, Any], options: Any, columns: tuple[Column, ...], stream: Stream) -> FloatArray:
    """The row that a record means.

    Args:
        params: label -> value, or cell of a table.
        options: label -> cell of a table, of the choices; None where the record has no such thing, which JSON lines of
            other programs have not.
    """
    row = np.full(len(columns), np.nan)
    for j, column in enumerate(columns):
        value = params.get(column.label)
        if column.options is not None and isinstance(options, dict):
            row[j] = column.value(options.get(column.label))
        elif column.options is not None and not isinstance(value, (str, int, float, type(None))):
            row[j] = stream.space.code(column.label, value)  # a sub-space, as JSON lines have it
        else:
            row[j] = column.value(value)
    return row


def _outcome(record: Mapping[str, Any], state: str, objective: str) -> Outcome:
    loss = _number(record.get("loss"), record["where"], "loss")
    seconds = _number(record.get("seconds"), record["where"], "seconds")
    known = State[state] if state else State.OK
    if known is State.OK and loss != loss:
        known = State.FAILED
    metrics = {objective: loss} if loss == loss else {}
    # Where what an objective returns beside its loss is.
    extra = {name: x for name, x in record["metrics"].items() if x == x and name != objective}
    said = record.get("error")
    kind, _, message = str(said).partition(": ") if said and said == said else ("", "", "")
    error = TrialError(kind[:200], message[:2000]) if kind else None
    if known is State.FAILED and error is None:
        error = TrialError("loss", "the file has no loss for it")
    return Outcome(known, metrics, extra=extra, error=error, seconds=seconds if 0 <= seconds < math.inf else None)


def _number(cell: Any, where: str, column: str) -> float:
    """A cell as a number; NaN where it is empty.  Raises `ValueError` where it is something else."""
    try:
        return math.nan if cell is None or cell == "" else float(cell)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{where}, column {column}: expected a number, got {cell!r:.80}") from None


def _record(cells: Mapping[str, Any], columns: tuple[Column, ...], where: str) -> dict[str, Any]:
    """A row of a table, of which parameters may be called as they are or with `param_` in front.

    Args:
        cells: by the names of their columns.
        columns: the parameters.
        where: in the file the row is, for whoever has to mend it.
    """
    record: dict[str, Any] = {name: cells.get(name) for name in _BESIDE}
    params = {}
    for column in columns:
        named = f"param_{column.label}"
        params[column.label] = cells[named] if named in cells else cells.get(column.label)
    metrics = {name[7:]: _number(cell, where, name) for name, cell in cells.items() if name.startswith("metric_")}
    return {**record, "params": params, "metrics": metrics, "where": where}


def _check(names: set[str], columns: tuple[Column, ...], path: str) -> None:
    if "loss" not in names:
        raise StudyError(f"{path} has no column loss; it has {', '.join(sorted(names)) or 'none'}")
    missing = [c.label for c in columns if not {c.label, f"param_{c.label}"} & names]
    if missing:
        raise StudyError(
            f"{path} has no column for the parameter {missing[0]!r}, expected 'param_{missing[0]}' or {missing[0]!r}; "
            f"it has {', '.join(sorted(names))}"
        )


def _csv(path: str, columns: tuple[Column, ...]) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        _check(set(reader.fieldnames or ()), columns, path)
        for cells in reader:
            if None in cells:  # where the reader keeps what is too much
                raise StudyError(
                    f"{path}, line {reader.line_num}: it has more cells than there are names in the first line"
                )
            yield _record(cells, columns, f"line {reader.line_num}")


def _parquet(path: str, columns: tuple[Column, ...]) -> Iterator[dict[str, Any]]:
    parquet: Any = require("pyarrow.parquet", '"parzen[parquet]"')  # an optional package without types
    table = parquet.read_table(path)
    _check(set(table.column_names), columns, path)
    rows = (cells for batch in table.to_batches(max_chunksize=_CHUNK) for cells in batch.to_pylist())
    for place, cells in enumerate(rows, 1):
        yield _record(cells, columns, f"row {place}")


def _jsonl(path: str, columns: tuple[Column, ...]) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as file:
        for place, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:  # which counts lines within this one
                raise StudyError(f"{path}, line {place}: expected a JSON object, got {line[:60]!r} ({error})") from None
            if not isinstance(record, dict) or not isinstance(record.get("params"), dict):
                raise StudyError(
                    f'{path}, line {place}: expected an object with "params" and "loss", got {line[:60]!r}'
                )
            if "loss" not in record and "state" not in record:
                raise StudyError(f'{path}, line {place}: expected an object with "params" and "loss", got no "loss"')
            known: dict[str, Any] = {}
            for place_of in ("extra", "metrics"):
                known |= record[place_of] if isinstance(record.get(place_of), dict) else {}
            numbers = {k: float(x) for k, x in known.items() if isinstance(x, (int, float)) and not isinstance(x, bool)}
            yield {**record, "metrics": numbers, "where": f"line {place}"}
