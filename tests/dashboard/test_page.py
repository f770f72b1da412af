"""What the server tells of studies, live, and what may be done to them from the page."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from parzen import Study, hp
from parzen.dashboard import serve
from parzen.errors import Unavailable
from parzen.plots import NAMES
from parzen.run import attachment_key
from parzen.trials import State
from tests.dashboard.conftest import SPACE, Visitor, objective, visitors

NASTY = "<img src=x onerror=alert(1)>"


def until(holds: Callable[[], Any], seconds: float = 10.0) -> Any:
    """What it gives once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to be in time")


def events(
    visitor: Visitor, after: int = 0, brief: str | None = None, **headers: str
) -> Iterator[tuple[str, Any, str | None]]:
    """Kind, data and id of each event, as a browser reads them."""
    params = {"after": str(after), **({} if brief is None else {"brief": brief})}
    with visitor.client.stream("GET", f"/api/studies/{visitor.uid}/news", params=params, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind, data, number = "", None, None
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = json.loads(value)
            elif name == "id":
                number = value
            elif not line and kind:
                yield kind, data, number
                kind, data, number = "", None, None


# --- looking ---


def test_the_list_says_how_each_study_is(seen: Visitor) -> None:
    """How far, how good, how many failed."""
    told = until(lambda: (t := seen.client.get("/api/studies").json()) and t["studies"][0]["read"] and t)
    (study,) = told["studies"]

    assert (study["name"], study["done"], study["mood"]) == ("first", 30, "done")
    assert study["counts"]["ERROR"] > 0
    assert told["readonly"]


def test_a_study_says_whether_it_was_stopped_or_is_done(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """One that was stopped is not idle: somebody wanted it so; a later run of it runs."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=0, algorithm="random")
    visitor = visit(tmp_path / "study.db", study)

    def mood() -> str:
        until(lambda: visitor.get("")["seq"] == study.history.seq)
        return str(visitor.get("")["mood"])

    moods = [mood()]
    trial = study.ask()
    moods.append(mood())
    study.stop()
    moods.append(mood())
    study.tell(trial, 1.0)
    moods.append(mood())
    study.run(objective, 5, progress=False, catch=True)
    moods.append(mood())
    study.set_budget(9)
    moods.append(mood())
    study.pause()
    moods.append(mood())

    assert moods == ["empty", "running", "stopping", "stopped", "done", "idle", "paused"]


def test_a_study_tells_what_its_page_shows(seen: Visitor) -> None:
    """Labels, space, best, notes and the plots that there are."""
    told = seen.get("")

    assert told["labels"] == ["lr", "layers", "opt", "beta", "mom"]
    assert told["best"]["values"][0] == pytest.approx(told["best"]["params"]["lr"])
    assert [note["text"] for note in told["notes"]] == ["looks good"]
    assert sorted(one["name"] for one in told["plots"]) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_plot_is_there_in_both_themes_without_webgl(seen: Visitor, name: str) -> None:
    """Or says in a sentence what it needs; points know their trials."""
    light, dark = (seen.get(f"/plots/{name}", theme=theme) for theme in ("light", "dark"))

    if "problem" in light:
        assert name == "curves"
        assert light["problem"] == dark["problem"]
        return
    assert light["layout"]["font"]["color"] != dark["layout"]["font"]["color"]
    assert not any("gl" in trace["type"] for trace in light["data"])


def test_a_picked_trial_is_drawn_where_others_are_left_out() -> None:
    """In each of the plots that leave some out."""
    from parzen.dashboard._figures import figure

    study = Study({"x": hp.float("x", 0, 1), "y": hp.float("y", 0, 1)}, algorithm="random", seed=0)
    study.run(lambda config: config["x"], 1600, progress=False)

    def drawn(name: str, keep: Sequence[int]) -> set[int]:
        data = figure(study.history, name, "light", keep=keep)["data"]
        return {number for trace in data for number in trace.get("customdata", [])}

    for name in ("rank", "parallel"):
        missing = sorted(set(range(1600)) - drawn(name, ()))[:30]

        assert missing, name
        assert drawn(name, missing) >= set(missing), name


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/plots/none", 404),
        ("/plots/history?theme=pink", 400),
        ("/plots/contour?x=99", 400),
        ("/plots/contour?x=1&y=1", 400),
        ("/plots/importances?method=guess", 400),
        ("/plots/history?x=1", 400),
        ("/trials/999", 404),
        ("/trials/999/curve", 404),
        ("/trials?offset=-1", 400),
        ("/trials?where=(", 400),
        ("/trials/1/attachments/none", 404),
        ("/form?trial=77", 404),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(seen: Visitor, path: str, status: int) -> None:
    """As JSON, which the page shows."""
    answer = seen.client.get(f"/api/studies/{seen.uid}{path}")

    assert answer.status_code == status
    assert len(answer.json()["error"]) > 10


def test_a_study_that_never_was_is_not_found(seen: Visitor) -> None:
    """Nor is a page that never was."""
    assert seen.client.get("/api/studies/none").status_code == 404
    assert seen.client.get("/api/none").status_code == 404
    assert seen.client.get("/static/../_guard.py").status_code == 404
    assert seen.client.get("/static/%2e%2e/_guard.py").status_code == 404


def test_a_trial_tells_everything(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """Parameters, curve, error with traceback, why, attachments, notes."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=1)

    def reports(config: dict[str, Any], evaluation: Any) -> dict[str, Any]:
        evaluation.report(1, 0.5)
        evaluation.report(2, 0.4, accuracy=0.9)
        if config["layers"] > 2:
            raise ValueError(NASTY)
        return {"loss": 0.4}

    study.run(reports, 6, catch=True, progress=False)
    study.note("odd", trial=0)
    good = next(trial.number for trial in study.trials if trial.state is State.OK)
    study.storage.put(study.header.uid, attachment_key(good, "logs/a <b>.txt"), b"all is well")
    visitor = visit(tmp_path / "study.db", study)
    told = [visitor.get(f"/trials/{number}") for number in range(6)]
    failed = next(one for one in told if one["state"] == "ERROR")
    fine = next(one for one in told if one["state"] == "OK")

    assert failed["error"]["message"] == NASTY
    assert "ValueError" in failed["error"]["traceback"]
    assert fine["attachments"] == ["logs/a <b>.txt"]
    assert fine["why"]["sentences"]
    assert [note["text"] for note in told[0]["notes"]] == ["odd"]
    assert len(visitor.get(f"/trials/{fine['number']}/curve")["data"]) == 4

    answer = visitor.client.get(f"/api/studies/{visitor.uid}/trials/{fine['number']}/attachments/logs/a%20%3Cb%3E.txt")
    assert answer.text == "all is well"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''a%20%3Cb%3E.txt"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_what_a_trial_is_like_is_said_once(seen: Visitor) -> None:
    """As links, each with what came of it; the parameters stand in a table of their own."""
    why = seen.get("/trials/20")["why"]

    assert len({number for number, _ in why["nearest"]}) == 3
    assert all(isinstance(outcome, str) and outcome for _, outcome in why["nearest"])
    assert not any("alike" in one or "parameters:" in one for one in why["sentences"])


def test_long_names_are_cut_so_that_they_are_told_apart_and_kept_whole() -> None:
    """Options that begin and end alike are cut to where they differ; the page has all of each for whoever points at it."""
    from parzen.dashboard._figures import figure

    label, other = "a label of many words " * 14, "k"
    options = [f"{'/data/a/long/way/' * 15}model-{k}{'/weights' * 10}" for k in range(3)]
    study = Study({label: hp.float(label, 0, 1), other: hp.categorical(other, options)}, algorithm="random", seed=0)
    study.run(lambda config: config[label] + options.index(config[other]), 30, progress=False)
    for name in ("slice", "rank", "importances", "contour", "parallel"):
        told = figure(study.history, name, "light")
        axes = [axis for key, axis in told["layout"].items() if key[1:5] == "axis"]
        texts = [axis["title"]["text"] for axis in axes]
        texts += [text for axis in axes for text in axis.get("ticktext", [])]
        texts += [text for trace in told["data"] for text in trace.get("text", [])]
        cut = [text for text in texts if "…" in text]

        assert cut
        assert max(map(len, texts)) <= 40
        assert {told["whole"][text.strip()] for text in cut} <= {label, *options}
        if name in ("slice", "rank", "contour", "parallel"):
            assert len({text for text in cut if told["whole"][text.strip()] in options}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_what_parzen_writes_itself_is_not_cut(seen: Visitor, name: str) -> None:
    """There is room for it at every axis."""
    assert seen.get(f"/plots/{name}").get("whole", {}) == {}
    assert "…" not in json.dumps(seen.get(f"/plots/{name}").get("layout", {}), ensure_ascii=False)


def test_an_option_is_found_by_its_whole_name(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """However long it is, as the table has it."""
    options = ["word" * 20 + letter for letter in "ab"]
    study = Study({"k": hp.categorical("k", options)}, storage=tmp_path / "s.db", algorithm="random", seed=0)
    study.run(lambda config: 1.0, 10, progress=False)
    visitor = visit(tmp_path / "s.db", study)
    rows = visitor.get("/trials", where=f"k == {options[0]}")["rows"]

    assert 0 < len(rows) < 10
    assert {row["values"][0] for row in rows} == {options[0]}


def test_the_answer_is_a_region_with_what_speaks_against_it(seen: Visitor) -> None:
    """Or a sentence why there is none yet."""
    told = seen.get("/answer")

    assert told["region"]["ranges"]
    assert all(one["sentence"] for one in told["findings"])


COMPARED = ["a", "random", "self"]  # two of which are words of a plot's own


def test_studies_are_compared(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """Their curves and their answers."""
    studies = [Study(SPACE, name=name, storage=tmp_path / "study.db", seed=k) for k, name in enumerate(COMPARED)]
    for study in studies:
        study.run(objective, 6, catch=True, progress=False)
    visitor = visit(tmp_path / "study.db", studies[0])
    uids = ",".join(study.header.uid for study in studies)
    told = until(
        lambda: (a := visitor.client.get("/api/compare", params={"studies": uids})).status_code == 200 and a.json()
    )

    assert [one["name"] for one in told["studies"]] == COMPARED
    for plot in ("edf", "convergence"):
        assert {trace.get("name") for trace in told["plots"][plot]["data"]} >= set(COMPARED)
    assert visitor.client.get("/api/compare", params={"studies": uids[:5]}).status_code == 400


def test_what_a_program_printed_is_read_only_below_the_folder_that_was_named(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """A study may come from anybody, and may name any folder."""
    (tmp_path / "trials" / "0").mkdir(parents=True)
    (tmp_path / "trials" / "0" / "output.txt").write_text("epoch 1", encoding="utf-8")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "output.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "trials" / "link").symlink_to(tmp_path / "secret")
    study = Study(SPACE, storage=tmp_path / "study.db", seed=1)
    folders = [
        tmp_path / "trials" / "0",
        tmp_path / "secret",
        tmp_path / "trials" / ".." / "secret",
        tmp_path / "trials" / "link",
    ]
    for folder in folders:
        study.tell(study.ask(), {"loss": 1.0, "folder": str(folder)})
    with_logs = visit(tmp_path / "study.db", study, logs=tmp_path / "trials")
    without = visit(tmp_path / "study.db", study)

    assert with_logs.get("/trials/0")["logs"][0]["text"] == "epoch 1"
    assert all("secret" not in json.dumps(with_logs.get(f"/trials/{k}")["logs"][0].get("text", "")) for k in (1, 2, 3))
    assert "--logs" in without.get("/trials/0")["logs"][0]["problem"]


# --- live ---


def test_a_new_trial_is_told_within_a_second(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """Asked for by one process, heard of by another."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=0, algorithm="random")
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    stream = events(visitor)
    next(stream)
    began = time.monotonic()
    study.ask()
    kind, told, number = next(stream)

    assert time.monotonic() - began < 1
    assert kind == "change"
    assert [row["state"] for row in told["rows"]] == ["RUNNING"]
    assert number == str(study.history.seq)


def test_a_reconnect_loses_nothing(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """What happened while nobody listened comes after the `seq` that the browser knew, and nothing twice."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=0, algorithm="random")
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    stream = events(visitor)
    _, _, first = next(stream)
    stream.close()
    for trial in study.ask(3):
        study.tell(trial, 1.0)
    until(lambda: visitor.get("")["seq"] == study.history.seq)
    _, told, number = next(events(visitor, **{"Last-Event-ID": str(first)}))
    _, again, _ = next(events(visitor, **{"Last-Event-ID": str(number)}))

    assert [row["number"] for row in told["rows"]] == [0, 1, 2]
    assert not told["reset"]
    assert again["rows"] == []


def test_a_browser_that_knows_too_little_is_told_to_ask_anew(seen: Visitor) -> None:
    """Before the server began, and for a log that is shorter than what it knew."""
    _, early, _ = next(events(seen, after=1))
    _, beyond, _ = next(events(seen, after=10**6))

    assert early["reset"]
    assert beyond["reset"]


def test_a_study_in_memory_is_watched_while_it_runs(visit: Callable[..., Visitor]) -> None:
    """In the same process, where there is no log to read."""
    study = Study(SPACE, seed=0, algorithm="random")
    visitor = visit(study.storage, study)
    visitor.get("")
    go = threading.Event()

    def waits(config: dict[str, Any]) -> float:
        go.wait(10)
        return config["lr"]

    runs = threading.Thread(target=study.run, args=(waits, 3), kwargs={"progress": False})
    runs.start()
    try:
        until(lambda: visitor.get("")["counts"]["RUNNING"] == 1)
    finally:
        go.set()
        runs.join()
    until(lambda: visitor.get("")["done"] == 3)


def test_a_study_that_is_made_later_appears(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """The page may be open before the search begins, and the file not be there yet."""
    visitor = visit(tmp_path / "study.db")
    assert visitor.client.get("/api/studies").json()["studies"] == []

    study = Study(SPACE, name="later", storage=tmp_path / "study.db")
    told = until(lambda: visitor.client.get("/api/studies").json()["studies"])
    assert told[0]["name"] == "later"

    study.rename("renamed")
    until(lambda: visitor.client.get("/api/studies").json()["studies"][0]["name"] == "renamed")


def test_news_may_be_brief(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """What there is now, and the end, so that a page without room for a stream holds no connection; nothing comes twice."""
    study = Study(SPACE, name="old", storage=tmp_path / "study.db")
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    (change, well) = events(visitor, brief="1")
    known = change[2]

    assert (change[0], well[0]) == ("change", "well")
    assert [kind for kind, *_ in events(visitor, brief="1", **{"Last-Event-ID": str(known)})] == ["well"]
    study.rename("new")
    again = until(lambda: [e for e in events(visitor, brief="1", **{"Last-Event-ID": str(known)}) if e[0] == "change"])
    assert again[0][1]["summary"]["name"] == "new"
    assert "event: list" in visitor.client.get("/api/news", params={"brief": 1}).text


def test_an_open_page_is_told_of_a_new_name(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """Nothing else has happened, and the news have it all the same."""
    study = Study(SPACE, name="old", storage=tmp_path / "study.db")
    visitor = visit(tmp_path / "study.db", study)
    assert visitor.get("")["name"] == "old"
    stream = events(visitor)
    next(stream)
    study.rename("new")
    kind, told, _ = next(stream)

    assert (kind, told["summary"]["name"]) == ("change", "new")


def test_a_study_that_was_deleted_says_so(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """On its page, and to who asks for it later."""
    study = Study(SPACE, storage=tmp_path / "study.db")
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    stream = events(visitor)
    next(stream)
    study.delete()
    kind, told, _ = next(stream)

    assert kind == "gone"
    assert "deleted" in told["sentence"] or "no study" in told["sentence"]
    assert visitor.client.get(f"/api/studies/{visitor.uid}").status_code == 410


def test_a_storage_that_vanishes_is_an_error_until_it_is_back(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """What is known stays on the page, and what happened meanwhile comes later."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=0)
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    stream = events(visitor)
    next(stream)
    study.storage.close()
    (tmp_path / "study.db").rename(tmp_path / "away.db")
    kind, told, _ = next(stream)

    assert kind == "problem"
    assert "study.db" in told["sentence"]
    assert visitor.get("")["problem"]

    (tmp_path / "away.db").rename(tmp_path / "study.db")
    assert next(stream)[0] == "well"
    Study.load(tmp_path / "study.db").ask()
    until(lambda: visitor.get("")["counts"]["RUNNING"] == 1)


def test_a_storage_that_does_not_answer_is_said_and_holds_nobody_up(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """A server that restarts is waited for by the storage; whoever looks sees what was known, and is told."""
    study = Study(SPACE, storage=tmp_path / "study.db", seed=0)
    visitor = visit(tmp_path / "study.db", study)
    visitor.get("")
    stream = events(visitor)
    next(stream)
    watched = visitor.page.library.get(visitor.uid)
    assert watched is not None
    assert watched.study is not None
    go = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parzen.dashboard._library.PATIENCE", 0.3)
        patch.setattr(watched.study.stream, "pull", lambda: go.wait(20) and 0)
        kind, told, _ = next(stream)
        began = time.monotonic()
        visitor.get("/trials")
        waited = time.monotonic() - began
        go.set()

        assert kind == "problem"
        assert "does not answer" in told["sentence"]
        assert waited < 5
        assert next(stream)[0] == "well"


# --- doing ---


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A study with a trial that has ended, one that waits and one that was cancelled."""
    path = tmp_path_factory.mktemp("control") / "study.db"
    study = Study(SPACE, storage=path, seed=0, algorithm="random")
    study.tell(study.ask(), 1.0)
    study.enqueue({"layers": 2}, {"layers": 3})
    with visitors() as make:
        yield make(path, study)


def _done(visitor: Visitor, action: str, **given: Any) -> Study:
    answer = visitor.do(action, **given)
    assert answer.status_code == 200, answer.text
    assert answer.json()["sentence"].endswith(".")
    assert visitor.study is not None
    visitor.study.refresh()
    return visitor.study


def test_each_button_is_the_method_of_the_same_word(waiting: Visitor) -> None:
    """What it did is in the study's log, for whoever runs it."""
    assert _done(waiting, "pause").paused
    assert not _done(waiting, "resume").paused
    assert _done(waiting, "stop").stop_requested
    assert _done(waiting, "budget", trials=50).budget == 50
    assert _done(waiting, "budget", trials=None).budget is None
    assert _done(waiting, "cancel", trial=2).trials[2].state is State.CANCELLED
    assert _done(waiting, "rerun", trial=0).trials[3].params == waiting.study.trials[0].params  # type: ignore[union-attr]
    assert [note.text for note in _done(waiting, "note", text=NASTY).notes] == [NASTY]
    assert _done(waiting, "note", text="of one", trial=0).notes[-1].trial == 0
    assert _done(waiting, "enqueue", values={"1": 3}).trials[4].params["layers"] == 3


@pytest.mark.parametrize(
    ("action", "given", "status"),
    [
        ("explode", {}, 400),
        ("budget", {"trials": 0}, 400),
        ("budget", {"trials": "many"}, 400),
        ("budget", {"trials": True}, 400),
        ("budget", {"trials": 1}, 400),
        ("cancel", {"trial": 99}, 404),
        ("cancel", {"trial": 0}, 409),
        ("rerun", {"trial": 1}, 409),
        ("rerun", {"trial": "0"}, 404),
        ("note", {"text": " "}, 400),
        ("note", {"text": "x" * 20_000}, 400),
        ("enqueue", {"values": {"1": 9}}, 400),
        ("enqueue", {"values": {"99": 9}}, 400),
        ("enqueue", {}, 400),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    waiting: Visitor, action: str, given: dict[str, Any], status: int
) -> None:
    """And leaves nothing in the log."""
    assert waiting.study is not None
    before = waiting.study.history.seq
    answer = waiting.do(action, **given)
    waiting.study.refresh()

    assert answer.status_code == status
    assert len(answer.json()["error"]) > 10
    assert waiting.study.history.seq == before


def test_a_read_only_page_changes_nothing(seen: Visitor) -> None:
    """Whatever is sent."""
    assert seen.do("stop").status_code == 403


def test_nonsense_instead_of_json_is_refused(waiting: Visitor) -> None:
    """Also when it is nested a hundred thousand deep."""
    for content in ("no json", "[" * 100_000, '["stop"]', "null", '{"action": ["stop"]}'):
        headers = {"Origin": waiting.home, "Content-Type": "application/json"}
        answer = waiting.client.post(f"/api/studies/{waiting.uid}/do", content=content, headers=headers)

        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/trials?offset=²",
        "/trials?sort=p²",
        "/trials?filter=%23²",
        "/plots/contour?x=²",
        "/trials/²",
        "/compare?studies=²",
    ],
)
def test_digits_that_are_none_of_ours_are_no_error_of_the_page(seen: Visitor, path: str) -> None:
    """`isdigit` takes them, and `int` does not."""
    answer = seen.client.get(f"/api/studies/{seen.uid}{path}")

    assert answer.status_code < 500


def test_labels_and_values_that_are_markup_stay_texts(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """They come as JSON, as they are; in plots, where plotly reads tags, they are escaped."""
    label = "</script><script>alert(1)</script>"
    study = Study(
        {label: hp.float(label, 0, 1), "opt": hp.categorical("opt", [NASTY, "\ud800"])},
        name=NASTY,
        storage=tmp_path / "s.db",
        algorithm="random",
    )
    study.run(lambda config: config[label], 12, progress=False)
    visitor = visit(tmp_path / "s.db", study)

    assert visitor.get("")["labels"][0] == label
    assert visitor.get("/trials")["rows"]
    for name in ("slice", "parallel", "importances", "contour"):
        figure = visitor.get(f"/plots/{name}")
        for part in ("data", "layout"):
            assert "<script" not in json.dumps(figure[part])
            assert "<img" not in json.dumps(figure[part])


def test_serve_begins_with_a_file_that_is_there(tmp_path: Path) -> None:
    """A page of a name that was misspelt would stay empty for ever."""
    with pytest.raises(Unavailable, match="there is no file"):
        serve(tmp_path / "study.db", port=0)
    assert list(tmp_path.iterdir()) == []


def test_serve_says_where_it_is_and_opens_a_browser(
    filled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And ends when it is told to."""
    import webbrowser

    import uvicorn

    opened = threading.Event()
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.set())
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: opened.wait(5))
    serve(filled, name="first", port=0)

    said = capsys.readouterr().err
    assert opened.is_set()
    assert "http://127.0.0.1:" in said
    assert "/study/" in said
    assert "token=" in said


def test_trials_whose_process_is_gone_are_lost(visit: Callable[..., Visitor], tmp_path: Path) -> None:
    """As `parzen watch` says; the page does not go on to say that they run.  One that is there still runs."""
    study = Study(SPACE, name="left", storage=tmp_path / "left.db", seed=0, algorithm="random")
    code = "import os, sys; from parzen import Study; Study.load(sys.argv[1]).ask(3); os._exit(0)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "left.db")], check=True)
    visitor = visit(tmp_path / "left.db", study)
    seen = until(lambda: (now := visitor.get(""))["lost"] and now)

    assert seen["mood"] == "lost"
    assert seen["lost"] == [0, 1, 2]
    assert [(one["trials"], one["gone"]) for one in seen["workers"]] == [([0, 1, 2], True)]
    study.refresh()
    study.ask()
    seen = until(lambda: (now := visitor.get(""))["mood"] != "lost" and now)
    assert seen["mood"] == "running"
    assert seen["lost"] != [0, 1, 2]
