"""Runs on disk: one JSON line per (task, seed), one file per optimiser, only ever appended to.

A folder may hold `<optimiser>.jsonl`, which grows while runs are made, and `<optimiser>.jsonl.gz`, what was packed for
keeping.  Losses have seven significant digits, which is what the surrogates have.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Run", "append", "discard", "pack", "read"]


@dataclass(frozen=True, slots=True)
class Run:
    """One optimiser on one task with one seed.

    Attributes:
        optimiser, task, seed: which.
        losses: in order of evaluation; NaN where an evaluation failed.
        seconds: CPU time of the whole run, objective included.
        version: of the optimiser's package.
    """

    optimiser: str
    task: str
    seed: int
    losses: tuple[float, ...]
    seconds: float
    version: str

    def to_json(self) -> str:
        """One line, without its end."""
        losses = [float(f"{loss:.7g}") if math.isfinite(loss) else None for loss in self.losses]
        fields = {"task": self.task, "seed": self.seed, "seconds": round(self.seconds, 3), "version": self.version}
        return json.dumps({**fields, "losses": losses})

    @classmethod
    def from_json(cls, optimiser: str, line: str) -> Run:
        """The run of a line."""
        fields: dict[str, Any] = json.loads(line)
        losses = tuple(math.nan if loss is None else float(loss) for loss in fields["losses"])
        return cls(optimiser, fields["task"], fields["seed"], losses, fields["seconds"], fields["version"])


def append(folder: Path, run: Run) -> None:
    """Adds a run to its optimiser's file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.optimiser}.jsonl"
    with path.open("ab") as file:
        # A run of this command that was killed may have left half a line: end it, so that it spoils only itself.
        torn = file.tell() > 0 and not path.read_bytes().endswith(b"\n")
        file.write((("\n" if torn else "") + run.to_json() + "\n").encode())


def read(folder: Path, optimisers: Iterable[str] | None = None) -> dict[tuple[str, str, int], Run]:
    """(optimiser, task, seed) -> its longest run, out of all files of a folder.

    Args:
        folder: may be absent.
        optimisers: only these.
    """
    runs: dict[tuple[str, str, int], Run] = {}
    wanted = None if optimisers is None else set(optimisers)
    for path in sorted(folder.glob("*.jsonl*")):
        optimiser = path.name.split(".jsonl")[0]
        if wanted is not None and optimiser not in wanted:
            continue
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        for line in text.splitlines():
            try:
                run = Run.from_json(optimiser, line)
            except (json.JSONDecodeError, KeyError):
                continue  # half a line
            key = (optimiser, run.task, run.seed)
            if key not in runs or len(runs[key].losses) <= len(run.losses):
                runs[key] = run
    return runs


def discard(folder: Path, optimisers: Iterable[str], tasks: Iterable[str]) -> None:
    """Forgets the runs of some optimisers on some tasks."""
    unwanted = set(tasks)
    for optimiser in optimisers:
        kept = [run for run in read(folder, [optimiser]).values() if run.task not in unwanted]
        for path in folder.glob(f"{optimiser}.jsonl*"):
            path.unlink()
        for run in kept:
            append(folder, run)


def pack(folder: Path, optimisers: Iterable[str] | None = None) -> list[Path]:
    """Compresses each optimiser's runs into one `.jsonl.gz`, the same bytes for the same runs; removes the `.jsonl`.

    Args:
        folder: of the runs.
        optimisers: only these.
    """
    written = []
    runs = read(folder, optimisers)
    for optimiser in sorted({key[0] for key in runs}):
        lines = [runs[key].to_json() for key in sorted(runs) if key[0] == optimiser]
        path = folder / f"{optimiser}.jsonl.gz"
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))
        fresh.replace(path)
        (folder / f"{optimiser}.jsonl").unlink(missing_ok=True)
        written.append(path)
    return written
