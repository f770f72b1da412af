"""`trials_save_file`: a pickle of a `Trials`, written whole or not at all, and read without running anything.

What is read is made by `_unpickling`, so that a file from somebody else can do no harm.

Behind the pickle stands its checksum, which `pickle.load` does not look at: flipped bytes could be other numbers.
"""

from __future__ import annotations

import errno
import logging
import math
import os
import pickle
import secrets
import stat
import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from parzen._clock import Clock, SystemClock
from parzen.errors import CorruptLog, Unavailable
from parzen.hyperopt._unpickling import Saved, read_inert, read_saved
from parzen.hyperopt.base import JOB_STATE_DONE, JOB_STATE_NEW, JOB_STATE_RUNNING, Document, Trials

__all__ = ["Saver", "load_trials", "only_writer", "save_trials", "take_in"]

_log = logging.getLogger("parzen")

_MARK = b"parzen crc32 "
_SYNC_SHARE = 50
"""So many times as long as waiting for the disk took it is not done again."""


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
        saved = read_saved(data)
    except Exception as error:  # a damaged pickle raises anything
        raise CorruptLog(
            f"{path} cannot be read as saved trials: {error}. If it is your own and holds objects of your own classes, "
            "load it with pickle and pass it as trials="
        ) from error
    if not isinstance(saved, Saved):
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
    key, attachments = state.get("_exp_key"), state.get("attachments", {})
    if not (isinstance(attachments, dict) and (key is None or isinstance(key, str))):
        raise CorruptLog(
            f"{path} holds a Trials whose attachments or exp_key are none; restore a copy, or move it away"
        )
    trials = Trials(exp_key=key, refresh=False)
    trials.attachments = attachments
    try:
        trials._insert_trial_docs(docs)
        trials.refresh()
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptLog(f"{path} holds documents that are none: {error!r}; restore a copy, or move it away") from error
    return trials


def take_in(trials: Trials, path: Path) -> bool:
    """Make sure that nothing is lost when these trials are saved to a file.

    What is in the file goes into trials that are empty.  Others must have what was evaluated there, as they do when a
    program has unpickled them from the file itself; what was not finished does not count.

    Returns:
        Whether the trials have documents now that they had not.

    Raises:
        CorruptLog: it cannot be read.
        Unavailable: it holds documents that the trials do not have.
    """
    given = {doc["tid"]: doc for doc in (*trials._dynamic_trials, *trials.trials)}
    if not given:
        loaded = load_trials(path)
        trials._insert_trial_docs(loaded._dynamic_trials)
        for name, attached in loaded.attachments.items():
            trials.attachments.setdefault(name, attached)
        trials.refresh()
        return bool(trials.trials)
    missing = sum(
        doc["state"] == JOB_STATE_DONE and not (doc["tid"] in given and _are_of_one_point(doc, given[doc["tid"]]))
        for doc in _documents_in(path)
    )
    if missing:
        raise Unavailable(
            f"{path} holds {missing} evaluated documents that the given trials do not have, and saving would lose them: "
            "leave trials= away or give Trials() to go on with them, or move the file away"
        )
    return False


def _documents_in(path: Path) -> Iterable[Document]:
    """The documents; of own classes in the file only the place is kept, because whoever gave trials may have read it."""
    try:
        return load_trials(path)._dynamic_trials
    except CorruptLog:
        with suppress(Exception):  # a damaged pickle raises anything
            docs = list(read_inert(path.read_bytes())["_dynamic_trials"])
            return [doc for doc in docs if doc["state"] == JOB_STATE_DONE and hash(doc["tid"]) is not None]
        raise


def _are_of_one_point(one: Document, other: Document) -> bool:
    try:
        return bool(one["misc"]["vals"] == other["misc"]["vals"])
    except (KeyError, TypeError, ValueError):  # values of a user's own, which nobody can compare
        return True


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
        file = None
        with suppress(OSError):  # saving will say what is wrong with the place
            file = beside.open("ab")
        if file is None:
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


