"""Printing beside a bar of tqdm."""

from __future__ import annotations

import copy
import io
import sys

import pytest

from parzen.hyperopt.std_out_err_redirect_tqdm import DummyTqdmFile, std_out_err_redirect_tqdm

pytest.importorskip("tqdm")


def test_the_streams_are_back_whatever_happens() -> None:
    """What is given is the stdout from before."""
    before = sys.stdout, sys.stderr
    with pytest.raises(KeyboardInterrupt), std_out_err_redirect_tqdm() as given:
        assert given is before[0]
        assert (sys.stdout, sys.stderr) != before
        raise KeyboardInterrupt

    assert (sys.stdout, sys.stderr) == before


def test_a_line_is_shown_when_it_is_whole() -> None:
    """The beginning of a line waits, and nothing is lost or doubled."""
    behind = io.StringIO()
    file = DummyTqdmFile(behind)
    print("a", end=" ", file=file)
    held = behind.getvalue()
    print("b\n\nc", file=file)
    print("rest", end="", file=file)
    file.flush()

    assert held == ""
    assert behind.getvalue() == "a b\n\nc\nrest\n"


def test_it_is_a_file_in_all_that_programs_ask() -> None:
    """Encoding, being a terminal, a copy."""
    behind = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    file = DummyTqdmFile(behind)

    assert file.encoding == "utf-8"
    assert not file.isatty()
    assert copy.copy(file).file is behind
    with pytest.raises(AttributeError):
        file.nonsense  # noqa: B018  # the access is what is looked at
