"""How parameters are spelled: in a word, in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from parzen import Space, hp
from parzen.errors import BadDistribution, DuplicateLabel, SpaceError
from parzen.programs import Program, read_space
from parzen.programs._command import command_of
from parzen.programs._grammar import looks_like_one, spelled
from parzen.programs._layout import Constant, Group, layout_of


def _space(*words: str) -> Space:
    return Space(Program(["true", *words]).space)


@pytest.mark.parametrize(
    ("word", "node"),
    [
        ("float(1e-5, 1e-1, log)", hp.float("p", 1e-5, 1e-1, log=True)),
        ("float(0, 1, step=0.25)", hp.float("p", 0, 1, step=0.25)),
        ("float(-1,1,prior=0.5)", hp.float("p", -1, 1, prior=0.5)),
        ("int(1, 8)", hp.int("p", 1, 8)),
        ("int(1, 1e3, log)", hp.int("p", 1, 1000, log=True)),
        ("cat(adam, sgd)", hp.categorical("p", ["adam", "sgd"])),
        ("""cat("a, b", 'c)', f(x, y), 1)""", hp.categorical("p", ["a, b", "c)", "f(x, y)", "1"])),
        ("cat('', \" \")", hp.categorical("p", ["", " "])),
        ("ord(16, 32, 64)", hp.ordinal("p", ["16", "32", "64"])),
        ("bool()", hp.bool("p")),
        ("normal(0, 2)", hp.normal("p", 0, 2)),
        ("lognormal(0, 2)", hp.lognormal("p", 0, 2)),
    ],
)
def test_a_word_is_the_parameter_that_it_says(word: str, node: Any) -> None:
    """As `parzen.hp` makes it."""
    for words in ((f"--p={word}",), ("--p", word), ("-p", word), (f"p:{word}",), (f"p={word}",), (f"+p={word}",)):
        assert _space(*words).differences(Space({"p": node})) == []


@pytest.mark.parametrize("word", ["float", "float(1", "x", "", "floaty(1, 2)", "print(1)", "--lr", "a float(0, 1)"])
def test_other_words_are_words(word: str) -> None:
    """They reach the program as they are."""
    assert spelled(word) is None


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("float(a, b)", "expected a number"),
        ("float(1_0, 20)", "expected a number"),
        ("float(0)", "takes low and high"),
        ("float(0, 1, 2)", "takes low and high"),
        ("float(0, 1, size=3)", "takes low and high"),
        ("float(1, 0)", "p"),
        ("int(0.5, 3)", "p"),
        ("normal(1)", "takes mu and sigma"),
        ("cat()", "p"),
        ("cat(a,,b)", "nothing between two commas"),
        ("cat('a)", "a quote is not closed"),
        ("cat((a)", "a bracket is not closed"),
        ("bool(1)", "takes nothing"),
    ],
)
def test_a_word_that_goes_wrong_says_where(word: str, said: str) -> None:
    """Before anything is run."""
    with pytest.raises(SpaceError, match=said):
        _space("--p", word)


MISSPELT = {
    "choice(adam, sgd)": r"spelled cat\(a, b, c\)",
    "uniform(0, 1)": r"spelled float\(low, high\)",
    "loguniform(1e-5,1)": r"spelled float\(low, high, log\)",
    "Float(0, 1)": r"spelled float\(…\)",
    "hp.quniform('x', 0, 1, 0.1)": r"spelled float\(low, high, step",
    "trial.suggest_int(1, 8)": r"spelled int\(…\)",
    "CategoricalDistribution([1, 2])": r"spelled cat\(a, b, c\)",
    "randint(8)": r"spelled int\(low, high\), bounds included",
    "x: uniform(0, 1)": r"spelled float\(low, high\)",
    " float(0,1": "bracket is not closed",
}


@pytest.mark.parametrize(("text", "said"), MISSPELT.items())
def test_what_looks_like_a_parameter_and_is_none_is_refused(text: str, said: str) -> None:
    """As an argument, behind an option and in a file, also where another parameter is there; a backslash is believed."""
    for words in (("--p", text), (f"--p={text}",), (text, "q:float(0, 1)")):
        with pytest.raises(BadDistribution, match=said) as refused:
            command_of(["train", *words])
        assert repr(text) in str(refused.value)
    with pytest.raises(BadDistribution, match=r"a\.p: .* (spelled|not closed)"):
        layout_of({"a": {"p": text}})
    with pytest.raises(SpaceError, match="a list is a constant"):
        layout_of({"a": [text]})

    command = command_of(["train", f"\\{text}", f"\\--p={text}", f"--p=\\{text}"])
    assert command.filled({}) == ["train", text, f"--p={text}", f"--p={text}"]
    assert layout_of({"p": f"\\{text}"}).items["p"] == Constant(text)
    assert layout_of({"p": [1, [f"\\{text}"], {"a": f"\\{text}"}]}).items["p"] == Constant([1, [text], {"a": text}])


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "f(x)",
        "int(x) + 1",
        "uniform",
        "uniform(0",
        "a choice(b)",
        "--x",
        "x=(1)",
        "Normal (slow)",
        "Flag (on",
    ],
)
def test_innocent_texts_are_constants(text: str) -> None:
    """Whatever has brackets and means no parameter anywhere."""
    command = command_of(["uniform(0, 1)", text, f"--p={text}"])

    assert command.filled({}) == ["uniform(0, 1)", text, f"--p={text}"]
    assert not text.startswith("int") or command.parameters == {}
    if not text.startswith("int"):  # in a file that may be what YAML left of a parameter with a comma
        assert layout_of({"p": text, "q": [text]}) == Group({"p": Constant(text), "q": Constant([text])})


@pytest.mark.parametrize("text", ["int(x) + 1", "float(0", "x:float(0, 1)", "lr:float(0"])
def test_a_backslash_makes_a_constant_of_whatever_a_file_would_refuse(text: str) -> None:
    """Also of what is no parameter to its end, and of one with a name."""
    assert layout_of({"p": f"\\{text}", "q": [f"\\{text}"]}) == Group({"p": Constant(text), "q": Constant([text])})


@pytest.mark.parametrize("data", [[{"int": 3}], [{"choice": 3}], [{"float": "wide", "why": None}], ["\\d+", "a\\b"]])
def test_plain_data_in_a_list_is_a_constant(data: list[Any]) -> None:
    """Only what would be read as a parameter where it stands alone is refused in a list; other backslashes are kept."""
    assert layout_of({"p": data}).items["p"] == Constant(data)


@pytest.mark.parametrize("text", ["f(" + " " * 40_000 + "x", "int(" + " )" * 20_000 + "x"])
def test_a_long_text_is_soon_looked_at(text: str) -> None:
    """Such as a program that is one argument: not in the square of its length, which took seconds."""
    began = time.perf_counter()

    assert not looks_like_one(text)
    assert time.perf_counter() - began < 1


YAML = """
lr: float(1e-5, 1e-1, log)
momentum: {float: [1e-5, 1e-1], log: true, label: m}
depth: {int: [1, 8], prior: 3}
size: {ord: [16, 32, 64]}
mixed: {cat: [1, null, "x", true, 0.5]}
epochs: 20
model:
  choice:
    svm:
      C: float(0.1, 10)
      kernel: {choice: {rbf: {gamma: "float(0.001, 1, log)"}, linear: }}
    tree: {leaves: 'int(2, 64)'}
