"""CPU time and memory of parzen and its peers beside each other: per trial, of the import, of the first suggestion.

    python -m benchmarks.overhead [--quick] [--peer-python PATH] [--gp-python PATH] [--rounds 3] [--counts 100 1000 ...]
        [--libraries parzen hyperopt ...] [--algorithms tpe random auto] [--spaces '10-D mixed' ...] [--write] [--json FILE]

Every number comes from a child process of its own with one BLAS thread, the libraries in turn within a round; the
median of the rounds is printed.  CPU time, not wall time: other programs move it less.

*Per trial*: the objective is free; a history of n trials of the library's own random search is made first, the next
three trials pay for reading it and are not counted, then a window of up to 200 trials is (at least 6; it ends after
`--seconds` of CPU) and its mean printed, so what a library does only now and then is in it.  `auto` has a window of
20 trials, and its largest is printed too; beside it stands Optuna's GPSampler.

*Import*: in a fresh interpreter, without the interpreter's own start; files warm.

*First suggestion*: a fresh interpreter from its start to the entry of the first trial, and of the 31st: by then TPE has
left its random start, and whatever is imported late has been imported.

*Memory*: what a process grows by when a study of n trials of random search is made, divided by n.

What is dear is measured once instead of in each round, and only as far as it can be waited for: see `_rounds_of` and
`_AFFORDABLE`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

from benchmarks._overhead_report import Case, in_block, stored, tables

__all__ = ["Case", "main", "tables"]

_ROOT = Path(__file__).resolve().parents[1]
_PAGE, _FILE = Path(__file__).with_name("README.md"), Path(__file__).with_name("overhead.json")
_LIBRARIES = ("parzen", "hyperopt", "optuna", "rustuna")
_ALGORITHMS = ("tpe", "random", "auto")
_SPACES = ("10-D mixed", "50-D mixed", "20 branches")
_COUNTS = (100, 1000, 10_000, 100_000)
_AUTO_COUNTS = (100, 300, 1000, 10_000)
_MEMORY_COUNT = 10_000
_AFFORDABLE = {
    ("hyperopt", "10-D mixed"): 10_000,  # one trial of its TPE takes half a second there
    ("hyperopt", ""): 1000,
    ("optuna", "10-D mixed"): 10_000,
    ("optuna", ""): 1000,
    ("rustuna", "10-D mixed"): 100_000,
    ("rustuna", ""): 10_000,
    ("parzen", ""): 100_000,
}
"""(library, space or any other) -> most trials in a history."""
_GP_AFFORDABLE = 300
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_IMPORT = "import time; begun = time.process_time(); import {}; print(time.process_time() - begun)"
_VERSION = "import importlib.metadata as m; print(m.version({!r}))"


class _Children:
    """Starts the children, each library with the interpreter that has it."""

    def __init__(self, peer_python: str, gp_python: str | None, limit: float) -> None:
        self._peer_python, self._gp_python, self._limit = peer_python, gp_python, limit
        self._environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
        self._environment["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(_ROOT / "src")])

    def output(self, library: str, arguments: Sequence[str], algorithm: str = "") -> str:
        """The last line that an interpreter printed; raises RuntimeError with the last line of its errors."""
        python: str | None = sys.executable if library in {"parzen", "numpy"} else self._peer_python
        if library == "optuna" and algorithm == "auto":
            python = self._gp_python
            if python is None:
                raise RuntimeError("GPSampler needs torch: give --gp-python")
        assert python is not None
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
            return "source tree" if library == "parzen" else "not installed"

    def measure(self, case: Case, seconds: float) -> Iterator[tuple[Case, float]]:
        """The value of a case; a "first" gives its "model" as well, and a "trial" its "largest"."""
        if case.kind == "import":
            yield case, float(self.output(case.library, ["-c", _IMPORT.format(case.library)]))
            return
        command = ["-m", "benchmarks._subject", case.kind, case.library, case.algorithm, case.space]
        if case.kind != "first":
            command += [str(case.count), str(seconds)]
        answer: dict[str, float] = json.loads(self.output(case.library, command, case.algorithm))
        for kind, value in answer.items():
            yield Case(kind, case.library, case.algorithm, case.space, case.count), value


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    """One round, in the order in which it is measured: libraries alternate innermost."""
    for library in ("numpy", *options.libraries):
        yield Case("import", library)
    for algorithm in ("tpe", "auto"):
        for library in options.libraries:
            if algorithm in options.algorithms and (algorithm == "tpe" or library == "parzen"):
                yield Case("first", library, algorithm, _SPACES[0])
    for space in options.spaces:
        for algorithm in options.algorithms:
            counts = options.counts or (_AUTO_COUNTS if algorithm == "auto" else _COUNTS)
            for count in counts:
                for library in options.libraries:
                    if count <= _most(library, algorithm, space):
                        yield Case("trial", library, algorithm, space, count)
    if "random" in options.algorithms:
        for library in options.libraries:
            yield Case("memory", library, "random", _SPACES[0], options.memory)


def _most(library: str, algorithm: str, space: str) -> int:
    """The longest history that a library is measured on; -1 where it has nothing of the kind."""
    if algorithm == "auto" and library != "parzen":
        return _GP_AFFORDABLE if (library, space) == ("optuna", _SPACES[0]) else -1
    return _AFFORDABLE.get((library, space), _AFFORDABLE[library, ""])


def _rounds_of(case: Case, rounds: int) -> int:
    """Long histories are dear to make, and their windows long: once is enough to see how costs grow."""
    dear = case.count > 1000 or case.algorithm == "auto" or (case.space != _SPACES[0] and case.library == "hyperopt")
    return 1 if (dear and case.kind == "trial" and case.library != "parzen") or case.count > 10_000 else rounds


_Figures = dict[Case, list[float]]


def _measure(options: argparse.Namespace, children: _Children) -> tuple[_Figures, dict[Case, str]]:
    """The values of each round, and why cases are missing: one that failed is not tried again."""
    figures: _Figures = {}
    missing: dict[Case, str] = {}
    for turn in range(options.rounds + 1):
        for case in _cases(options):
            warming = turn == 0  # the first imports write byte code and bring files into memory
            if case in missing or (warming and case.kind != "import") or turn > _rounds_of(case, options.rounds):
                continue
            try:
                measured = list(children.measure(case, options.seconds))
            except RuntimeError as error:
                missing[case] = str(error)
                continue
            if not warming:
                for key, value in measured:
                    figures.setdefault(key, []).append(value)
        print(f"round {turn} of {options.rounds} done", file=sys.stderr, flush=True)
    return figures, missing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--quick", action="store_true", help="one round, one space, 100 and 1 000 trials, short windows"
    )
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has hyperopt, optuna, rustuna")
    parser.add_argument("--gp-python", help="interpreter that has optuna and torch, for Optuna's GPSampler")
    parser.add_argument("--libraries", nargs="+", choices=_LIBRARIES, default=_LIBRARIES)
    parser.add_argument("--algorithms", nargs="+", choices=_ALGORITHMS)
    parser.add_argument("--spaces", nargs="+", choices=_SPACES)
    parser.add_argument("--counts", nargs="+", type=int)
    parser.add_argument("--memory", type=int, default=_MEMORY_COUNT, help="trials that memory is divided by")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="CPU seconds after which a window ends")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds after which a child is given up")
    parser.add_argument("--json", type=Path, help="keep the values of every round in this file")
    parser.add_argument(
        "--write", action="store_true", help="renew the tables in README.md, and overhead.json beside it"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if something could not be measured."""
    options = _parser().parse_args(arguments)
    options.counts = options.counts or ([100, 1000] if options.quick else None)
    options.spaces = options.spaces or (_SPACES[:1] if options.quick else _SPACES)
    options.algorithms = options.algorithms or (_ALGORITHMS[:2] if options.quick else _ALGORITHMS)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (0.5 if options.quick else 3.0)
    children = _Children(options.peer_python, options.gp_python, options.limit)
    figures, missing = _measure(options, children)
    versions = {library: children.version(library) for library in ("numpy", *options.libraries)}
    machine = f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores"
    about = {"made": f"{datetime.now(timezone.utc):%Y-%m-%d}", "versions": versions, "machine": machine}
    text = "\n".join(_report(about, figures, missing, options))
    print(text)
    for path in {options.json, _FILE if options.write else None} - {None}:
        path.write_text(stored(about, figures, missing), encoding="utf-8")
    if options.write:
        in_block(_PAGE, text)
    return int(bool(missing))


def _report(
    about: dict[str, object], figures: _Figures, missing: dict[Case, str], options: argparse.Namespace
) -> Iterator[str]:
    versions = about["versions"]
    assert isinstance(versions, dict)
    named = ", ".join(f"{library} {version}" for library, version in versions.items())
    yield f"{about['made']}; {named}; {about['machine']}; median of {options.rounds} rounds, of one where it is dear.\n"
    yield from tables({case: statistics.median(values) for case, values in figures.items()}, options.libraries)
    for case, reason in missing.items():
        what = " ".join(str(part) for part in (case.kind, case.library, case.algorithm, case.space, case.count) if part)
        yield f"- not measured: {what}: {reason}"


if __name__ == "__main__":
    sys.exit(main())
