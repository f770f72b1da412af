"""Hyperopt's own tests, run on parzen under the name `hyperopt`, and beside it on Hyperopt itself.

    python tests/reference/hyperopt_tests.py                       the whole, on the parzen of this interpreter
    python tests/reference/hyperopt_tests.py --fast                without the files that take long
    python tests/reference/hyperopt_tests.py --peer-python PATH    also on the Hyperopt of that interpreter
    python tests/reference/hyperopt_tests.py unit/test_fmin.py     some files

The wheel of the package index ships its tests.  It is downloaded to a temporary folder, and only its test folders are
unpacked, to another one; nothing of it comes into this repository.  Each file runs in a process of its own.

A test that fails on parzen must be in `excused.txt`, which gives the reason, or fail on Hyperopt as well; otherwise the exit
code is 1.  Exit code 3: the wheel could not be downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.3.0"
HERE = Path(__file__).resolve().parent
EXCUSED = HERE / "excused.txt"
FOLDERS = ("hyperopt/tests/", "hyperopt/pyll/tests/")
# Left out of `--fast`: a JVM, scikit-learn's many checks of an estimator, and statistics of many draws.
SLOW = (
    "tests/integration/test_sklearn.py",
    "tests/integration/test_spark.py",
    "tests/unit/test_anneal.py",
    "tests/unit/test_domains.py",
    "tests/unit/test_pchoice.py",
    "tests/unit/test_randint.py",
    "tests/unit/test_rdists.py",
    "tests/unit/test_tpe.py",
)
LIMIT = 15 * 60.0  # seconds for one file

CONFTEST = """\
import json, os, pathlib, sys

if os.environ["REFERENCE_SIDE"] == "parzen":
    import parzen, parzen.hyperopt
    parzen.install_as_hyperopt()
    # `hyperopt.tests.unit.test_domains` is imported by other tests.
    parzen.hyperopt.__path__.append(str(pathlib.Path(__file__).parent / "hyperopt"))

def pytest_collection_modifyitems():
    if "pyspark" in sys.modules:  # its workers do not have the folder of the tests on their path
        from pyspark import cloudpickle
        for name, module in list(sys.modules.items()):
            if name.startswith(("tests.", "hyperopt.tests.")):
                cloudpickle.register_pickle_by_value(module)

_RANK = {"passed": 0, "skipped": 1, "failed": 2}
_seen = {}

def pytest_runtest_logreport(report):
    old = _seen.get(report.nodeid, ("passed", ""))
    if _RANK[report.outcome] >= _RANK[old[0]]:
        text = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr or "")
        _seen[report.nodeid] = (report.outcome, text)

def pytest_collectreport(report):
    if report.failed:
        _seen[report.nodeid] = ("failed", str(report.longrepr)[-600:])
    elif report.skipped:
        _seen[report.nodeid] = ("skipped", str(report.longrepr)[-300:])

def pytest_sessionfinish(session, exitstatus):
    with open(os.environ["REFERENCE_RESULTS"], "w") as file:
        json.dump(_seen, file)
