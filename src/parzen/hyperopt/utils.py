"""Small helpers that programs written for Hyperopt import from there."""

from __future__ import annotations

import datetime
import importlib
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from parzen._typing import BoolArray, FloatArray
from parzen.hyperopt import pyll
from parzen.hyperopt.pyll.base import dfs
from parzen.space import Apply, Literal

__all__ = [
    "coarse_utcnow",
    "fast_isin",
    "get_closest_dir",
    "get_most_recent_inds",
    "get_obj",
    "import_tokens",
    "json_call",
    "json_lookup",
    "load_tokens",
    "path_split_all",
    "pmin_sampled",
    "pyll",
    "temp_dir",
    "use_obj_for_literal_in_memo",
    "working_dir",
]


def coarse_utcnow() -> datetime.datetime:
    """The time now in UTC, without a zone, in whole milliseconds: what documents are stamped with."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def use_obj_for_literal_in_memo(expr: Apply, obj: Any, lit: Any, memo: dict[Apply, Any]) -> dict[Apply, Any]:
    """Let every literal `lit` in a graph stand for an object that is only known now, as `Ctrl` does for the trial's own.

    Args:
        expr: the graph.
        obj: what those nodes evaluate to.
        lit: what they hold.
        memo: node -> value, changed in place.

    Returns:
        The memo.
    """
    for node in dfs(expr):
        if isinstance(node, Literal) and (node.obj is lit or (type(node.obj) is type(lit) and _equal(node.obj, lit))):
            memo[node] = obj
    return memo


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays, and whatever else a user's own __eq__ does
        return False


# --- numbers ----------------------------------------------------------------------------------------------------


def pmin_sampled(
    mean: FloatArray, var: FloatArray, n_samples: int = 1000, rng: np.random.Generator | None = None
) -> FloatArray:
    """How probable it is that each of some independent normal variables is the least of them.

    Args:
        mean, var: of the variables, `(n,)` each.
        n_samples: draws that it is estimated from.
        rng: source of randomness; None for always the same draws.

    Returns:
        `(n,)`, of sum 1.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    draws = rng.normal(mean, np.sqrt(var), size=(n_samples, len(mean)))
    won = draws == draws.min(axis=1, keepdims=True)
    return np.asarray(won.sum(axis=0) / won.sum())


def fast_isin(X: Any, Y: Any) -> BoolArray:  # noqa: N803  # Hyperopt's own spelling
    """Which items of the array `X` are in the array `Y`."""
    return np.isin(X, Y)


