"""Hyperopt's small helpers."""

from __future__ import annotations

import datetime
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from parzen import hp
from parzen.hyperopt import utils
from parzen.space import Literal, as_apply


def test_the_time_is_in_utc_and_whole_milliseconds() -> None:
    """And has no zone, as documents have it."""
    now = utils.coarse_utcnow()

    assert now.tzinfo is None
    assert now.microsecond % 1000 == 0
    assert abs(datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) - now) < datetime.timedelta(minutes=1)


def test_an_object_takes_the_place_of_a_literal() -> None:
    """Wherever it stands in the graph; arrays among the constants are no trouble."""
    here = Literal("here")
    expr = as_apply({"a": here, "b": [here, "there"], "c": hp.choice("c", ["here", np.arange(3)])})
    memo = utils.use_obj_for_literal_in_memo(expr, 5, "here", {})

    assert memo[here] == 5
    assert len(memo) == 2
    assert set(memo.values()) == {5}
    assert len(utils.use_obj_for_literal_in_memo(expr, 5, np.arange(3), {})) == 0


def test_the_least_of_normal_variables_is_estimated() -> None:
    """The same each time, unless a generator is given."""
    p = utils.pmin_sampled(np.array([0.0, 0.0, 9.0]), np.array([1.0, 1.0, 1.0]))

    assert p.shape == (3,)
    assert p.sum() == pytest.approx(1.0)
    assert p[:2] == pytest.approx([0.5, 0.5], abs=0.1)
    assert p[2] == 0.0
    assert utils.pmin_sampled(np.zeros(2), np.ones(2), 50, np.random.default_rng(3)).sum() == pytest.approx(1.0)


def test_items_that_are_in_another_array_are_found() -> None:
    """Also in an empty one."""
    assert utils.fast_isin(np.array([3, 1, 9]), np.array([1, 3])).tolist() == [True, True, False]
    assert utils.fast_isin(np.array([3, 1]), np.array([])).tolist() == [False, False]


def test_the_newest_versions_are_found() -> None:
    """In order of their ids."""
    docs = [{"_id": 1, "version": 0}, {"_id": 0, "version": 2}, {"_id": 1, "version": 1}, {"_id": 0, "version": 1}]

    assert utils.get_most_recent_inds(docs).tolist() == [1, 2]
    assert utils.get_most_recent_inds([]).tolist() == []


def test_work_is_done_elsewhere_for_a_while(tmp_path: Path) -> None:
    """Whatever happens there."""
    before = os.getcwd()
    with pytest.raises(KeyError), utils.working_dir(tmp_path):
        assert os.path.samefile(os.getcwd(), tmp_path)
        raise KeyError

    assert os.getcwd() == before


def test_a_path_is_split_into_names() -> None:
    """Without its root."""
    assert list(utils.path_split_all(Path("a") / "b" / "c")) == ["a", "b", "c"]
    assert list(utils.path_split_all(Path("/a/b"))) == ["a", "b"]


def test_the_part_of_a_path_that_is_there_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the name after it, of absolute and relative paths."""
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()

    assert utils.get_closest_dir("there/a/b") == ("there", "a")
    assert utils.get_closest_dir("a") == ("", "a")
    assert utils.get_closest_dir(tmp_path / "a" / "b") == (str(tmp_path), "a")
    with pytest.raises(FileExistsError, match="already"):
        utils.get_closest_dir("there")


def test_a_temporary_directory_goes_with_its_parents(tmp_path: Path) -> None:
    """Those that were made for it and are empty; a file says that it is in use."""
    wanted = tmp_path / "a" / "b" / "c"
    with utils.temp_dir(wanted, erase_after=True):
        assert wanted.is_dir()
        assert (tmp_path / "a.inuse").exists()
        (wanted / "file").touch()
    assert list(tmp_path.iterdir()) == []
    with utils.temp_dir(wanted, erase_after=True):
        (tmp_path / "a" / "other").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["other"]
    with utils.temp_dir(wanted):
        pass
    with utils.temp_dir(wanted, erase_after=True):  # it was there before
        pass

    assert wanted.is_dir()
    with pytest.raises(RuntimeError, match=r"\.\."), utils.temp_dir(tmp_path / ".." / "new"):
        pass
    with pytest.raises(NotADirectoryError), utils.temp_dir(tmp_path / "a" / "other"):
        pass


def test_a_dotted_name_is_called(tmp_path: Path) -> None:
    """Modules are imported, the rest are attributes; arguments may come from a pickle."""
    assert utils.json_call("builtins.dict", [[("a", 1)]], {"b": 2}) == {"a": 1, "b": 2}
    assert utils.json_lookup("os.path.join") is os.path.join
    assert utils.load_tokens(["pathlib", "Path", "name"]) is Path.name
    path = tmp_path / "arguments"
    path.write_bytes(pickle.dumps({"args": ([],), "kwargs": {"sep": "-"}}))
    assert utils.get_obj("parzen.hyperopt.utils.Path", args=("a",)) == Path("a")
    assert utils.get_obj("os.path.join", argstr=pickle.dumps({"args": ("b",)}), args=("a",)) == os.path.join("a", "b")
    assert utils.get_obj("builtins.dict", argfile=path, kwargs={"a": 1, "sep": "+"}) == {"a": 1, "sep": "-"}
    with pytest.raises(ImportError, match="no_such_module"):
        utils.json_call("no_such_module.f")
    with pytest.raises(AttributeError):
        utils.json_call("os.no_such_function")
    with pytest.raises(TypeError, match="dotted name"):
        utils.json_call(5)  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="dotted name"):
        utils.json_call({"f": 1})  # type: ignore[arg-type]
