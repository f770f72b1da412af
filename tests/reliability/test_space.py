"""Spaces that make no sense are refused before anything is evaluated; those that make sense work, however odd."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parzen
from parzen import SpaceError, State, Study, hp

NAN, INF = math.nan, math.inf


def _deep(levels: int) -> Any:
    node: Any = 0
    for i in range(levels):
        node = hp.choice(f"c{i}", [node, 1])
    return node


def _cycle() -> Any:
    data: list[Any] = [hp.uniform("x", 0, 1)]
    data.append(data)
    return data


# What it is -> (makes it, the label that the error names, a word of the fault).
NONSENSE: dict[str, tuple[Callable[[], Any], str, str]] = {
    "quniform q = 0": (lambda: hp.quniform("x", 0, 1, 0), "x", "q"),
    "quniform q < 0": (lambda: hp.quniform("x", 0, 1, -0.5), "x", "q"),
    "quniform q NaN": (lambda: hp.quniform("x", 0, 1, NAN), "x", "q"),
    "quniform q infinite": (lambda: hp.quniform("x", 0, 1, INF), "x", "q"),
    "qnormal q = 0": (lambda: hp.qnormal("x", 0, 1, 0), "x", "q"),
    "qlognormal q < 0": (lambda: hp.qlognormal("x", 0, 1, -1), "x", "q"),
    "qloguniform q NaN": (lambda: hp.qloguniform("x", 0, 1, NAN), "x", "q"),
    "uniform low > high": (lambda: hp.uniform("x", 1, 0), "x", "low"),
    "uniform low = high": (lambda: hp.uniform("x", 1, 1), "x", "low"),
    "uniform NaN": (lambda: hp.uniform("x", NAN, 1), "x", "nan"),
    "uniform infinite": (lambda: hp.uniform("x", 0, INF), "x", "inf"),
    "loguniform low > high": (lambda: hp.loguniform("x", 1, 0), "x", "low"),
    "normal sigma = 0": (lambda: hp.normal("x", 0, 0), "x", "sigma"),
    "normal sigma < 0": (lambda: hp.normal("x", 0, -1), "x", "sigma"),
    "lognormal sigma NaN": (lambda: hp.lognormal("x", 0, NAN), "x", "nan"),
    "randint of none": (lambda: hp.randint("x", 0), "x", ""),
    "randint backwards": (lambda: hp.randint("x", 5, 3), "x", ""),
    "randint fractional": (lambda: hp.randint("x", 0, 2.5), "x", "whole"),
    "uniformint backwards": (lambda: hp.uniformint("x", 3, 1), "x", "low"),
    "float low > high": (lambda: hp.float("x", 1, 0), "x", "low"),
    "float low = high": (lambda: hp.float("x", 1, 1), "x", "low"),
    "float NaN": (lambda: hp.float("x", 0, NAN), "x", "nan"),
    "float of text": (lambda: hp.float("x", "0", "1"), "x", "number"),
    "float log of 0": (lambda: hp.float("x", 0, 1, log=True), "x", "log"),
    "float log of a negative": (lambda: hp.float("x", -1, 1, log=True), "x", "log"),
    "float step 0": (lambda: hp.float("x", 0, 1, step=0), "x", "step"),
    "float step < 0": (lambda: hp.float("x", 0, 1, step=-0.1), "x", "step"),
    "float step NaN": (lambda: hp.float("x", 0, 1, step=NAN), "x", "step"),
    "float step > range": (lambda: hp.float("x", 0, 1, step=2), "x", "step"),
    "integer bounds fractional": (lambda: hp.int("x", 0.5, 2.5), "x", "whole"),
    "integer low > high": (lambda: hp.int("x", 3, 1), "x", "low"),
    "integer step 0": (lambda: hp.int("x", 0, 3, step=0), "x", "step"),
    "integer log of 0": (lambda: hp.int("x", 0, 3, log=True), "x", "log"),
    "choice of nothing": (lambda: hp.choice("x", []), "x", "option"),
    "choice options is a number": (lambda: hp.choice("x", 3), "x", "list"),
    "choice options is text": (lambda: hp.choice("x", "abc"), "x", "list"),
    "categorical of nothing": (lambda: hp.categorical("x", []), "x", "option"),
    "ordinal of nothing": (lambda: hp.ordinal("x", []), "x", "option"),
    "pchoice weights sum to 0.5": (lambda: hp.pchoice("x", [(0.25, 1), (0.25, 2)]), "x", "probabilit"),
    "pchoice all weights zero": (lambda: hp.pchoice("x", [(0.0, 1), (0.0, 2)]), "x", "probabilit"),
    "pchoice weight negative": (lambda: hp.pchoice("x", [(1.5, 1), (-0.5, 2)]), "x", "probabilit"),
    "pchoice weight NaN": (lambda: hp.pchoice("x", [(NAN, 1), (0.5, 2)]), "x", "probabilit"),
    "pchoice without pairs": (lambda: hp.pchoice("x", [1, 2]), "x", "pairs"),
    "same label, two different ranges": (lambda: [hp.uniform("x", 0, 1), hp.uniform("x", 0, 2)], "x", "two different"),
    "same label, two kinds": (lambda: [hp.uniform("x", 0, 1), hp.choice("x", [1, 2])], "x", "two different"),
    "label is a number": (lambda: hp.uniform(3, 0, 1), "3", "text"),  # type: ignore[arg-type]
    "label is None": (lambda: hp.choice(None, [1, 2]), "None", "text"),  # type: ignore[arg-type]
    "label is bytes": (lambda: hp.float(b"\xff", 0, 1), "xff", "text"),  # type: ignore[arg-type]
    "space is None": (lambda: None, "", "None"),
    "choices nested 300 deep": (lambda: _deep(300), "", "deep"),
    "a cycle": (_cycle, "", "itself"),
}


@pytest.mark.parametrize("door", ["minimize", "fmin", "Study"])
@pytest.mark.parametrize("kind", NONSENSE)
def test_a_space_that_makes_no_sense_is_refused_before_the_first_evaluation(
    kind: str, door: str, tmp_path: Path
) -> None:
    """`SpaceError`, also a `ValueError`, names the label and the fault; no file is made."""
    make, label, fault = NONSENSE[kind]
    calls: list[object] = []

    def search() -> None:
        space = make()
        if door == "minimize":
            parzen.minimize(calls.append, space, 3, storage=tmp_path / "study.db", progress=False)
        elif door == "fmin":
            parzen.fmin(calls.append, space, parzen.tpe.suggest, 3, storage=tmp_path / "study.db", verbose=False)
        else:
            Study(space, storage=tmp_path / "study.db")

    with pytest.raises(SpaceError) as caught:
        search()
    text = str(caught.value)

    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, TypeError) == kind.startswith("label is")
    assert label in text
    assert fault.lower() in text.lower()
    assert calls == []
    assert list(tmp_path.iterdir()) == []


def _nested(levels: int) -> Any:
    data: Any = hp.float("x", 0, 1)
    for _ in range(levels):
        data = [data]
    return data


class Thing:
    """An option of a class of the user's."""


