"""CPU time of parzen, Hyperopt and Optuna beside each other: per trial, of the import, of the first suggestion.

    python -m benchmarks.overhead [--quick] [--peer-python PATH] [--rounds 3] [--counts 100 1000 10000]
        [--libraries parzen hyperopt optuna] [--algorithms tpe random] [--spaces '10-D mixed' ...] [--json FILE]

Every number comes from a child process of its own with one BLAS thread, the libraries in turn within a round; the
median of the rounds is printed.  CPU time, not wall time: other programs move it less.

*Per trial*: the objective is free; a history of n trials of the library's own random search is made first, the next
three trials pay for reading it and are not counted, then a window of up to 200 trials is (at least 6; it ends after
`--seconds` of CPU) and its mean printed, so what a library does only now and then is in it.

*Import*: in a fresh interpreter, without the interpreter's own start; files warm.

*First suggestion*: a fresh interpreter from its start to the entry of the first trial, and of the 31st: by then TPE has
left its random start, and whatever is imported late has been imported.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Case", "main", "tables"]

_ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = ("parzen", "hyperopt", "optuna")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_IMPORT = "import time; begun = time.process_time(); import {}; print(time.process_time() - begun)"
_VERSION = "import importlib.metadata as m; print(m.version({!r}))"
_SPACES = ("10-D mixed", "50-D mixed", "20 branches")


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        kind: "import"; "first" and "model", the entry of the first and of the 31st trial; "trial".
        library: name.
        algorithm: "tpe", "random", or "" for imports.
        space: name, or "" for imports.
        count: trials in the history before the window; 0 for the other kinds.
    """

    kind: str
    library: str
    algorithm: str = ""
    space: str = ""
    count: int = 0


Medians = Mapping[Case, float]
"""CPU seconds."""


class _Children:
    """Starts the children, each library with the interpreter that has it."""

    def __init__(self, peer_python: str, limit: float) -> None:
        self._peer_python, self._limit = peer_python, limit
        self._environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
        self._environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(_ROOT / "src")])

    def output(self, library: str, arguments: Sequence[str]) -> str:
        """The last line that an interpreter printed; raises RuntimeError with the last line of its errors."""
        python = self._peer_python if library in {"hyperopt", "optuna"} else sys.executable
        try:
            finished = subprocess.run(
                [python, *arguments],
                cwd=_ROOT,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=self._limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"not done after {self._limit:g} s") from None
        if finished.returncode != 0:
            raise RuntimeError((finished.stderr.strip().splitlines() or ["no message"])[-1])
        return finished.stdout.strip().splitlines()[-1]

    def version(self, library: str) -> str:
        """The installed version."""
        try:
            return self.output(library, ["-c", _VERSION.format(library)])
        except RuntimeError:
            return "source tree"

    def measure(self, case: Case, seconds: float) -> Iterator[tuple[Case, float]]:
        """CPU seconds of a case; a "first" gives its "model" as well."""
        if case.kind == "import":
            yield case, float(self.output(case.library, ["-c", _IMPORT.format(case.library)]))
            return
        command = ["-m", "benchmarks._subject", case.kind, case.library, case.algorithm, case.space]
        if case.kind == "trial":
            command += [str(case.count), str(seconds)]
        answer: dict[str, float] = json.loads(self.output(case.library, command))
        for kind, value in answer.items():
            yield Case(kind, case.library, case.algorithm, case.space, case.count), value


def _cases(options: argparse.Namespace) -> list[Case]:
    """One round, in the order in which it is measured: libraries alternate innermost."""
    cases = [Case("import", library) for library in ("numpy", *options.libraries)]
    cases += [Case("first", library, "tpe", _SPACES[0]) for library in options.libraries if "tpe" in options.algorithms]
    for space in options.spaces:
        for count in options.counts:
            for algorithm in options.algorithms:
                cases += [Case("trial", library, algorithm, space, count) for library in options.libraries]
    return cases


def _measure(options: argparse.Namespace, children: _Children) -> tuple[dict[Case, list[float]], dict[Case, str]]:
    """CPU seconds of each round, and why cases are missing: one that failed is not tried again."""
    figures: dict[Case, list[float]] = {}
    missing: dict[Case, str] = {}
    for turn in range(options.rounds + 1):
        for case in _cases(options):
            warming = turn == 0  # the first imports write byte code and bring files into memory
            if case in missing or (warming and case.kind != "import"):
                continue
            try:
                measured = list(children.measure(case, options.seconds))
            except RuntimeError as error:
                missing[case] = str(error)
                continue
            if not warming:
                for key, seconds in measured:
                    figures.setdefault(key, []).append(seconds)
        print(f"round {turn} of {options.rounds} done", file=sys.stderr, flush=True)
    return figures, missing


