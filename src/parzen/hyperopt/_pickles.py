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

from parzen.errors import CorruptLog, Unavailable
from parzen.hyperopt.base import Trials

__all__ = ["load_trials", "only_writer", "save_trials"]

_ALLOWED = {
    ("parzen.hyperopt.base", "Trials"),
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
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    *(
        ("builtins", name)
        for name in "set frozenset complex bytearray slice range object list dict tuple int float str bool bytes".split()
    ),
}


_MARK = b"parzen crc32 "


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which trial documents are not made of")


def load_trials(path: Path) -> Trials:
    """The trials in a file.

    Raises:
        CorruptLog: the file is damaged, or holds objects that only running foreign code could bring back.
    """
    data = path.read_bytes()
    if not data:
        raise CorruptLog(f"{path} is empty: move it away to start anew")
    content, mark, checksum = data[: -len(_MARK) - 8], data[-len(_MARK) - 8 : -8], data[-8:]
    if mark == _MARK and checksum != b"%08x" % zlib.crc32(content):
        raise CorruptLog(f"{path} is damaged: its checksum is not that of its content; restore a copy, or move it away")
    try:
        trials = _Reader(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises anything
        raise CorruptLog(
            f"{path} cannot be read as saved trials: {error}. If it is your own and holds objects of your own classes, "
            "load it with pickle and pass it as trials="
        ) from error
    if not isinstance(trials, Trials):
        raise CorruptLog(f"{path} holds a {type(trials).__name__}, not a Trials")
    return trials


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