data: {path: "a.csv", folds: "int(3, 10)"}
"""
SAME = {
    "toml": """
epochs = 20
lr = "float(1e-5, 1e-1, log)"
momentum = {float = [1e-5, 1e-1], log = true, label = "m"}
depth = {int = [1, 8], prior = 3}
size = {ord = [16, 32, 64]}
data = {path = "a.csv", folds = "int(3, 10)"}
[model.choice.svm]
C = "float(0.1, 10)"
kernel.choice = {rbf = {gamma = "float(0.001, 1, log)"}, linear = {}}
[model.choice.tree]
leaves = "int(2, 64)"
""",
    "json": """{"lr": "float(1e-5, 1e-1, log)", "opt": {"choice": ["adam", "sgd"]}}""",
}


def test_a_file_is_the_space_that_it_says(tmp_path: Path) -> None:
    """Groups, choices within choices, constants, options with their types."""
    (tmp_path / "s.yaml").write_text(YAML, encoding="utf-8")
    kernel = hp.choice(
        "kernel", [{"choice": "rbf", "gamma": hp.float("gamma", 0.001, 1, log=True)}, {"choice": "linear"}]
    )
    expected = {
        "lr": hp.float("lr", 1e-5, 1e-1, log=True),
        "momentum": hp.float("m", 1e-5, 1e-1, log=True),
        "depth": hp.int("depth", 1, 8, prior=3),
        "size": hp.ordinal("size", [16, 32, 64]),
        "mixed": hp.categorical("mixed", [1, None, "x", True, 0.5]),
        "epochs": 20,
        "model": hp.choice(
            "model",
            [
                {"choice": "svm", "C": hp.float("C", 0.1, 10), "kernel": kernel},
                {"choice": "tree", "leaves": hp.int("leaves", 2, 64)},
            ],
        ),
        "data": {"path": "a.csv", "folds": hp.int("folds", 3, 10)},
    }

    assert Space(read_space(tmp_path / "s.yaml")).differences(Space(expected)) == []


def test_toml_and_json_say_it_too(tmp_path: Path) -> None:
    """In their own words."""
    for kind, text in SAME.items():
        (tmp_path / f"s.{kind}").write_text(text, encoding="utf-8")
    toml, json_ = (Space(read_space(tmp_path / f"s.{kind}")) for kind in SAME)

    assert set(toml.labels) == {"lr", "m", "depth", "size", "folds", "model", "C", "kernel", "gamma", "leaves"}
    assert [json_.option(1, code) for code in (0, 1)] == ["'adam'", "'sgd'"]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("- a", SpaceError, "a space is a mapping"),
        ("1: float(0, 1)", SpaceError, "names are text"),
        ("a: float(0, 1)\na: int(1, 2)", SpaceError, "'a' stands there twice"),
        ("a: float(0, 1)\nb: a:float(0, 1)", DuplicateLabel, "'a' stands for two parameters"),
        ("x: {a: 'float(0, 1)'}\ny: {a: 'float(0, 1)'}", DuplicateLabel, "other_a"),
        ("a: {float: [0, high]}", BadDistribution, "a: expected a number"),
        ("a: {float: 3}", SpaceError, "a: expected float"),
        ("a: {float: [0, 1], wide: 3}", SpaceError, "wide"),
        ("n: ['int(1, 8)', 'int(1, 8)']", SpaceError, "n: a list is a constant.*'int"),
        ("n: [int(1, 8)]", SpaceError, "n: a list is a constant"),
        ("n: [[{cat: [1, 2]}]]", SpaceError, "n: a list is a constant"),
        ("m: {choice: 3}", SpaceError, "m: expected choice"),
        ("m: {choice: {a: 3}}", SpaceError, "m.a: a part of a choice"),
        ("m: {choice: {a: {choice: {b: {}}}}}", SpaceError, "m.a"),
        ("m: {a: int(1, 2)}", BadDistribution, "m.a: 'int.1' is not closed; put it in quotes"),
        ("a: [", SpaceError, "not YAML"),
        ("a: !!python/object/apply:os.system [echo]", SpaceError, "not YAML"),
    ],
)
def test_a_file_that_makes_no_sense_says_where(tmp_path: Path, text: str, error: type, said: str) -> None:
    """And nothing in it is ever run."""
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(error, match=said):
        read_space(tmp_path / "s.yaml")


def test_a_file_that_is_not_there_or_of_another_kind(tmp_path: Path) -> None:
    """Is named."""
    with pytest.raises(SpaceError, match=r"s\.yaml cannot be read"):
        read_space(tmp_path / "s.yaml")
    with pytest.raises(SpaceError, match=r"ends in \.yaml"):
        read_space(tmp_path / "s.ini")
