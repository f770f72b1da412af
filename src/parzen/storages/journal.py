"""Studies in one append-only file: for file systems that many machines share, where SQLite's locks are not to be trusted.

Every change is one line (`_lines.py`), and one line is one batch.  What SQL keeps in tables beside the log (heads, tokens, where
an entry is) each process derives from the lines: it reads on from where it had stopped, before whatever it does.  So a
conflict is found as in a database: a writer holds the file, reads what others have added, holds its batch against the
heads, and adds it.

What the lines have led to is kept beside a long file now and then, so that it need not be read from its beginning
(`_beside.py`).

Nothing is ever removed: bytes that were replaced or dropped, deleted studies and beats stay in the file, one beat being a
hundred bytes.  Events are not kept in memory, only where they are.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn
from urllib.parse import parse_qsl

from parzen.errors import CorruptLog, StorageError, StudyExists, StudyNotFound
from parzen.log import CHECKPOINTS, Beat, Claim
from parzen.storages._beside import Beside, read_beside, write_beside
from parzen.storages._file import RESTORE
from parzen.storages._heads import advance
from parzen.storages._journal_study import JournalStudy
from parzen.storages._lines import START, LineFile
from parzen.storages._rows import checked_worker
from parzen.trials import (
    Asked,
    Entry,
    Event,
    Header,
    Started,
    event_from_json,
    event_to_json,
    header_to_json,
)

__all__ = ["JournalStorage"]


class JournalStorage:
    """Studies in a file of lines.

    Args:
        url: "journal:///study.journal" is relative, "journal:////data/study.journal" absolute; after a `?` may stand
            `sync=full` (each line waits for the disk) and `timeout=60` (seconds to wait for another writer).  A path that ends
            in `.journal` means the same.
        readonly: refuse everything that writes.

    Raises:
        CorruptLog, SchemaTooNew, Unavailable: an existing file cannot be used (nothing was written to it).
        StorageError: the URL makes no sense.
    """

    durable = True
    live: dict[str, object] | None = None

    def __init__(self, url: str, *, readonly: bool = False) -> None:
        given = url.partition("://")[2]
        if "@" in given.partition("/")[0]:  # not repeated: a password stands before it
            raise StorageError(
                "a journal is a file, journal:///PATH with three slashes, and has neither a user nor a host"
            )
        path, _, query = given.removeprefix("/").partition("?")
        self._start(path, query, readonly)

    @classmethod
    def at(cls, path: str, *, query: str = "", readonly: bool = False) -> JournalStorage:
        """The file at a path, whatever characters the path has."""
        made = cls.__new__(cls)
        made._start(path, query, readonly)
        return made

    def _start(self, path: str, query: str, readonly: bool) -> None:
        given = parse_qsl(query, keep_blank_values=True)
        options = dict(given)
        sync, timeout = options.pop("sync", "normal").lower(), options.pop("timeout", "60")
        try:
            seconds = float(timeout)
        except ValueError:
            seconds = -1.0
        if len({name for name, _ in given}) < len(given):
            raise StorageError(f"{path!r}: each of sync= and timeout= may be given once after the ?")
        if not path or options or sync not in ("normal", "full") or not 0 <= seconds <= 86400:
            raise StorageError(
                f"a journal is a path that ends in .journal, or journal:///PATH; after a ? stand sync=normal or sync=full, and "
                f"timeout=SECONDS from 0 to 86400, and nothing else: look at what was given for {path!r}"
            )
        self.readonly = readonly
        self._file = LineFile(path, readonly=readonly, timeout=seconds, sync=sync == "full")
        self.location = self._file.path
        self._studies: dict[str, JournalStudy] = {}
        self._end, self._closed = START, False
        self._beside_path = f"{self._file.path}.checkpoint"
        self._beside: Beside | None = None  # between being read and being asked for
        self._recalled = False
        self._file.exists()

    def __repr__(self) -> str:
        return f"JournalStorage({self.location!r})"

    # --- studies ---

    def create(self, header: Header) -> None:
        self._writable()
        with self._file.held(make=True):
            self._catch_up()
            self._refuse_taken(header.name)
            if header.uid in self._studies:
                raise StudyExists(f"a study with the uid {header.uid!r} exists already", uid=header.uid)
            text = header_to_json(header)
            self._add("create", json.dumps(header.uid), json.dumps(header.name), text)
            self._studies[header.uid] = JournalStudy(header.name, text)

    def open(self, name: str) -> Header:
        self._look()
        found = list(self._studies.values())  # another thread may be reading on
        for study in found:
            if study.name == name:
                return study.header
        known = ", ".join(repr(study.name) for study in found) or "no study at all"
        raise StudyNotFound(f"no study in {self.location} is named {name!r}; there is {known}", name=name)

    def studies(self) -> list[Header]:
        self._look()
        return [study.header for study in list(self._studies.values())]

    def rename(self, uid: str, name: str) -> None:
        with self._writing(uid) as study:
            if study.name != name:
                self._refuse_taken(name)
                self._add("rename", json.dumps(uid), json.dumps(name))
                study.name = name

    def delete(self, uid: str) -> None:
        with self._writing(uid):
            self._add("delete", json.dumps(uid))
            del self._studies[uid]

    # --- the log ---

    def append(self, uid: str, events: Sequence[Event], token: str) -> int:
        if not events:
            raise ValueError("a batch has at least one event")
        bodies = [text for event in events for text in event_to_json(event)]
        with self._writing(uid) as study:
            return self._append(study, uid, events, bodies, token)

    def _append(self, study: JournalStudy, uid: str, events: Sequence[Event], bodies: Sequence[str], token: str) -> int:
        seen = study.tokens.get(token)
        if seen is not None:
            return seen
        advance(len(study.heads), study.head, events)  # raises before anything is written
        place = self._end
        self._add("batch", json.dumps(uid), json.dumps(token), *bodies)
        study.take(events, token, place)
        return study.seq

    def turn(
        self,
        uid: str,
        after: int,
        decide: Callable[[list[Entry]], Sequence[Event]],
        token: str,
        meanwhile: Callable[[list[Entry]], object] | None = None,
    ) -> int:
        self._writable()
        if not self._present():
            self._missing(uid)
        with self._file.held():
            known = self._studies.get(uid)
            # What is new is read once: for the heads and for whoever decides.
            new = self._catch_up(uid) if known is not None and known.seq == after else None
            if new is None:
                self._catch_up()
            study = self._study(uid)
            events = decide(self._entries(uid, study, after, None) if new is None else new)
            if not events:
                return study.seq
            return self._append(study, uid, events, [text for event in events for text in event_to_json(event)], token)

    def claim(self, uid: str, worker: str, at: float, token: str) -> Claim | None:
        with self._writing(uid) as study:
            seq = study.tokens.get(token)
            if seq is None:
                number = study.first_waiting()
                if number is None:
                    return None
                event = Started(number, study.heads[number] // 8 + 1, worker, at)
                seq = self._append(study, uid, [event], event_to_json(event), token)
            (started,) = self._entries(uid, study, seq - 1, 1)
            assert isinstance(started.event, Started), "the token is that of a claim"
            asked = self._asked(study, started.event.number)
            return Claim(seq, started.event, asked)

    def _asked(self, study: JournalStudy, number: int) -> Asked:
        _, _, fields = next(self._file.scan(study.asked[number]))
        for event in _events(fields, self.location):
            if isinstance(event, Asked) and event.number == number:
                return event
        raise CorruptLog(f"trial {number} is not where it was in {self.location}; {RESTORE}", number=number)

    def read(self, uid: str, after: int = 0, limit: int | None = None) -> list[Entry]:
        self._check_open()
        after = max(after, 0)
        if not self._present():
            self._missing(uid)
        with self._file.held(shared=True):
            study = self._studies.get(uid)
            if study is not None and study.seq == after and limit != 0:
                return self._catch_up(uid, limit)  # what is new is read once: for the heads and for whoever asks
            self._catch_up()
            study = self._study(uid)
            return self._entries(uid, study, after, limit)

    def _entries(self, uid: str, study: JournalStudy, after: int, limit: int | None) -> list[Entry]:
        upto = study.seq if limit is None else min(study.seq, after + max(limit, 0))
        entries: list[Entry] = []
        if upto <= after:
            return entries
        first = bisect_right(study.lasts, after)
        seq, own = (study.lasts[first - 1] if first else 0), json.dumps(uid)
        for _, _, fields in self._file.scan(study.places[first], self._end):
            if fields[0] != "batch" or fields[1] != own:
                continue
            for event in _events(fields, self.location):
                seq += 1
                if after < seq <= upto:
                    entries.append(Entry(seq, event))
            if seq >= upto:
                break
        return entries

    def digest(self, uid: str, upto: int) -> int | None:
        """The checksum of the whole file, up to the end of the batch that ends there; None where no batch does."""
        self._look()
        study = self._studies.get(uid)
        batch = -1 if study is None else bisect_right(study.lasts, upto) - 1
        if study is None or batch < 0 or study.lasts[batch] != upto:
            return None
        with self._file.held(shared=True):
            _, end, _ = next(self._file.scan(study.places[batch]))
            return self._file.checksum(end)

    # --- workers ---

    def beat(self, uid: str, worker: str, lease: float) -> None:
        name = checked_worker(worker)
        with self._writing(uid) as study:
            self._add("beat", json.dumps(uid), name, repr(float(lease)))
            study.beat(worker, float(lease))

    def beats(self, uid: str) -> Mapping[str, Beat]:
        self._look()
        study = self._studies.get(uid)
        return {} if study is None else dict(study.beats)

    def leave(self, uid: str, worker: str) -> None:
        with self._writing(uid) as study:
            if worker in study.beats:
                self._add("leave", json.dumps(uid), json.dumps(worker))
                del study.beats[worker]

    # --- bytes beside a study ---

    def put(self, uid: str, key: str, data: bytes) -> None:
        if key in CHECKPOINTS:  # nothing is ever removed from the file, and these are replaced again and again
            self._keep_beside(uid, key, data)
            return
        with self._writing(uid) as study:
            place = self._end
            self._add("put", json.dumps(uid), json.dumps(key), base64.b64encode(data).decode("ascii"))
            study.blobs[key] = place

    def get(self, uid: str, key: str) -> bytes | None:
        self._check_open()
        if not self._present():
            return None
        with self._file.held(shared=True):
            self._catch_up()
            if key in CHECKPOINTS:
                beside = self._beside or read_beside(self._beside_path)
                data = None if beside is None or uid not in self._studies else beside.histories.get(uid)
                self._beside = None  # it is as long as the history that is made of it
                return data if data is None or key == CHECKPOINTS[0] else data.partition(b" ")[0]
            study = self._studies.get(uid)
            place = None if study is None else study.blobs.get(key)
            if place is None:
                return None
            _, _, fields = next(self._file.scan(place))
            return _bytes(fields[3], key, self.location)

    def keys(self, uid: str) -> list[str]:
        self._look()
        study = self._studies.get(uid)
        return [] if study is None else sorted(study.blobs)

    def drop(self, uid: str, key: str) -> None:
        with self._writing(uid) as study:
            if key in study.blobs:
                self._add("drop", json.dumps(uid), json.dumps(key))
                del study.blobs[key]

    def close(self) -> None:
        self._closed = True
        self._file.close()

    # --- the file ---

    def _look(self) -> None:
        """Take in what others have added."""
        self._check_open()
        if self._present():
            with self._file.held(shared=True):
                self._catch_up()

    def _present(self) -> bool:
        return self._end > START or self._file.exists()

    def _writing(self, uid: str) -> _Writing:
        """Hold the file alone, with everything that others have added taken in; gives the study."""
        self._writable()
        if not self._present():
            self._missing(uid)
        return _Writing(self, uid)

    def _writable(self) -> None:
        self._check_open()
        if self.readonly:
            raise StorageError(
                f"{self.location} was opened to be read only: open it without readonly=True to write to it"
            )

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError(f"the storage at {self.location} was closed: open it again with open_storage")

    def _add(self, *fields: str) -> None:
        self._end = self._file.append(fields, self._end)

    def _recall(self) -> None:
        """Begin where the file beside this one ends, if that is of this one."""
        beside, self._recalled = read_beside(self._beside_path), True
        if beside is None or self._file.checksum(beside.end) != beside.crc:
            return
        try:
            studies = {uid: JournalStudy.of(state) for uid, state in beside.studies.items()}
        except (ValueError, KeyError, TypeError, AttributeError):  # of another parzen
            return
        self._studies, self._end, self._beside = studies, beside.end, beside

    def _keep_beside(self, uid: str, key: str, data: bytes) -> None:
        """Write the file beside this one anew."""
        self._writable()
        if key != CHECKPOINTS[0]:
            return  # the place is in the checkpoint itself
        with self._file.held(shared=True):
            self._catch_up()
            self._study(uid)
            before = read_beside(self._beside_path)
            histories = {
                other: kept for other, kept in (before.histories if before else {}).items() if other in self._studies
            }
            states = {other: study.state for other, study in self._studies.items()}
            crc = self._file.checksum(self._end)
            if crc is not None:
                write_beside(self._beside_path, Beside(self._end, crc, states, {**histories, uid: data}))

    def _catch_up(self, uid: str | None = None, limit: int | None = None) -> list[Entry]:
        """Take in the lines that are new; of one study the entries, and with a `limit` no more lines than have so many."""
        if self._end == START and not self._recalled:
            self._recall()
        entries: list[Entry] = []
        own = None if uid is None else json.dumps(uid)
        for place, end, fields in self._file.scan(self._end):
            events = _events(fields, self.location) if fields[0] == "batch" else []
            wanted = own is not None and fields[0] == "batch" and fields[1] == own
            if wanted and limit is not None and len(entries) + len(events) > limit:
                break  # the rest is read from the batch that is half wanted, by whoever asks next
            try:
                self._take(fields, events, place)
            except (ValueError, LookupError, StorageError) as error:
                raise CorruptLog(
                    f"the line at byte {place} of {self.location} cannot follow what is before it ({error}); {RESTORE}"
                ) from error
            if wanted:
                seq = self._studies[str(uid)].seq - len(events)
                entries += [Entry(number, event) for number, event in enumerate(events, seq + 1)]
            self._end = end
        return entries

    def _take(self, fields: list[str], events: list[Event], place: int) -> None:
        """One line; what a later parzen may have added is nothing that this one keeps."""
        kind = fields[0]
        if kind == "create":
            self._studies[json.loads(fields[1])] = JournalStudy(json.loads(fields[2]), fields[3])
            return
        if kind not in ("batch", "rename", "delete", "beat", "leave", "put", "drop"):
            return
        uid = json.loads(fields[1])
        study = self._studies[uid]
        if kind == "batch":
            study.take(events, json.loads(fields[2]), place)
        elif kind == "rename":
            study.name = json.loads(fields[2])
        elif kind == "delete":
            del self._studies[uid]
        elif kind == "beat":
            study.beat(json.loads(fields[2]), float(fields[3]))
        elif kind == "leave":
            study.beats.pop(json.loads(fields[2]), None)
        elif kind == "put":
            study.blobs[json.loads(fields[2])] = place
        elif kind == "drop":
            study.blobs.pop(json.loads(fields[2]), None)

    def _study(self, uid: str) -> JournalStudy:
        study = self._studies.get(uid)
        if study is None:
            self._missing(uid)
        return study

    def _missing(self, uid: str) -> NoReturn:
        raise StudyNotFound(
            f"no study in {self.location} has the uid {uid!r}: it was deleted, or never created",
            uid=uid,
            gone=True,
        )

    def _refuse_taken(self, name: str) -> None:
        if any(study.name == name for study in self._studies.values()):
            raise StudyExists(
                f"a study named {name!r} is in {self.location} already: open it, or take another name", name=name
            )


class _Writing:
    """The file held alone, and a study of which everything is known."""

    __slots__ = ("_held", "_storage", "_uid")

    def __init__(self, storage: JournalStorage, uid: str) -> None:
        self._storage, self._uid = storage, uid
        self._held = storage._file.held()

    def __enter__(self) -> JournalStudy:
        self._held.__enter__()
        try:
            self._storage._catch_up()
            return self._storage._study(self._uid)
        except BaseException as error:
            self._held.__exit__(type(error), error, error.__traceback__)
            raise

    def __exit__(self, *error: object) -> None:
        self._held.__exit__(*error)  # type: ignore[arg-type]  # what Python gives, handed on


def _events(fields: Sequence[str], where: str) -> list[Event]:
    """The events of a batch: after "batch", the uid and the token, each is a kind and a body."""
    try:
        return [event_from_json(fields[i], fields[i + 1]) for i in range(3, len(fields), 2)]
    except (CorruptLog, IndexError) as error:
        raise CorruptLog(f"an entry in {where} is damaged ({error}); {RESTORE}") from error


def _bytes(text: str, key: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise CorruptLog(f"what is kept under {key!r} in {where} is damaged ({error})", key=key) from error
