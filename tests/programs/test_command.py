"""Arguments with places for values, and what must not be one."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from parzen import Space
from parzen.errors import SpaceError, UnknownLabel
from parzen.programs import Program
from parzen.programs._command import command_of, in_words

SPACE = {
    "lr": "float(0, 1)",
    "model": {"choice": {"svm": {"C": "float(0.1, 10)"}, "tree": {}}},
    "evil": {
        "cat": ["$(touch pwned)", "; touch pwned", "`touch pwned`", "| touch pwned", "a b", "&touch pwned&", "'\"\\\n"]
    },
    "tame": {"cat": ["adam", "sgd_2.5"]},
}


@pytest.mark.parametrize(
    ("words", "values", "filled"),
    [
        (["p", "--lr", "float(0, 1)"], {"lr": "0.5"}, ["p", "--lr", "0.5"]),
        (["p", "--lr=float(0, 1)", "-x"], {"lr": "0.5"}, ["p", "--lr=0.5", "-x"]),
        (["p", "{lr}:{tame}"], {"lr": "0.5", "tame": "a b"}, ["p", "0.5:a b"]),
        (["p", "{{lr}}", "{ a: 1 }", "{}", "{a b}"], {}, ["p", "{lr}", "{ a: 1 }", "{}", "{a b}"]),
        (["p", "--C", "{C}", "--lr", "{lr}"], {"lr": "1"}, ["p", "--lr", "1"]),
        (["p", "--C={C}", "{C}", "x{C}", "end"], {}, ["p", "end"]),
        (["p", "--flag", "--lr", "{lr}"], {"lr": "1"}, ["p", "--flag", "--lr", "1"]),
        (["p", "\\float(0, 1)", "x:float(0, 1)"], {"x": "1"}, ["p", "float(0, 1)", "1"]),
    ],
)
def test_values_take_their_places(words: list[str], values: dict[str, str], filled: list[str]) -> None:
    """One argument stays one; what is inactive goes with its option."""
    assert command_of(words).filled(values) == filled


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-300, "1e-300"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ("a b", "a b"),
        ([1, "x"], '[1, "x"]'),
    ],
)
def test_values_as_words(value: Any, text: str) -> None:
    """Numbers are read back exactly, text is as it is."""
    assert in_words(value) == text


def test_nothing_of_a_value_is_read_by_a_shell(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option with a meaning for shells arrives as one argument, letter for letter."""
    monkeypatch.chdir(tmp_path)
    program = Program(["printf", "%s\\0", "--evil={evil}", "{evil}"], SPACE)
    options = SPACE["evil"]["cat"]  # type: ignore[call-overload, index]  # a nested literal
    for option in options:
        words = program._plan.command.filled({"evil": option})
        said = subprocess.run(words, capture_output=True, check=True).stdout.decode()

        assert said.split("\0")[:-1] == [f"--evil={option}", option]
    assert list(tmp_path.iterdir()) == []


