"""Trials as a file for other programs: CSV and Parquet as a table, JSON lines with everything."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from parzen._lazy import require
from parzen.errors import StudyError
from parzen.study._cells import columns_of, utf8
from parzen.study._records import json_ready, trial_record
from parzen.trials import History, State

__all__ = ["FORMATS", "STDOUT", "exported", "format_of", "further_metrics", "table_of"]

FORMATS = ("csv", "parquet", "jsonl")
_ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
STDOUT = "-"
"""In place of a path: standard output."""


def format_of(path: str | os.PathLike[str], given: str | None) -> str:
    """The format of a file, by its ending unless it is said.

    Raises:
        StudyError: it is none that parzen knows.
    """
    known = given or _ENDINGS.get(os.path.splitext(os.fspath(path))[1].lower())
    if known not in FORMATS:
        said = f"format {given!r}" if given is not None else f"the ending of {os.fspath(path)!r}"
        raise StudyError(f"tables are of the formats csv, parquet and jsonl, {said} is none of them: give format=")
    return known


def further_metrics(history: History, number: int) -> dict[str, float]:
    """Every number beside the loss that an objective returned."""
    numbers = {
        k: x for k, x in history.extras(number).items() if isinstance(x, (int, float)) and not isinstance(x, bool)
    }
    numbers |= history.metrics(number)
    numbers.pop(history.objectives[0], None)
    return numbers


def table_of(history: History) -> dict[str, list[Any]]:
    """Column -> a cell for each trial, None where there is nothing.

    `number`, `state`, `loss` (in the user's own sign), `seconds`, `started`, `finished` (seconds since the epoch), a
    `param_…` for each parameter, a `metric_…` for each further metric, `source`, `worker` and `error`.
    """
    n = len(history)
    numbers = range(n)
    table: dict[str, list[Any]] = {"number": list(numbers), "state": [State(s).name for s in history.state.tolist()]}
    table["loss"] = [None if x != x else history.reported(x) for x in history.losses.tolist()]
    for name, times in (
        ("seconds", history.seconds),
        ("started", history.started_at),
        ("finished", history.finished_at),
    ):
        table[name] = [None if x != x else x for x in times.tolist()]
    for j, column in enumerate(columns_of(history.space)):
        table[f"param_{column.label}"] = [column.cell(x) for x in history.values[:, j].tolist()]
    metrics = [further_metrics(history, i) for i in numbers]
    for name in dict.fromkeys(name for one in metrics for name in one):  # in order of first appearance
        table[f"metric_{name}"] = [one.get(name) for one in metrics]
    table["source"] = [history.source(i) for i in numbers]
    table["worker"] = [history.worker(i) for i in numbers]
    table["error"] = [None if (error := history.error(i)) is None else str(error) for i in numbers]
    return table


def exported(live: History, path: str | os.PathLike[str], given: str | None) -> int:
    """Write all trials; see `Study.export`."""
    history = live.snapshot()
    kind = format_of(path, given)
    write: Callable[[History, IO[bytes]], None] = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}[kind]
    if os.fspath(path) == STDOUT:
        write(history, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with _replaced(os.fspath(path)) as file:
            write(history, file)
    return len(history)


@contextmanager
def _replaced(path: str) -> Iterator[IO[bytes]]:
    """A file that takes the place of the one at the path when it is whole."""
    draft = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        file = open(draft, "xb")  # noqa: SIM115  # closed below
    except OSError as error:  # which names a file that nobody asked for
        raise OSError(error.errno, error.strerror, os.path.dirname(os.path.abspath(path))) from None
    try:
        with file:
            yield file
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _csv(history: History, file: IO[bytes]) -> None:
    table = table_of(history)
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    text.flush()
    text.detach()


def _jsonl(history: History, file: IO[bytes]) -> None:
    choices = [(j, column) for j, column in enumerate(columns_of(history.space)) if column.options is not None]
    for number, trial in enumerate(history):
        row = history.row(number).tolist()
        # JSON has one null for None and for nothing, one list for a tuple, and no classes: which option it is, is said as
        # in a table as well.
        options = {column.label: column.cell(row[j]) for j, column in choices if row[j] == row[j]}
        record = {**trial_record(trial), "options": options}
        file.write(json.dumps(json_ready(record), ensure_ascii=True).encode("ascii") + b"\n")


def _parquet(history: History, file: IO[bytes]) -> None:
    pa: Any = require("pyarrow", '"parzen[parquet]"')  # an optional package without types
    parquet: Any = require("pyarrow.parquet", '"parzen[parquet]"')
    table = table_of(history)
    names = {f"param_{column.label}": column for column in columns_of(history.space)}
    types = {"number": pa.int64(), "loss": pa.float64(), "seconds": pa.float64()}
    types |= {"started": pa.float64(), "finished": pa.float64()}

    def typed(name: str, cells: list[Any]) -> Any:
        if name in types:
            return pa.array(cells, types[name])
        column = names.get(name)
        if column is None and name.startswith("metric_"):
            return pa.array(cells, pa.float64())
        if column is None:
            return pa.array([None if cell is None else utf8(cell) for cell in cells], pa.string())
        if column.options is None:
            return pa.array(cells, pa.int64() if column.integral else pa.float64())
        kinds = {type(option) for option in column.options}
        if kinds == {int}:
            return pa.array(cells, pa.int64())
        if str not in kinds:
            return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
        return pa.array([None if cell is None else utf8(cell) for cell in cells], pa.string())

    parquet.write_table(pa.table({utf8(name): typed(name, cells) for name, cells in table.items()}), file)
