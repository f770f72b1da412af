"""The programs in examples/ run as they stand, as programs."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

RATES, STARTS = (1.0, 0.1, 0.01), (10.0, 1.0)
# Runs a program and counts how often it drew a start: once an evaluation.
COUNTING = (
    "import random, runpy, sys\n"
    "count, uniform = 0, random.uniform\n"
    "def counted(*bounds):\n"
    "    global count\n"
    "    count += 1\n"
    "    return uniform(*bounds)\n"
    "random.uniform = counted\n"
    "runpy.run_path(sys.argv[1], run_name='__main__')\n"
    "print('evaluations:', count, file=sys.stderr)\n"
)


@pytest.mark.slow
def test_the_first_program_finds_the_lowest_point(run_python: Run, root: Path) -> None:
    """The program of the README ends near x = 2 without a penalty."""
    done = run_python(root / "examples" / "first.py")

    assert done.returncode == 0, done.stderr
    config, loss = done.stdout.rsplit(" ", 1)
    assert float(loss) < 1.0
    assert ast.literal_eval(config)["penalty"] == 0


@pytest.mark.parametrize("program", ["gradient_descent.py", "gradient_descent_globals.py"])
def test_a_program_for_hyperopt_needs_another_import_and_nothing_else(root: Path, program: str) -> None:
    """The two programs name parzen once, in the import."""
    text = (root / "examples" / program).read_text(encoding="utf-8")

    assert text.count("parzen") == 1
    assert "\nimport parzen as hyperopt\n" in text


def test_gradient_descent_prints_a_plain_dict_after_ten_evaluations(run_python: Run, root: Path) -> None:
    """Program (a): stdout is the answer and nothing else, in plain Python numbers."""
    done = run_python("-c", COUNTING, root / "examples" / "gradient_descent.py")

    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    answer = ast.literal_eval(line)
    assert line == repr(answer)
    assert sorted(answer) == ["learning_rate", "max_init_x"]
    assert answer["learning_rate"] in range(3)
    assert answer["max_init_x"] in range(2)
    assert all(type(index) is int for index in answer.values())
    assert "evaluations: 10" in done.stderr.splitlines()


def test_gradient_descent_with_globals_prints_what_its_objective_prints(run_python: Run, root: Path) -> None:
    """Program (b): in a pipe, stdout is byte for byte what the program itself prints; ours is on stderr."""
    done = run_python(root / "examples" / "gradient_descent_globals.py")

    assert done.returncode == 0, done.stderr
    *evaluations, last = done.stdout.splitlines()
    seen = [line.split(" ", 2) for line in evaluations]
    configurations = [ast.literal_eval(config) for _, _, config in seen]
    losses = [float(loss) for _, loss, _ in seen]
    assert [int(number) for number, _, _ in seen] == list(range(1, 11))
    assert set(configurations) == {(rate, start) for rate in RATES for start in STARTS}
    assert last == f"{min(losses)!r} {configurations[losses.index(min(losses))]!r}"
    assert "\r" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "10 ok" in done.stderr


@pytest.mark.slow
def test_the_wine_search_is_kept_and_goes_on(run_python: Run, root: Path, tmp_path: Path) -> None:
    """The README's search finds a good model, keeps the study, and goes on where it was."""
    first = run_python(root / "examples" / "wine.py", "4", options=())
    second = run_python(root / "examples" / "wine.py", "7", options=())
    shown = run_python("-c", "from parzen.cli import main; main()", "show", "wine.db", "--json")

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert "wrong in cross-validation: " in second.stdout
    trials = json.loads(shown.stdout)["trials"]
    assert [trial["state"] for trial in trials] == ["OK"] * 7
    assert {trial["config"]["kind"] for trial in trials} <= {"svm", "forest", "knn"}
    assert all(set(trial["config"]) - {"kind"} == set(trial["params"]) - {"model"} for trial in trials)
    assert (tmp_path / "wine.db").exists()


@pytest.mark.slow
def test_the_pruned_search_trains_less(run_python: Run, root: Path) -> None:
    """Of ten trainings some are ended early, and the best is a good one."""
    done = run_python(root / "examples" / "pruning.py", "10", options=())

    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert int(words[0]) < 0.8 * int(words[4].rstrip(";"))
    assert float(words[7].rstrip("%,")) < 15.0
    assert " pruned" in done.stderr