"""


@dataclass(frozen=True)
class Outcomes:
    """What became of the tests of one file.

    Attributes:
        of: test -> ("passed", "skipped" or "failed", the reason).
        seconds: how long it took.
    """

    of: Mapping[str, tuple[str, str]]
    seconds: float

    def names(self, outcome: str) -> set[str]:
        """The tests that ended so."""
        return {name for name, (what, _) in self.of.items() if what == outcome}

    def __str__(self) -> str:
        count = Counter(what for what, _ in self.of.values())
        return f"{count['passed']} / {count['failed']} / {count['skipped']}"


class Unreachable(Exception):
    """The package index does not answer."""


def wheel() -> Path:
    """The wheel, from the cache or from the package index."""
    cache = Path(tempfile.gettempdir()) / f"parzen-reference-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    found = sorted(cache.glob(f"hyperopt-{VERSION}-*.whl"))
    if not found:
        cache.mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run(
            [*command, "--dest", str(cache), f"hyperopt=={VERSION}"], capture_output=True, text=True, check=False
        )
        found = sorted(cache.glob(f"hyperopt-{VERSION}-*.whl"))
        if not found:
            raise Unreachable(f"pip could not download hyperopt=={VERSION}: {done.stderr.strip()[-500:]}")
    return found[0]


def unpack(where: Path) -> list[str]:
    """Put the test folders below `where`; returns the files with tests, relative to the package."""
    with zipfile.ZipFile(wheel()) as archive:
        names = [name for name in archive.namelist() if name.startswith(FOLDERS)]
        archive.extractall(where, names)
    (where / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (where / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return sorted(
        name.removeprefix("hyperopt/") for name in names if Path(name).name.startswith("test_") and name.endswith(".py")
    )


def run(file: str, where: Path, python: str, side: str, excuses: Mapping[str, str]) -> Outcomes:
    """Run the tests of one file in a process of its own; what fails without an excuse, again by itself, up to twice.

    Some measure wall time, and this machine may have other things to do.
    """
    outcomes = run_once(file, file, where, python, side)
    found = dict(outcomes.of)
    for _ in range(2):
        again = sorted(outcomes.names("failed") - set(excuses) - {file})
        if not again:
            break
        print(f"{side}, once more: {', '.join(again)}", file=sys.stderr, flush=True)
        for name in again:
            found.update(run_once(file, name, where, python, side).of)
        outcomes = Outcomes(found, outcomes.seconds)
    return outcomes


def run_once(file: str, what: str, where: Path, python: str, side: str) -> Outcomes:
    """Run one file, or one test of it."""
    results = where / "results.json"
    results.unlink(missing_ok=True)
    # Hyperopt draws from the global seed where a test gives none; plots need no screen.
    environment = {
        **os.environ,
        "REFERENCE_SIDE": side,
        "REFERENCE_RESULTS": str(results),
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": python,  # otherwise the first `python3` of the path
    }
    if side != "parzen":
        environment.pop("PYTHONPATH", None)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "--tb=short", f"hyperopt/{what}"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        said = f"did not end within {LIMIT:g} s"
    seconds = time.monotonic() - began
    with (where / f"{side}-{file.replace('/', '.')}.log").open("a", encoding="utf-8") as log:
        log.write(said)
    if results.exists():
        # A node's id begins with the folder that the tests were unpacked to.
        read = json.loads(results.read_text(encoding="utf-8"))
        return Outcomes({name.removeprefix("hyperopt/"): tuple(what) for name, what in read.items()}, seconds)
    return Outcomes({what: ("failed", said[-600:])}, seconds)


def excused() -> dict[str, str]:
    """Test -> why it need not pass.  A line that begins with `#` is the reason for those below it."""
    found, reason = {}, ""
    for line in EXCUSED.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason = line.lstrip("# ")
        elif line.strip():
            found[line.strip()] = reason
    return found


def table(ours: Mapping[str, Outcomes], theirs: Mapping[str, Outcomes], excuses: Mapping[str, str]) -> Iterable[str]:
    """The lines of the table that this is about, in Markdown."""
    yield "| file | Hyperopt: passed / failed / skipped | parzen | of these excused | seconds |"
    yield "|---|---|---|---|---|"
    for file, outcomes in ours.items():
        count = len(outcomes.names("failed") & set(excuses))
        other = str(theirs[file]) if file in theirs else "not run"
        yield f"| {file} | {other} | {outcomes} | {count} | {outcomes.seconds:.0f} |"
    total = Outcomes({name: what for one in ours.values() for name, what in one.of.items()}, 0.0)
    other = Outcomes({name: what for one in theirs.values() for name, what in one.of.items()}, 0.0)
    seconds = sum(one.seconds for one in ours.values())
    count = len(total.names("failed") & set(excuses))
    yield f"| **all** | {other if theirs else 'not run'} | {total} | {count} | {seconds:.0f} |"


def main(arguments: list[str] | None = None) -> int:
    """Run the tests, print the table; 0 if every failure is excused."""
    parser = argparse.ArgumentParser(description="Hyperopt's own tests, run on parzen.")
    parser.add_argument("files", nargs="*", help="files to run, such as unit/test_fmin.py; all by default")
    parser.add_argument("--fast", action="store_true", help="leave out the files that take long")
    parser.add_argument("--python", default=sys.executable, help="interpreter with parzen and what the tests need")
    parser.add_argument("--peer-python", help="interpreter with Hyperopt, to be run beside it")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs, and say where it is")
    options = parser.parse_args(arguments)
    excuses = excused()
    # Not a context manager: `--keep` keeps it.
    folder = tempfile.TemporaryDirectory(prefix="parzen-reference-") if not options.keep else None
    where = Path(folder.name if folder else tempfile.mkdtemp(prefix="parzen-reference-"))
    try:
        try:
            files = unpack(where)
        except Unreachable as error:
            print(f"Hyperopt's own tests were not run: {error}")
            return 3
        if options.files:
            files = [file for file in files if any(file.endswith(asked) for asked in options.files)]
        if options.fast:
            files = [file for file in files if file not in SLOW]
        ours, theirs = {}, {}
        for file in files:
            ours[file] = run(file, where, options.python, "parzen", excuses)
            if options.peer_python:
                theirs[file] = run(file, where, options.peer_python, "hyperopt", {})
            print(f"{file}: {ours[file]}, {ours[file].seconds:.0f} s", file=sys.stderr, flush=True)
    finally:
        if folder:
            folder.cleanup()
        else:
            print(f"the logs are in {where}", file=sys.stderr)
    print("\n".join(table(ours, theirs, excuses)))
    return verdict(ours, theirs, excuses)


def verdict(ours: Mapping[str, Outcomes], theirs: Mapping[str, Outcomes], excuses: Mapping[str, str]) -> int:
    """Name what fails without an excuse, and what has one that it does not need; 0 if there is none of the first."""
    bad = 0
    passed = []
    also = []
    for file, outcomes in ours.items():
        other = theirs[file].names("failed") if file in theirs else set()
        for name in sorted(outcomes.names("failed")):
            if name in excuses:
                continue
            if name in other:
                also.append(name)
                continue
            bad += 1
            reason = outcomes.of[name][1].strip().splitlines() or [""]
            print(f"FAILED {name}: {' '.join(reason)[-300:]}")
        passed += sorted(outcomes.names("passed") & set(excuses))
    if also:
        print(f"\n{len(also)} fail on Hyperopt here as well: {', '.join(also)}")
    if passed:
        print(f"\n{len(passed)} pass that are excused.")
    print(f"\n{bad} failures that are not excused." if bad else "\nNo failure that is not excused.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
