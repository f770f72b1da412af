"""`trials_save_file`: a pickle of a `Trials`, written whole or not at all, and read without running anything.

A pickle may name any callable to be called while it is read.  This reader allows only what trial documents are made of,
so that a file from somebody else can do no harm.

Behind the pickle stands its checksum, which `pickle.load` does not look at: flipped bytes could be other numbers.
"""

from __future__ import annotations

import errno
import io
import os
import pickle
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from parzen.errors import CorruptLog, Unavailable
from parzen.hyperopt.base import Trials

__all__ = ["load_trials", "only_writer", "save_trials"]

_CORE = "numpy._core" if hasattr(np, "_core") else "numpy.core"
"""Where this numpy keeps what its arrays are unpickled with."""

_ALLOWED = {
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
    ("copyreg", "_reconstructor"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    (f"{_CORE}.multiarray", "_reconstruct"),
    (f"{_CORE}.multiarray", "scalar"),
    (f"{_CORE}.numeric", "_frombuffer"),
    *(
        ("builtins", name)
        for name in "set frozenset complex bytearray slice range object list dict tuple int float str bool bytes".split()
    ),
}
_TRIALS = {("parzen.hyperopt.base", "Trials"), ("hyperopt.base", "Trials")}
_OTHER_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Python 2's names, which protocols 0 to 2 write."""


_MARK = b"parzen crc32 "


class _Saved:
    """What stands for a `Trials` while a file is read: it takes the state, and does nothing with it."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _SON(dict[Any, Any]):
    """pymongo's dict that keeps an order, as a dict."""

    def __setstate__(self, state: Any) -> None:
        """The order is kept anyway."""


def _encode(text: str, encoding: str) -> bytes:
    """`codecs.encode`, by which protocol 2 writes bytes: as text with that encoding."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds text in {encoding!r}, which pickles are not made of")
    return text.encode("latin1")


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = _OTHER_NAMES.get(module, module)
        for core in ("numpy.core", "numpy._core"):
            if module.startswith(f"{core}."):
                module = _CORE + module[len(core) :]
        if (module, name) in _TRIALS:
            return _Saved
        if (module, name) == ("bson.son", "SON"):
            return _SON
        if (module, name) == ("_codecs", "encode"):
            return _encode
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which trial documents are not made of")


def load_trials(path: str | os.PathLike[str]) -> Trials:
    """The trials in a file, which Hyperopt or parzen has saved by `trials_save_file`, pickle or cloudpickle.

    Unlike `pickle.load` it runs nothing that the file says, so that a file from somebody else can do no harm.

    Raises:
        CorruptLog: the file is damaged, or holds objects that only running foreign code could bring back.
    """
    path = Path(path)
    data = path.read_bytes()
    if not data:
        raise CorruptLog(f"{path} is empty: move it away to start anew")
    content, mark, checksum = data[: -len(_MARK) - 8], data[-len(_MARK) - 8 : -8], data[-8:]
    if mark == _MARK and checksum != b"%08x" % zlib.crc32(content):
        raise CorruptLog(f"{path} is damaged: its checksum is not that of its content; restore a copy, or move it away")
    try:
        saved = _Reader(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises anything
        raise CorruptLog(
            f"{path} cannot be read as saved trials: {error}. If it is your own and holds objects of your own classes, "
            "load it with pickle and pass it as trials="
        ) from error
    if not isinstance(saved, _Saved):
        raise CorruptLog(f"{path} holds a {type(saved).__name__}, not a Trials")
    return _trials_of(saved.state, path)


def _trials_of(state: Any, path: Path) -> Trials:
    if isinstance(state, dict) and "_stored" in state:
        raise CorruptLog(
            f"{path} holds trials that are in a storage, and reading a file must not open one: make them with "
            "Trials(storage=..., name=...)"
        )
    docs = state.get("_dynamic_trials") if isinstance(state, dict) else None
    if not (isinstance(docs, list) and all(isinstance(doc, dict) for doc in docs)):
        raise CorruptLog(f"{path} holds a Trials without documents; restore a copy, or move it away")
    trials = object.__new__(Trials)
    # What would take the place of a method is none of a Trials' attributes.
    state = {key: value for key, value in state.items() if key == "_next" or not hasattr(Trials, key)}
    trials.__setstate__(_without_son(state, {}))
    try:
        trials.refresh()
    except (KeyError, TypeError) as error:
        raise CorruptLog(f"{path} holds documents that are none: {error!r}; restore a copy, or move it away") from error
    return trials


def _without_son(value: Any, known: dict[int, Any]) -> Any:
    """The same with plain dicts for `_SON`; what is shared stays shared."""
    if type(value) not in (dict, list, _SON):
        return tuple(_without_son(item, known) for item in value) if type(value) is tuple else value
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, list):
        known[id(value)] = value
        value[:] = [_without_son(item, known) for item in value]
        return value
    plain = known[id(value)] = {} if type(value) is _SON else value
    for key, item in value.items():
        plain[key] = _without_son(item, known)
    return plain


@contextmanager
def only_writer(path: Path | None) -> Iterator[None]:
    """Keeps other processes from saving to the same file meanwhile: each would overwrite what the others have found.

    By a record lock on a file beside it, which goes with the process however it ends.  Where the system or the file
    system has no such locks nobody is kept out.

    Raises:
        Unavailable: another process is at it.
    """
    if path is None or sys.platform == "win32":
        yield
        return
    import fcntl

    beside = path.with_name(path.name + ".lock")
    while True:
        try:
            file = beside.open("ab")
        except OSError:  # saving will say what is wrong with the place
            yield
            return
        with file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    raise Unavailable(
                        f"another process is saving to {path}: wait for it, or share the work with storage= instead"
                    ) from None
            if os.fstat(file.fileno()).st_nlink == 0:  # whoever had it took it away in this moment
                continue
            try:
                yield
            finally:
                beside.unlink(missing_ok=True)
            return


def save_trials(trials: Trials, path: Path) -> None:
    """Replace a file by the trials, in one step: whoever reads it finds the old trials or the new ones.

    Raises:
        Unavailable: it cannot be written; the old file is as it was.
    """
    if trials._stored is not None:
        raise ValueError(
            "these trials are in a storage already, where each is safe at once: leave trials_save_file away"
        )
    import cloudpickle  # type: ignore[import-untyped]  # it ships no types

    data = cloudpickle.dumps(trials)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data + _MARK + b"%08x" % zlib.crc32(data))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unavailable(f"the trials cannot be saved to {path}: {error.strerror or error}") from error