WORKS: dict[str, Callable[[], Any]] = {
    "option is numpy scalar": lambda: hp.choice("x", [np.int64(3), np.float32(0.5), np.bool_(True)]),
    "option is an array": lambda: hp.choice("x", [np.arange(3), np.eye(2)]),
    "option is NaN": lambda: hp.choice("x", [NAN, INF, None]),
    "option is a function": lambda: hp.categorical("x", [math.sin, len, Thing]),
    "option is an object": lambda: hp.categorical("x", [hp.option("a", Thing()), hp.option("b", Thing())]),
    "option is Decimal": lambda: hp.categorical("x", [Decimal("0.1"), 1 + 2j, b"bytes", ...]),
    "options are unhashable and equal": lambda: hp.categorical("x", [[1], [1], {"a": []}]),
    "nested lists 5 000 deep": lambda: _nested(5000),
    "integer range 0 .. 0": lambda: hp.int("x", 0, 0),
    "randint over one value": lambda: hp.randint("x", 1),
    "a choice of one": lambda: {"x": hp.choice("x", ["only"]), "y": hp.float("y", 0, 1)},
    "empty space {}": dict,
    "empty space []": list,
    "a constant": lambda: {"x": 3},
    "10 000 parameters": lambda: {str(i): hp.float(str(i), 0, 1) for i in range(10_000)},
    "a 10 000-option choice": lambda: {"x": hp.choice("x", range(10_000)), "y": hp.int("y", 0, 10**12)},
    "tiny and huge bounds": lambda: [hp.float("a", 1e-300, 1e300, log=True), hp.float("b", -1e308, 1e308)],
    "integers beyond float": lambda: hp.int("x", 2**53 - 10, 2**53),
    "same node twice": lambda: [x := hp.float("x", 0, 1), x],
    "bounds that depend": lambda: [a := hp.uniform("a", 1, 2), hp.uniform("b", 0, a)],
}


KINDS = [pytest.param(kind, marks=pytest.mark.slow) if kind == "10 000 parameters" else kind for kind in WORKS]


@pytest.mark.parametrize("algorithm", ["random", None])
@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_space_that_makes_sense_works_in_a_file(kind: str, algorithm: str | None, tmp_path: Path) -> None:
    """Three trials, then a resume to five."""
    path = tmp_path / "study.db"
    space = WORKS[kind]()
    for total in (3, 5):
        result = parzen.minimize(
            lambda config: 1.0, space, total, algorithm=algorithm, noisy=True, storage=path, seed=1, progress=False
        )

    assert [trial.state for trial in result.trials] == [State.OK] * 5
    assert result.stopped_by == "trials"


@pytest.mark.parametrize("kind", KINDS)
def test_an_odd_space_that_makes_sense_works_in_the_old_door(kind: str) -> None:
    """Exactly three evaluations, and an answer; feedback shows it without falling over."""
    calls: list[object] = []

    def objective(config: object) -> float:
        calls.append(config)
        return float(len(calls))

    best = parzen.fmin(objective, WORKS[kind](), parzen.tpe.suggest, 3, rstate=1)

    assert len(calls) == 3
    assert best.loss == 1.0
