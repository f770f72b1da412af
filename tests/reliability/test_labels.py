"""Labels are any text: each comes back as it was, from memory, from a file, and through both doors."""

from __future__ import annotations

from pathlib import Path

import pytest

import parzen
from parzen import Study, hp

LABELS = {
    "one letter": "x",
    "with a space": "learning rate",
    "only a space": " ",
    "a digit": "0",
    "dotted": "model.layers.0",
    "with a slash": "a/b\\c",
    "with quotes": 'it\'s "quoted"',
    "with a newline": "two\nlines\ttab",
    "with a NUL": "nul\x00inside",
    "accented": "größe",
    "not normalised": "e\u0301 \u00e9",
    "Chinese": "学习率",
    "an emoji": "🔥 rate",
    "right to left": "קצב \u202e",
    "a lone surrogate": "bad \ud800",
    "very long": "long " * 2000,
    "an SQL injection": "x'); DROP TABLE parzen_study; --",
    "a format": "{x} %s %(x)s",
    "markup": "<b>[red]x[/red]</b>",
    "a dunder": "__class__",
    "the word loss": "loss",
    "the word status": "status",
    "the word number": "number",
    "a keyword": "lambda",
}


@pytest.mark.parametrize("kind", LABELS)
def test_a_label_comes_back_as_it_was(kind: str, tmp_path: Path) -> None:
    """In params, from the file, in the frame, enqueued, shown, and after a resume."""
    label = LABELS[kind]
    space = {"a": hp.float(label, 0, 1), "b": hp.categorical(label + "2", ["p", "q"])}

    def objective(config: dict[str, float]) -> float:
        return config["a"]

    first = parzen.minimize(
        objective, space, 3, storage=tmp_path / "s.db", enqueue=[{label: 0.25, label + "2": "q"}], progress=False
    )
    loaded = Study.load(tmp_path / "s.db")
    again = parzen.minimize(objective, space, 5, storage=tmp_path / "s.db", progress="lines")

    assert first.trials[0].params == {label: 0.25, label + "2": "q"}
    assert [trial.params for trial in loaded.trials] == [trial.params for trial in first.trials]
    assert len(again.trials) == 5
    # Arrow has no lone surrogates, and pandas may keep its text in it.
    assert f"param_{label}".encode("utf-8", "backslashreplace").decode() in again.to_pandas().columns
    assert repr(again)
    again._repr_html_().encode("utf-8")


@pytest.mark.parametrize("kind", LABELS)
def test_a_label_comes_back_in_the_old_door(kind: str, tmp_path: Path) -> None:
    """In the answer, in the documents, and from a save file."""
    label, path = LABELS[kind], tmp_path / "trials.pkl"
    for total in (3, 5):
        best = parzen.fmin(
            lambda a: a, hp.uniform(label, 0, 1), parzen.rand.suggest, total, trials_save_file=path, verbose=False
        )

    assert list(best) == [label]
    assert best.trials.argmin == best
    assert len(best.trials.vals[label]) == 5