def get_most_recent_inds(obj: Sequence[Mapping[str, Any]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where the newest version of each document stands, ordered by "_id"; of equal versions the last."""
    newest: dict[Any, int] = {}
    for i, doc in enumerate(obj):
        known = newest.get(doc["_id"])
        if known is None or int(doc["version"]) >= int(obj[known]["version"]):
            newest[doc["_id"]] = i
    return np.array([newest[key] for key in sorted(newest)], dtype=np.int64)


# --- files ------------------------------------------------------------------------------------------------------


@contextmanager
def working_dir(dir: str | os.PathLike[str]) -> Iterator[None]:  # noqa: A002  # Hyperopt's own spelling
    """Work in another directory for a while."""
    before = os.getcwd()
    os.chdir(dir)
    try:
        yield
    finally:
        os.chdir(before)


def path_split_all(path: str | os.PathLike[str]) -> Iterator[str]:
    """The names that a path consists of, without its root."""
    parts = Path(path)
    return iter(parts.parts[1:] if parts.anchor else parts.parts)


def get_closest_dir(workdir: str | os.PathLike[str]) -> tuple[str, str]:
    """The longest beginning of a path that is a directory, and the name after it, which is none yet.

    Raises:
        FileExistsError: all of it is there.
    """
    path = Path(workdir)
    for parent in reversed([path, *path.parents]):
        if not parent.is_dir():
            closest = str(parent.parent)
            return ("" if closest == "." else closest), parent.name
    raise FileExistsError(f"{path} is a directory already, expected a path of which the last part is still to be made")


@contextmanager
def temp_dir(
    dir: str | os.PathLike[str],  # noqa: A002  # Hyperopt's own spelling
    erase_after: bool = False,
    with_sentinel: bool = True,
) -> Iterator[None]:
    """A directory, made if it is not there.

    Args:
        dir: its path, without "..".
        erase_after: remove it afterwards if it was made here, with all that is in it and with empty parents made here.
        with_sentinel: keep a file NAME.inuse beside the topmost directory that was made, for as long as it is in use.

    Raises:
        RuntimeError: the path has ".." in it.
        NotADirectoryError: something else has that path.
    """
    path = Path(dir)
    if path.exists():
        if not path.is_dir():
            raise NotADirectoryError(f"{path} is there and is no directory: choose another path, or move it away")
        yield
        return
    if os.pardir in path.parts:
        raise RuntimeError(f"{path} has {os.pardir!r} in it: give the path without, what is made is removed again")
    closest, name = get_closest_dir(path)
    top = Path(closest, name)
    sentinel = top.with_name(f"{name}.inuse") if erase_after and with_sentinel else None
    if sentinel is not None:
        sentinel.touch()
    path.mkdir(parents=True)
    try:
        yield
    finally:
        if erase_after:
            shutil.rmtree(path)
            if sentinel is not None:
                _remove_empty(path, top)
                sentinel.unlink()


def _remove_empty(path: Path, top: Path) -> None:
    """Remove the parents of a path up to `top`, as far as nothing else is in them."""
    while path != top:
        path = path.parent
        try:
            path.rmdir()
        except OSError:  # somebody else works in it
            return


# --- names ------------------------------------------------------------------------------------------------------


def import_tokens(tokens: Sequence[str]) -> tuple[Any, list[str]]:
    """The innermost module of a dotted name that can be imported, None if there is none, and the names after it."""
    found = None
    for i in range(len(tokens)):
        try:
            found = importlib.import_module(".".join(tokens[: i + 1]))
        except ImportError:
            return found, list(tokens[i:])
    return found, []


def load_tokens(tokens: Sequence[str]) -> Any:
    """What a dotted name stands for: modules are imported, the rest are attributes.

    Raises:
        ImportError, AttributeError: there is no such thing.
    """
    found, rest = import_tokens(tokens)
    if found is None:
        raise ImportError(f"there is no module {tokens[0]!r} to find {'.'.join(tokens)!r} in", name=tokens[0])
    for name in rest:
        found = getattr(found, name)
    return found


def json_lookup(json: str) -> Any:
    """What the dotted name `json` stands for."""
    return load_tokens(json.split("."))


def json_call(json: str | bytes, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
    """Call what a dotted name stands for.

    Raises:
        TypeError: `json` is no name.
        NotImplementedError: it is a mapping or a sequence, which Hyperopt meant to give a meaning.
    """
    if isinstance(json, (dict, list, tuple)):
        raise NotImplementedError(f"a call is written as a dotted name, got the {type(json).__name__} {json!r:.80}")
    if not isinstance(json, (str, bytes)):
        raise TypeError(f"a call is written as a dotted name, got {json!r:.80}")
    return json_lookup(json if isinstance(json, str) else json.decode())(*args, **(kwargs or {}))


def get_obj(
    f: str,
    argfile: str | os.PathLike[str] | None = None,
    argstr: bytes | None = None,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Call what a dotted name stands for, with arguments of which some may come from a pickle.

    Reading a pickle runs what it says: give only your own.

    Args:
        f: the dotted name.
        argfile: a file with the pickle of a dict with "args" and "kwargs", either of which may be missing.
        argstr: that pickle itself.
        args, kwargs: further arguments; positional ones come first, and the pickle's win among those by name.
    """
    if argfile is not None:
        argstr = Path(argfile).read_bytes()
    more = {} if argstr is None else pickle.loads(argstr)  # noqa: S301  # as the docstring warns
    return json_call(f, [*args, *more.get("args", ())], {**(kwargs or {}), **more.get("kwargs", {})})