def save_trials(trials: Trials, path: Path, *, sync: bool = True) -> bytes:
    """Replace a file by the trials, in one step: whoever reads it finds the old trials or the new ones.

    The file keeps its permissions; a new one has those that the process gives to files.

    Args:
        trials: these.
        path: of the file.
        sync: wait until it is on the disk, where it survives a loss of power; the death of the process it survives anyway.

    Returns:
        The pickle.

    Raises:
        Unavailable: it cannot be written; the old file is as it was.
    """
    if trials._stored is not None:
        raise ValueError(
            "these trials are in a storage already, where each is safe at once: leave trials_save_file away"
        )
    data = _pickled(trials)
    try:
        temporary = path.with_name(f"{path.name}{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("xb") as file:  # not by `tempfile`, whose files nobody else may read
                with suppress(FileNotFoundError):
                    temporary.chmod(stat.S_IMODE(path.stat().st_mode))
                file.write(data + _MARK + b"%08x" % zlib.crc32(data))
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Unavailable(f"the trials cannot be saved to {path}: {error.strerror or error}") from error
    return data


def _pickled(trials: Trials) -> bytes:
    """A pickle that another program can load, of what can be imported there by reference, of all else by value.

    That is what cloudpickle makes.  Plain pickle makes the same of documents without objects from the program itself, in
    half the time, for it does not ask about each date; where it has named the program, or fails, cloudpickle begins anew.
    """
    import cloudpickle  # type: ignore[import-untyped]  # it ships no types

    if not cloudpickle.list_registry_pickle_by_value():
        with suppress(Exception):  # of whatever an object's own __reduce__ raises
            plain = pickle.dumps(trials, protocol=cloudpickle.DEFAULT_PROTOCOL)
            if b"__main__" not in plain:
                return plain
    data: bytes = cloudpickle.dumps(trials)
    return data


class Saver:
    """Saves trials again and again, and says once when the file holds what `load_trials` would refuse.

    The first save is read as a whole, later ones only as far as they are new.

    Waiting for the disk takes at most a fiftieth of the time, the first save and that at the end apart: with a dear
    objective it is done after each trial.

    Args:
        trials: these.
        path: of the file.
        clock: for the time that waiting takes.
    """

    def __init__(self, trials: Trials, path: Path, clock: Clock | None = None) -> None:
        self._trials, self._path = trials, path
        self._clock = SystemClock() if clock is None else clock
        self._first = True
        self._sync_again = -math.inf  # on the monotonic clock
        self._seen: set[int] = set()  # ids of documents
        self._names: set[str] = set()  # of attachments
        self._warned = False

    def __call__(self) -> None:
        """Save them now.

        Raises:
            Unavailable: as `save_trials` does.
        """
        self._save(sync=self._clock.monotonic() >= self._sync_again)

    def _save(self, sync: bool) -> None:
        began = self._clock.monotonic()
        data = save_trials(self._trials, self._path, sync=sync)
        if sync:
            ended = self._clock.monotonic()
            self._sync_again = ended + _SYNC_SHARE * (ended - began)
        if not self._warned:
            self._look(data)

    def _look(self, data: bytes) -> None:
        """Whether it can be read again."""
        docs = [
            doc
            for doc in self._trials._dynamic_trials
            if id(doc) not in self._seen and doc["state"] not in (JOB_STATE_NEW, JOB_STATE_RUNNING)
        ]
        attached = {
            name: self._trials.attachments[name] for name in self._trials.attachments if name not in self._names
        }
        if not (self._first or docs or attached):
            return
        self._seen.update(map(id, docs))
        self._names.update(attached)
        if not self._first:
            import cloudpickle

            data = cloudpickle.dumps((docs, attached))
        self._first = False
        try:
            read_saved(data)
        except Exception as error:  # whatever `load_trials` would not survive
            self._warned = True
            warnings.warn(
                f"{self._path} is saved, but the next search will not read it: {error}. Load it with pickle and pass it "
                "as trials= then, or return numbers, text and arrays only",
                stacklevel=4,
            )

    @contextmanager
    def at_the_end(self) -> Iterator[None]:
        """Save when this is left; what is raised inside goes first, and that saving failed is logged then.

        Raises:
            Unavailable: nothing else was raised, and it cannot be written.
        """
        try:
            yield
        except BaseException as error:
            try:
                self._save(sync=True)
            except Exception as failure:
                if str(failure) != str(error):
                    _log.error("%s", failure)  # the traceback is that of the other one
                    if hasattr(error, "add_note"):  # from Python 3.11 on
                        error.add_note(str(failure))
            raise
        self._save(sync=True)