REFUSED = [
    ["sh", "-c", "train {lr}"],
    ["/bin/bash", "-lc", "train {tame}"],
    ["bash", "-o", "pipefail", "-ec", "train {tame}"],
    ["bash", "--norc", "-c", "train {tame}"],
    ["nice", "-n", "5", "env", "A=1", "sh", "-c", "train {lr}"],
    ["docker", "exec", "box", "sh", "-c", "train {lr}"],
    ["sh", "-c{lr}"],
    ["python3", "-c", "f({lr})"],
    ["python3.11", "-W", "error", "-c", "f({lr})"],
    ["perl", "-ne", "f({lr})"],
    ["node", "--eval={lr}"],
    ["ruby", "-e", "a", "-e", "{lr}"],
    ["awk", "-v", "x=1", "{lr}"],
    ["cmd.exe", "/c", "train", "{lr}"],
    ["pwsh", "-Command", "train", "{lr}"],
    ["env", "-S", "train {lr}"],
    ["ssh", "host", "train", "{evil}"],
    ["make", "-f", "Makefile", "X={evil}"],
    ["nice", "gmake", "X={evil}"],
    ["npm", "run", "train", "--", "{evil}"],
    ["bsub", "train", "{evil}"],
    ["su", "-", "me", "-c", "train {evil}"],
    ["train.bat", "{evil}"],
    ["sbatch", "--wrap=train {evil}"],
    ["tmux", "new", "train {evil}"],
    ["{tame}", "x"],
    ["sh", "{dashed}", "{tame}"],
    ["sh", "-e", "{plus}"],
    ["sh", "-x{tame}", "{evil}"],
    ["python3", "{dashed}"],
    ["perl", "-w", "{dashed}"],
    ["awk", "-F", ":", "{dashed}"],
    ["bash", "-c", "--", "{evil}"],
    ["bash", "-c", "-e", "{evil}"],
    ["sh", "{tame}", "-c", "{evil}"],  # the first one is left out where it is inactive
    ["bash", "-c", "-o", "pipefail", "{evil}"],
    ["bash", "--rcfile", "{evil}"],
    ["bash", "--init-file={evil}"],
    ["awk", "--", "{evil}"],
    ["/usr/bin/env", "-S", "sh -c", "{evil}"],
    ["/usr/bin/env", "-Ssh -c", "{evil}"],
    ["env", "-u", "A", "--split-string=nice sh", "-c", "{evil}"],
    ["git", "-c", "{evil}", "foo"],
    ["git", "--config-env={evil}", "foo"],
    ["tar", "xf", "a.tar", "{dashed}"],
    ["tar", "xf", "a.tar", "--to-command={evil}"],
    ["nice", "--", "tar", "xf", "a.tar", "{dashed}"],
    ["./train", "{dashed}"],
    ["vim", "-c", "{evil}"],
    ["vim", "{plus}"],
    ["ex", "+{evil}"],
    ["gdb", "-ex", "{evil}"],
    ["gdb", "-x", "{evil}"],
    ["psql", "-Atc", "{evil}"],
    ["sqlite3", "a.db", "{evil}"],
    ["mysql", "-e{evil}"],
    ["rsync", "-ave", "{evil}", "a", "b"],
    ["find", ".", "-exec", "{evil}", ";"],
    ["erl", "-eval", "{evil}"],
    ["ipython3", "-c", "f({evil})"],
    ["ipython", "-m", "timeit", "{evil}"],
    ["matlab", "-nosplash", "-batch", "train({lr})"],
    ["gnuplot", "-e", "x={evil}", "plot.gp"],
    ["osascript", "-e", "{evil}"],
    ["hyperfine", "train {evil}"],
    ["wolframscript", "-code", "{evil}"],
    ["sbcl", "--script", "a.lisp", "--eval", "{evil}"],
    ["groovy", "-e", "{evil}"],
    ["mongosh", "--eval={evil}"],
    ["python3", "-m", "timeit", "{evil}"],
    *(
        [word, "{tame}", "x"]
        for word in ("nice", "env", "nohup", "sudo", "time", "setsid", "stdbuf", "ionice", "xargs")
    ),
    *([word, "1", "{tame}"] for word in ("timeout", "taskset", "chrt")),
    ["nice", "-n", "5", "timeout", "9", "{tame}"],
]
TAKEN = [
    ["sh", "-c", 'train "$1"', "sh", "{evil}"],
    ["bash", "train.sh", "-c", "{evil}"],
    ["python3", "train.py", "-c", "{evil}", "-e{evil}"],
    ["python3", "-m", "train", "--lr", "{lr}"],
    ["ssh", "host", "train", "{tame}", "{lr}"],
    ["env", "LR={lr}", "train"],
    ["awk", "-f", "x.awk", "{evil}"],
    ["./train", "--eval", "{evil}"],
    ["./train", "--", "{dashed}"],
    ["./train", "--name={dashed}", "x{dashed}", "{plus}"],
    ["./train", "--low", "{negative}"],
    ["sh", "-c", 'train -- "$1"', "sh", "{dashed}"],
    ["bash", "-e", "train.sh", "{plus}"],
    ["python3", "-mtrain", "-c", "{evil}"],
    ["python3", "{tame}", "{evil}"],
    ["timeout", "{lr}", "./train", "{evil}"],
    ["nice", "-n", "{lr}", "./train", "--time", "{tame}"],
    ["./train", "--by", "time", "{tame}"],
    ["find", ".", "-exec", "echo", "{evil}", ";"],
    ["git", "commit", "-m", "{evil}"],
    ["rsync", "-av", "{tame}", "b"],
    ["sqlite3", "{tame}", "vacuum"],
]
OPTIONS = {
    "lr": (),
    "tame": ("adam", "sgd_2.5"),
    "evil": tuple(SPACE["evil"]["cat"]),  # type: ignore[call-overload, index]  # a nested literal
    "dashed": ("--checkpoint-action=exec=touch pwned", "-c"),
    "plus": ("+c", "b"),
    "negative": (-1, -0.5, "-1e-3", "-"),
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_place_where_a_value_would_be_read_is_refused(words: list[str]) -> None:
    """Before anything is run, with what to write instead."""
    command = command_of(words)
    with pytest.raises(SpaceError, match=r"reads as a program|means something|cannot depend|as an option"):
        command.check(OPTIONS)


@pytest.mark.parametrize("words", TAKEN, ids=" ".join)
def test_a_place_where_it_is_passed_is_taken(words: list[str]) -> None:
    """Also where an option of the program looks like one of a shell."""
    command_of(words).check(OPTIONS)


def test_a_link_to_a_shell_is_a_shell(tmp_path: Any) -> None:
    """A name of one's own does not hide who reads the value."""
    link = tmp_path / "lnsh"
    link.symlink_to(shutil.which("sh") or "/bin/sh")
    with pytest.raises(
        SpaceError, match="text that sh reads as a program"
    ):  # by the name that was given, where it says so
        command_of(["sh", "-c", "{evil}"]).check(OPTIONS)
    with pytest.raises(SpaceError, match="reads as a program"):
        command_of([str(link), "-c", "{evil}"]).check(OPTIONS)


@pytest.mark.parametrize(
    ("words", "space", "error", "said"),
    [
        ([], None, SpaceError, "no program to run"),
        (["true", "float(0, 1)"], None, SpaceError, "which parameter is 'float"),
        (["true", "--a", "float(0, 1)", "--a", "int(1, 2)"], None, SpaceError, "two parameters are called 'a'"),
        (["true"], None, SpaceError, "nothing to search"),
        (["true", "{l}"], {"lr": "float(0, 1)"}, UnknownLabel, "no parameter 'l'"),
        (["true", "--lr", "float(0, 1)"], {"lr": "float(0, 1)"}, SpaceError, "in the command and in the file"),
        (["true", "--seed", "int(0, 1)"], None, SpaceError, "cannot be called 'seed'"),
        (["true", "--a", "cat(x\0y, z)"], None, SpaceError, "no argument can hold"),
        (["true"], {"a": {"cat": ["\ud800", "b"]}}, SpaceError, "no argument can hold"),
    ],
)
def test_a_command_that_makes_no_sense_says_why(words: list[str], space: Any, error: type, said: str) -> None:
    """Nothing is run."""
    with pytest.raises(error, match=said):
        Program(words, space)


def test_a_command_and_a_file_are_one_space() -> None:
    """The arguments' parameters come after the file's."""
    program = Program(["true", "--depth", "int(1, 3)", "{lr}"], SPACE)

    assert Space(program.space).labels == ("lr", "model", "C", "evil", "tame", "depth")
