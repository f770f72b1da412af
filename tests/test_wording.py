"""Numbers and times in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parzen._wording import bound, clock_time, counted, encodable, joined, middle, number, plain, span, told_apart


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0123456, "0.01235"),
        (0.1, "0.1"),
        (1.0, "1"),
        (12345.678, "12346"),
        (1e-5, "1e-5"),
        (1.23456e-7, "1.235e-7"),
        (2.5e8, "2.5e8"),
        (-0.5, "-0.5"),
        (0.0, "0"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (123456789, "123456789"),
        (10**20, "1.000e+20"),
    ],
)
def test_numbers_are_short(x: float, text: str) -> None:
    """Four significant digits, no padding."""
    assert number(x) == text


@given(st.floats(-1e300, 1e300))
def test_a_short_number_is_near_the_number(x: float) -> None:
    """It is within the last of its digits."""
    assert math.isclose(float(number(x)), x, rel_tol=6e-4, abs_tol=1e-320)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_a_bound_lies_between_what_is_within_and_what_is_not(x: float, beyond: float) -> None:
    """On the side of what is not; the very number where the two are one."""
    told = float(bound(x, beyond))

    assert min(x, beyond) <= told <= max(x, beyond)
    assert told == x or told != beyond
    assert float(bound(x, math.inf)) >= x >= float(bound(x, -math.inf))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0:00"), (7.9, "0:07"), (754, "12:34"), (3723, "1:02:03"), (2 * 86400 + 3 * 3600 + 240, "2d 03:04")],
)
def test_times_read_like_a_clock(seconds: float, text: str) -> None:
    """Days only where there are any."""
    assert clock_time(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.00031, "0.31 ms"), (1.94, "1.9 s"), (42.4, "42 s"), (754, "12:34")])
def test_durations_have_a_unit(seconds: float, text: str) -> None:
    """Milliseconds to hours."""
    assert span(seconds) == text


@pytest.mark.parametrize(("n", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials")])
def test_one_is_one(n: int, text: str) -> None:
    """And nothing else is."""
    assert counted(n, "trial") == text


def test_texts_that_begin_and_end_alike_are_cut_to_where_they_differ() -> None:
    """So that nobody takes one for another."""
    texts = [f"{'long ' * 20}{k} {'way ' * 20}" for k in "ab"]

    assert told_apart(texts, 14) == ["…ong a wa…way ", "…ong b wa…way "]
    assert told_apart(["one", "two"], 14) == ["one", "two"]


def test_a_path_is_cut_in_its_middle() -> None:
    """Beginning and end say which it is."""
    assert middle("/data/images/2026/model-b.bin", 20) == "/data/images/…-b.bin"
    assert middle("short", 20) == "short"
    assert middle("a\nb", 20) == "a\\nb"


@given(st.text())
def test_whatever_is_shown_is_printable_and_on_one_line(text: str) -> None:
    """Control characters, newlines, surrogates and bidirectional marks are spelled out."""
    shown = plain(text, 60)

    assert shown.isprintable()
    assert len(shown) <= 600


@given(st.text(), st.sampled_from(["ascii", "utf-8", "cp1252", "utf-16", "no such", None]))
def test_whatever_is_written_can_be_encoded(text: str, encoding: str | None) -> None:
    """In the stream's encoding, or in ASCII where nobody knows it."""
    shown = encodable(text, encoding)

    assert shown.encode("ascii" if encoding == "no such" else encoding or "utf-8") is not None


def test_settings_are_cut_between_settings() -> None:
    """And say how many are left out."""
    assert joined((("a", 1), ("b", 2.5), ("c", "x")), limit=8) == "a=1 … and 2 more"
