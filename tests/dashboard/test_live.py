"""News of a study, without a server: what happened meanwhile is told, whoever was away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from parzen import Study, hp
from parzen.dashboard import _live
from parzen.dashboard._library import Library, Watched

SPACE = {"x": hp.float("x", 0, 1)}


def brief_news(library: Library, uid: str, known: str = "0") -> dict[str, str]:
    """Kind -> id ("" where there is none) of the news, for a page that knows those of an id."""
    watched = library.get(uid)
    assert watched is not None
    entry, _, change = known.partition(".")

    async def ask() -> list[str]:
        news = _live.study_news(
            library, watched, int(entry), lambda: False, brief=True, seen=int(change) if change else -1
        )
        return [one async for one in news]

    told = {}
    for one in asyncio.run(ask()):
        fields = dict(line.partition(": ")[::2] for line in one.strip().split("\n"))
        if "event" in fields:
            told[fields["event"]] = fields.get("id", "")
    return told


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study with two trials, in a file that no library follows by itself."""
    monkeypatch.setattr(Library, "_follow", lambda self: None)
    study = Study(SPACE, storage=tmp_path / "s.db", seed=1)
    study.run(lambda config: config["x"], 2, progress=False)
    return study


def test_brief_news_tell_what_happened_while_the_server_was_down(study: Study, tmp_path: Path) -> None:
    """The new server may have counted as many changes as the one before it."""
    library = Library(tmp_path / "s.db")
    known = brief_news(library, study.header.uid)["change"]
    assert brief_news(library, study.header.uid, known) == {"well": ""}
    library.close()

    study.run(lambda config: config["x"], 4, progress=False)
    library = Library(tmp_path / "s.db")
    try:
        assert "change" in brief_news(library, study.header.uid, known)
    finally:
        library.close()


def test_news_do_not_break_where_the_file_is_replaced_meanwhile(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they began to tell is told to its end."""
    tell = _live._change

    def change(watched: Watched, *known: Any) -> dict[str, Any]:
        watched.forget()
        return tell(watched, *known)

    monkeypatch.setattr(_live, "_change", change)
    library = Library(tmp_path / "s.db")
    try:
        assert brief_news(library, study.header.uid).keys() == {"change", "well"}
    finally:
        library.close()