# --- what is printed ------------------------------------------------------------------------------------------------


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    cells = list(head)
    return ["| " + " | ".join(line) + " |" for line in [cells, ["---"] * len(cells), *map(list, body)]] + [""]


def _seconds(known: Medians, case: Case, scale: float = 1.0) -> str:
    return f"{scale * known[case]:.3g}" if case in known else ""


def _ratio(known: Medians, over: Case, under: Case, digits: int) -> str:
    return f"{known[over] / known[under]:.{digits}f}" if over in known and under in known else ""


def _trial_rows(known: Medians, libraries: Sequence[str], space: str) -> Iterator[list[str]]:
    """A row for each algorithm and count."""
    measured = dict.fromkeys((c.algorithm, c.count) for c in known if c.kind == "trial" and c.space == space)
    for algorithm, count in sorted(measured, key=lambda pair: (pair[0] != "tpe", pair[1])):
        cases = {library: Case("trial", library, algorithm, space, count) for library in libraries}
        row = [algorithm, str(count), *(_seconds(known, case, 1e3) for case in cases.values())]
        own = Case("trial", "parzen", algorithm, space, count)
        yield row + [_ratio(known, cases[peer], own, 1) for peer in libraries if peer != "parzen"]


def tables(known: Medians, libraries: Sequence[str]) -> list[str]:
    """The report in Markdown, a line each."""
    base = Case("import", "numpy")
    lines = ["### Import, CPU seconds in a fresh interpreter", ""]
    imports = [Case("import", library) for library in ("numpy", *libraries)]
    lines += _table(
        ["", "seconds", "/ numpy"],
        ([case.library, _seconds(known, case), _ratio(known, case, base, 2)] for case in imports),
    )
    lines += ["### First suggestion, CPU seconds of a fresh interpreter with everything imported", ""]
    rows = []
    for library in libraries:
        moments = [Case(kind, library, "tpe", _SPACES[0]) for kind in ("first", "model")]
        rows.append([library, *(_seconds(known, case) for case in moments)])
    lines += _table(["", "entry of the first trial", "entry of the 31st"], rows)
    for space in dict.fromkeys(case.space for case in known if case.kind == "trial"):
        lines += [f"### Per trial, {space}, CPU milliseconds; ratios: a peer's time over parzen's", ""]
        ratios = [f"{library} / parzen" for library in libraries if library != "parzen"]
        lines += _table(["", "n", *libraries, *ratios], _trial_rows(known, libraries, space))
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="one round, 100 and 1 000 trials, short windows")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has hyperopt and optuna")
    parser.add_argument("--libraries", nargs="+", choices=_LIBRARIES, default=_LIBRARIES)
    parser.add_argument("--algorithms", nargs="+", choices=("tpe", "random"), default=("tpe", "random"))
    parser.add_argument("--spaces", nargs="+", choices=_SPACES, default=_SPACES[:1])
    parser.add_argument("--counts", nargs="+", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="CPU seconds after which a window ends")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a child is given up")
    parser.add_argument("--json", type=Path)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if something could not be measured."""
    options = _parser().parse_args(arguments)
    options.counts = options.counts or ([100, 1000] if options.quick else [100, 1000, 10_000])
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (0.5 if options.quick else 3.0)
    children = _Children(options.peer_python, options.limit)
    figures, missing = _measure(options, children)
    versions = {library: children.version(library) for library in ("numpy", *options.libraries)}
    about = ", ".join(f"{library} {version}" for library, version in versions.items())
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    print(f"{about}; {machine}; median of {options.rounds} rounds.\n")
    print("\n".join(tables({case: statistics.median(values) for case, values in figures.items()}, options.libraries)))
    for case, reason in missing.items():
        print(f"not measured: {' '.join(map(str, asdict(case).values()))}: {reason}")
    if options.json:
        stored = [{**asdict(case), "seconds": values} for case, values in figures.items()]
        options.json.write_text(json.dumps({"versions": versions, "machine": machine, "figures": stored}, indent=1))
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
