"""Which feedback `progress=` gets."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest

from parzen.feedback import Bar, BarPanel, Feedback, Lines, Live, Notebook, Silent, feedback_for


class _Own:
    def start(self, run: Any, history: Any) -> None: ...

    def __call__(self, entries: Any, history: Any) -> None: ...

    def finish(self, history: Any, stopped_by: str, error: BaseException | None = None) -> None: ...


@pytest.mark.parametrize(
    ("progress", "kind"),
    [
        (True, Lines),
        (False, Silent),
        ("off", Silent),
        ("lines", Lines),
        ("live", Live),
        ("notebook", Notebook),
        ("bar", Bar),
    ],
)
def test_a_name_gives_its_feedback(progress: bool | str, kind: type) -> None:
    """On a stream that is no terminal, True means lines."""
    assert type(feedback_for(progress, stream=io.StringIO(), notebook=False)) is kind


def test_a_notebook_gets_the_panel() -> None:
    """Whatever stderr is."""
    assert type(feedback_for(True, notebook=True)) is Notebook
    assert type(feedback_for("bar", notebook=True)) is BarPanel


def test_an_object_of_ones_own_is_taken_as_it_is() -> None:
    """Anything with the three methods."""
    own = _Own()

    assert feedback_for(own) is own
    assert isinstance(own, Feedback)


@pytest.mark.parametrize("progress", ["bars", "", "True"])
def test_an_unknown_name_is_told_the_known_ones(progress: str) -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match="'live', 'lines', 'notebook', 'bar', 'off'"):
        feedback_for(progress)


@pytest.mark.parametrize("progress", [None, 3, _Own, object()])
def test_what_is_no_feedback_is_a_type_error(progress: Any) -> None:
    """A class is not an object of it."""
    with pytest.raises(TypeError, match="progress is"):
        feedback_for(progress)


def test_a_program_without_stderr_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under pythonw."""
    monkeypatch.setattr("sys.stderr", None)

    assert type(feedback_for(True, notebook=False)) is Silent


def test_drawing_libraries_load_only_where_they_draw() -> None:
    """Lines and silence import neither rich nor IPython."""
    code = (
        "import io, sys; from parzen.feedback import feedback_for\n"
        "feedback_for('lines', stream=io.StringIO()); feedback_for(False); feedback_for(True)\n"
        "print(sorted({'rich', 'IPython'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"
