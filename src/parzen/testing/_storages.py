"""What every storage must do, as a program: the protocol of `parzen.log.Storage`, sentence by sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from parzen._typing import JSON
from parzen.errors import Conflict, ParzenError, StudyExists, StudyNotFound
from parzen.log import Beat, Claim
from parzen.trials import (
    Asked,
    Entry,
    Event,
    Finished,
    Header,
    Noted,
    Outcome,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    State,
    TrialError,
    Unknown,
    exactly,
    note_event,
)

if TYPE_CHECKING:
    from parzen.log import Storage

__all__ = ["CASES", "check_storage"]


def check_storage(make_storage: Callable[[], Storage]) -> None:
    """Hold a storage against every sentence of its protocol.

    A storage that keeps no events, and says so by having `live`, cannot read back; for it those checks are left out.

    Args:
        make_storage: gives a new, empty storage each time it is called; each is closed here.

    Raises:
        AssertionError: a promise is not kept; the text says which one.
    """
    for case in CASES.values():
        storage = make_storage()
        try:
            case(storage)
        finally:
            storage.close()


# --- what the cases are made of ---------------------------------------------------------------------------------


def _header(name: str = "study", uid: str = "u1", created: float = 1.5) -> Header:
    space: JSON = {"lr": ["float", 0.1, 1], "β": None}
    return Header(uid, name, created, 2**62, {"loss": "minimize", "acc": "maximize"}, ("loss",), space, noisy=True)


def _asked(number: int) -> Asked:
    return Asked(
        number, (0.1, float("nan"), -3.0), "prior", 12345, number, 10.0 + number, gain=0.5, memo={"a": [1, None]}
    )


def _finished(number: int, attempt: int = 1, state: State = State.OK) -> Finished:
    return Finished(number, attempt, Outcome(state, {"loss": 0.25}, seconds=0.5), 12.0)


def _tokens() -> Callable[[], str]:
    count = iter(range(10**9))
    return lambda: f"{next(count):032x}"


class _Log:
    """A study in a storage, and what ought to be in its log."""

    def __init__(self, storage: Storage, header: Header) -> None:
        self.storage, self.uid = storage, header.uid
        self.token = _tokens()
        self.events: list[Event] = []
        storage.create(header)

    def add(self, *events: Event) -> int:
        seq = self.storage.append(self.uid, events, f"{self.uid}-{self.token()}")
        self.events += events
        assert seq == len(self.events), (
            f"append returns the seq of the batch's last event: {len(self.events)} was expected, {seq} came"
        )
        return seq

    def refuse(self, *events: Event, why: str) -> None:
        try:
            self.storage.append(self.uid, events, f"{self.uid}-{self.token()}")
        except Conflict:
            self.check(f"a refused batch adds nothing ({why})")
        else:
            raise AssertionError(f"append must raise Conflict: {why}")

    def check(self, why: str = "read gives back what was appended, in order") -> None:
        if self.storage.live is None:
            _same(self.storage.read(self.uid), self.events, why)


def _same(entries: Sequence[Entry], events: Sequence[Event], why: str, first: int = 1) -> None:
    # By repr: equal to the last bit, and NaN is NaN.
    found, expected = repr(list(entries)), repr([Entry(seq, event) for seq, event in enumerate(events, first)])
    assert found == expected, f"{why}: expected {expected:.2000}, found {found:.2000}"


# --- the cases --------------------------------------------------------------------------------------------------


def _studies_are_kept_under_their_names(storage: Storage) -> None:
    assert storage.studies() == [], "a new storage has no studies"
    first, second = _header("one", "u1", 1.0), _header("two \ud800 é\x00'\"", "u2", 2.0)
    storage.create(first)
    storage.create(second)

    assert storage.open("one") == first, "open gives the header that create was given"
    assert storage.open(second.name) == second, "a name may be any text, lone surrogates included"
    assert storage.studies() == [first, second], "studies gives all headers, oldest first"


def _a_name_is_taken_once(storage: Storage) -> None:
    header = _header()
    storage.create(header)
    _raises(StudyExists, lambda: storage.create(_header(uid="u2")), "create of a name that is taken")

    assert storage.studies() == [header], "a create that was refused leaves the studies as they were"
    storage.create(_header("STUDY", "u3"))
    assert storage.open("STUDY").uid == "u3", "names that differ in case are different names"


def _an_unknown_study_is_not_found(storage: Storage) -> None:
    _raises(StudyNotFound, lambda: storage.open("nobody"), "open of a name that no study has")
    storage.create(_header())
    _raises(StudyNotFound, lambda: storage.open("nobody"), "open of a name that no study has")
    _raises(StudyNotFound, lambda: storage.append("u9", [_asked(0)], "t"), "append to a study that does not exist")
    _raises(StudyNotFound, lambda: storage.read("u9"), "read of a study that does not exist")
    _raises(StudyNotFound, lambda: storage.rename("u9", "name"), "rename of a study that does not exist")
    _raises(StudyNotFound, lambda: storage.delete("u9"), "delete of a study that does not exist")
    _raises(StudyNotFound, lambda: storage.put("u9", "key", b""), "put to a study that does not exist")
    _raises(StudyNotFound, lambda: storage.drop("u9", "key"), "drop of a study that does not exist")
    assert storage.get("u9", "key") is None, "get gives None for a study that does not exist"
    assert storage.keys("u9") == [], "keys gives none for a study that does not exist"


def _a_study_can_be_renamed(storage: Storage) -> None:
    log = _Log(storage, _header("old"))
    log.add(_asked(0))
    storage.create(_header("other", "u2"))
    storage.rename("u1", "new")

    assert storage.open("new") == replace(_header("old"), name="new"), "rename changes the name and nothing else"
    _raises(StudyNotFound, lambda: storage.open("old"), "open of the old name after a rename")
    _raises(StudyExists, lambda: storage.rename("u1", "other"), "rename to a name that is taken")
    log.check("rename leaves the log as it was")


def _a_deleted_study_is_gone_with_all_it_had(storage: Storage) -> None:
    log, other = _Log(storage, _header()), _Log(storage, _header("other", "u2"))
    log.add(_asked(0))
    other.add(_asked(0))
    storage.put("u1", "key", b"data")
    storage.put("u2", "key", b"data")
    if storage.live is not None:
        storage.live["u1"] = object()
    storage.delete("u1")

    assert [header.uid for header in storage.studies()] == ["u2"], "delete removes the study and no other"
    assert storage.get("u1", "key") is None, "delete removes the bytes that were put"
    assert storage.keys("u1") == [], "delete removes the keys of the bytes that were put"
    assert storage.get("u2", "key") == b"data", "delete leaves the bytes of other studies as they were"
    assert storage.live is None or "u1" not in storage.live, "delete takes the study's stream out of live"
    other.check("delete leaves the other studies as they were")
    _Log(storage, _header()).add(_asked(0))  # the name and the numbers are free again


def _every_event_comes_back_as_it_went_in(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0), Started(0, 1, "host:1:2", 11.0))
    log.add(Reported(0, 1, 3.0, {"loss": float("inf"), "acc": 0.1 + 0.2}, 11.5))
    outcome = Outcome(
        State.FAILED,
        {"loss": float("nan")},
        variance=1e-300,
        constraints=(-1.0, 2.0),
        extra={"text": "é\ud800\x00\n", "list": [1, {"a": None}], "yes": True},
        error=TrialError("builtins.ValueError", "no\nway", "Traceback …"),
        seconds=0.1,
    )
    log.add(Finished(0, 1, outcome, 12.0), Requested("budget", None, 100, 12.5), Noted("who", {"name": "α"}, 13.0))
    log.add(Retracted(0, "a mistake", 14.0), Unknown("dreamt", '{"of":"sheep"}'))

    log.check()


def _entries_are_numbered_from_one_without_gaps(storage: Storage) -> None:
    log = _Log(storage, _header())
    for number in range(5):
        log.add(_asked(number), Started(number, 1, "w", 1.0))
    log.refuse(_asked(7), why="trial 7 when the next number is 5")
    log.add(_asked(5))
    if storage.live is None:
        _same(storage.read("u1", after=4), log.events[4:], "read(after=4) begins with entry 5", first=5)
        _same(storage.read("u1", after=4, limit=3), log.events[4:7], "read(limit=3) gives at most three", first=5)
        _same(storage.read("u1", limit=0), [], "read(limit=0) gives none")
        _same(storage.read("u1", after=11), [], "read from the end gives none")
        _same(storage.read("u1", after=9, limit=100), log.events[9:], "a limit may be larger than the log", first=10)


def _the_next_number_is_the_only_one_that_may_be_asked(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.refuse(_asked(1), why="trial 1 was asked before trial 0")
    log.add(_asked(0), _asked(1))
    log.refuse(_asked(1), why="trial 1 was asked twice")
    log.refuse(_asked(3), why="trial 2 was left out")
    log.refuse(_asked(-1), why="a negative number was asked")
    log.add(_asked(2))


def _a_trial_is_started_by_one_worker_only(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.refuse(Started(0, 1, "w", 1.0), why="a trial that does not exist was started")
    log.add(_asked(0))
    log.refuse(Started(0, 2, "w", 1.0), why="attempt 2 was started before attempt 1")
    log.refuse(Started(0, 0, "w", 1.0), why="attempt 0 was started")
    log.refuse(Started(-1, 1, "w", 1.0), why="a trial of a negative number was started")
    log.refuse(Started(2**70, 1, "w", 1.0), why="a trial far beyond the last was started")
    log.add(Started(0, 1, "w", 1.0))
    log.refuse(Started(0, 1, "v", 1.0), why="attempt 1 was started twice")
    log.refuse(Started(0, 2, "v", 1.0), why="a trial was started again while it was RUNNING")
    log.add(_finished(0))
    log.refuse(Started(0, 2, "v", 1.0), why="a finished trial was started")


def _a_released_trial_may_be_started_again(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0), Started(0, 1, "w", 1.0), Released(0, 1, "interrupted", 2.0))
    log.refuse(Started(0, 1, "w", 3.0), why="an attempt that was released was started again under its old number")
    log.add(Started(0, 2, "w", 3.0))
    log.add(Released(0, 1, "late", 3.5), _finished(0, 1))
    log.refuse(Started(0, 3, "w", 4.0), why="what came late from attempt 1 ended attempt 2")
    log.add(_finished(0, 2))
    log.add(Released(0, 2, "too late", 5.0))
    log.refuse(Started(0, 3, "w", 6.0), why="a finished trial was released and started")


def _a_retracted_trial_is_never_started(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0), _asked(1), Started(1, 1, "w", 1.0))
    log.add(Retracted(0, "no", 2.0), Retracted(1, "no", 2.0))
    log.refuse(Started(0, 1, "w", 3.0), why="a retracted trial was started")
    log.add(Released(1, 1, "late", 3.0))
    log.refuse(Started(1, 2, "w", 3.0), why="a retracted trial was released and started")


def _reports_and_remarks_are_always_accepted(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(Reported(5, 1, 0.0, {}, 1.0), _finished(5), Released(5, 1, "", 1.0), Retracted(5, "", 1.0))
    log.add(Requested("cancel", 5, None, 1.0), Noted("k", None, 1.0), Unknown("dreamt", "{}"))
    log.add(_asked(0), Started(0, 1, "w", 1.0), _finished(0))
    log.add(_finished(0), Reported(0, 1, 0.0, {}, 1.0))


def _what_people_want_is_kept_word_for_word(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0), Started(0, 1, "w", 1.0))
    for value in (7, exactly(3), exactly(None)):
        log.add(Requested("budget", None, value, 2.0))
    log.add(*(Requested(action, None, None, 3.0) for action in ("stop", "pause", "resume", "an action of tomorrow")))
    log.add(Requested("cancel", 0, None, 4.0), note_event("é\ud800\x00\n<b>", 0, 5.0), note_event("x", None, 5.0))
    log.refuse(Started(0, 2, "w", 6.0), why="a trial that is to be cancelled runs until it has ended")
    log.add(_finished(0, state=State.CANCELLED))
    log.refuse(Started(0, 2, "w", 7.0), why="a trial that was cancelled was started")
    log.check()


def _a_batch_is_added_as_a_whole_or_not_at_all(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0))
    log.refuse(
        Noted("k", 1, 1.0), _asked(1), Started(0, 1, "w", 1.0), _asked(3), why="the last of a batch does not fit"
    )
    log.add(_asked(1))  # 1 is still free
    log.add(Started(0, 1, "w", 1.0))  # and 0 still waiting
    log.add(_asked(2), Started(2, 1, "w", 1.0), _finished(2), _asked(3))
    log.refuse(Started(2, 2, "w", 1.0), why="a later event of a batch did not see what an earlier one did")


def _a_batch_that_is_sent_again_is_not_added_again(storage: Storage) -> None:
    log = _Log(storage, _header())
    batch: list[Event] = [_asked(0), Started(0, 1, "w", 1.0)]
    seq = storage.append("u1", batch, "token-1")
    log.events += batch
    reports: list[Event] = [Reported(0, 1, 1.0, {"loss": 1.0}, 1.0)]
    other = storage.append("u1", reports, "token-2")
    log.events += reports

    def again(events: Sequence[Event], token: str, expected: int) -> None:
        try:
            found = storage.append("u1", events, token)
        except Conflict as error:
            raise AssertionError(f"a batch sent again with its token is found, not refused: {error}") from error
        assert found == expected, f"a batch sent again returns the seq that it has, {expected}, not {found}"

    again(batch, "token-1", seq)
    again(reports, "token-2", other)
    log.check("a batch that is sent again with its token is not added twice")
    log.add(_finished(0))


def _a_claim_starts_the_first_trial_that_waits(storage: Storage) -> None:
    log = _Log(storage, _header())

    def claim(token: str) -> Claim | None:
        return storage.claim("u1", "w", 20.0, f"claim-{token}")

    assert claim("a") is None, "there is nothing to claim in a study without trials"
    log.add(_asked(0), _asked(1), _asked(2), Started(1, 1, "v", 1.0))
    for token, number, attempt in (("b", 0, 1), ("c", 2, 1)):
        found = claim(token)
        started = Started(number, attempt, "w", 20.0)
        log.events.append(started)

        assert found is not None, "a WAITING trial is claimed"
        assert found.started == started, f"the WAITING trial with the lowest number is started: {started}, not {found}"
        assert found.seq == len(log.events), "a claim says where its Started is in the log"
        assert storage.live is not None or repr(found.asked) == repr(_asked(number)), "a claim has what was asked"
        assert claim(token) == found or repr(claim(token)) == repr(found), "a claim sent again is given what it took"
        log.check("a claim adds a Started, once")
    assert claim("d") is None, "what is RUNNING is not claimed"
    log.add(Released(2, 1, "interrupted", 21.0))
    found = claim("e")
    log.events.append(Started(2, 2, "w", 20.0))

    assert found is not None, "a released trial is claimed again"
    assert found.started.attempt == 2, "attempts are counted"
    log.refuse(Started(2, 2, "v", 22.0), why="a claimed trial was started")
    log.add(_finished(0), _finished(2, 2))
    assert claim("f") is None, "what has finished is not claimed"
    log.check()


def _claims_of_many_never_meet(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(*(_asked(number) for number in range(40)))
    taken: list[int] = []
    errors: list[BaseException] = []

    def work(me: str) -> None:
        try:
            turn = 0
            while (found := storage.claim("u1", me, 1.0, f"{me}-{turn}")) is not None:
                taken.append(found.started.number)
                turn += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors, f"any thread may claim: {errors!r}"
    assert sorted(taken) == list(range(40)), f"each trial is claimed once: {sorted(taken)}"


def _a_turn_is_a_batch_that_nobody_can_conflict_with(storage: Storage) -> None:
    log = _Log(storage, _header())
    log.add(_asked(0), Started(0, 1, "me", 1.0))
    given: list[Entry] = []

    def take(after: int, *events: Event) -> int:
        def decide(new: list[Entry]) -> Sequence[Event]:
            given[:] = new
            return events

        seq = storage.turn(log.uid, after, decide, f"turn-{log.token()}")
        log.events += events
        return seq

    assert take(2) == 2, "a turn that decides on nothing adds nothing, and gives the last place of the log"
    assert take(1, _finished(0), _asked(1), Started(1, 1, "me", 2.0)) == 5, "a turn gives the seq of its last event"
    if storage.live is None:
        _same(given, log.events[1:2], "a turn is given the entries that the caller does not know", first=2)
    _raises(Conflict, lambda: take(5, _asked(5)), "a turn that asks for a number which is not the next one")

    def fail(new: list[Entry]) -> Sequence[Event]:
        raise KeyError("decided")

    try:
        storage.turn(log.uid, 5, fail, "turn-failed")
    except KeyError:
        pass
    else:
        raise AssertionError("a turn raises what decide raises")
    log.check("a turn that was refused or failed adds nothing")
    _raises(
        StudyNotFound, lambda: storage.turn("nobody", 0, lambda new: (), "t"), "a turn of a study that is not there"
    )
    log.refuse(Started(1, 1, "other", 3.0), why="a turn has started the trial")


def _turns_of_many_never_meet(storage: Storage) -> None:
    log, failed = _Log(storage, _header()), list[BaseException]()
    known = [0]  # how many were asked for; only whoever has the turn looks

    def work(me: str) -> None:
        def decide(new: list[Entry]) -> Sequence[Event]:
            number = known[0]
            known[0] += 1
            return _asked(number), Started(number, 1, me, 1.0)

        try:
            for i in range(5):
                storage.turn(log.uid, 0, decide, f"{me}-{i}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"worker {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failed, f"turns of several threads never conflict, but one raised {failed[0]!r}"
    if storage.live is None:
        numbers = [entry.event.number for entry in storage.read(log.uid) if isinstance(entry.event, Asked)]
        assert numbers == list(range(20)), f"turns follow one another: asked for {numbers}"


def _beats_are_counted(storage: Storage) -> None:
    storage.create(_header())
    storage.create(_header("other", "u2"))

    assert storage.beats("u1") == {}, "a new study has no workers"
    storage.beat("u1", "host/1", 60.0)
    storage.beat("u1", "é\ud800", 1.5)
    storage.beat("u1", "host/1", 30.0)
    expected = {"host/1": Beat(2, 30.0), "é\ud800": Beat(1, 1.5)}
    assert storage.beats("u1") == expected, f"each beat counts one more, with the lease said last: {expected}"
    assert storage.beats("u2") == {}, "workers belong to one study"
    storage.leave("u1", "host/1")
    storage.leave("u1", "nobody")
    assert list(storage.beats("u1")) == ["é\ud800"], "leave forgets a worker and no other"
    storage.beat("u1", "host/1", 60.0)
    assert storage.beats("u1")["host/1"].total == 1, "a worker that comes back begins anew"
    storage.beat("u1", "w" * 200, 60.0)
    for beat in (lambda: storage.beat("u9", "w", 60.0), lambda: storage.leave("u9", "w")):
        _raises(StudyNotFound, beat, "a beat for a study that does not exist")
    assert storage.beats("u9") == {}, "beats gives none for a study that does not exist"
    assert storage.read("u1") == [], "beats are no entries of the log"
    storage.delete("u1")
    assert storage.beats("u1") == {}, "delete removes the beats of a study"


def _studies_do_not_touch_each_other(storage: Storage) -> None:
    one, two = _Log(storage, _header("one", "u1")), _Log(storage, _header("two", "u2"))
    one.add(_asked(0), _asked(1))
    two.add(_asked(0))
    two.add(Started(0, 1, "w", 1.0))
    one.add(Started(0, 1, "w", 1.0))
    one.check()
    two.check()


def _bytes_are_kept_as_they_are(storage: Storage) -> None:
    storage.create(_header())
    storage.create(_header("other", "u2"))
    data = bytes(range(256)) * 5000

    assert storage.get("u1", "key") is None, "get gives None where nothing was put"
    storage.put("u1", "key", b"")
    assert storage.get("u1", "key") == b"", "no bytes at all can be kept"
    storage.put("u1", "key", data)
    storage.put("u1", "é\ud800", b"x")
    assert storage.get("u1", "key") == data, "get gives what was put last"
    assert storage.get("u1", "é\ud800") == b"x", "a key may be any text"
    assert storage.get("u2", "key") is None, "bytes belong to one study"


def _bytes_can_be_listed_and_dropped(storage: Storage) -> None:
    storage.create(_header())
    storage.create(_header("other", "u2"))

    assert storage.keys("u1") == [], "a new study has no keys"
    for key in ("b", "é\ud800", "B", "b", "a/1"):
        storage.put("u1", key, key.encode("utf-8", "surrogatepass"))
    storage.put("u2", "c", b"2")
    assert storage.keys("u1") == ["B", "a/1", "b", "é\ud800"], "keys are sorted, and differ if their case does"
    storage.drop("u1", "b")
    assert storage.get("u1", "b") is None, "drop lets go of the bytes"
    assert storage.get("u1", "B") == b"B", "drop lets go of one key only"
    storage.drop("u1", "c")
    assert storage.keys("u1") == ["B", "a/1", "é\ud800"], "to drop what is not there does nothing"
    assert storage.keys("u2") == ["c"], "drop leaves the other studies as they were"
    storage.put("u1", "b", b"again")
    assert storage.get("u1", "b") == b"again", "a key that was dropped can be used again"


def _a_long_text_is_kept(storage: Storage) -> None:
    log = _Log(storage, replace(_header(), space=["x" * 100_000]))
    log.add(Noted("k", "y" * 200_000, 1.0))
    storage.put("u1", "key", b"z" * 300_000)

    assert storage.open("study").space == ["x" * 100_000], "a header may be longer than 64 kB"
    assert storage.get("u1", "key") == b"z" * 300_000, "bytes may be longer than 64 kB"
    log.check("an event may be longer than 64 kB")


def _any_thread_may_append(storage: Storage) -> None:
    log = _Log(storage, _header())
    lock, faults = threading.Lock(), []
    taken: list[int] = []

    def work(worker: int) -> None:
        number = 0
        for turn in range(10):
            while True:
                try:
                    storage.append("u1", [_asked(number), Started(number, 1, str(worker), 1.0)], f"{worker}-{turn}")
                    break
                except Conflict:
                    number += 1
                except BaseException as error:  # told to the thread that checks
                    faults.append(repr(error))
                    return
            with lock:
                taken.append(number)
            number += 1

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not faults, f"any thread may append: {faults}"
    assert sorted(taken) == list(range(40)), "of the threads that ask for a number exactly one gets it"
    if storage.live is None:
        entries = storage.read("u1")
        assert [entry.seq for entry in entries] == list(range(1, 81)), "what several threads append has no gaps"
        numbers = [entry.event.number for entry in entries if isinstance(entry.event, Asked)]
        assert numbers == list(range(40)), "trials are in the log in the order of their numbers"
    log.storage.append("u1", [_asked(40)], "last")


def _it_says_where_it_is(storage: Storage) -> None:
    assert isinstance(storage.location, str), "location is text"
    assert storage.location, "location says something"
    assert isinstance(storage.durable, bool), "durable is a bool"
    assert storage.durable or storage.location == "memory", 'what dies with the process is located in "memory"'
    assert storage.live in (None, {}), "live is None, or a dict that is empty in a new storage"
    assert not storage.durable or storage.live is None, "a durable storage keeps its events, so that its live is None"


def _raises(kind: type[ParzenError], act: Callable[[], object], what: str) -> None:
    try:
        act()
    except kind:
        return
    except ParzenError as error:
        raise AssertionError(f"{what} must raise {kind.__name__}, it raised {error!r}") from error
    raise AssertionError(f"{what} must raise {kind.__name__}, it raised nothing")


CASES: dict[str, Callable[[Storage], None]] = {
    case.__name__.strip("_"): case
    for case in (
        _it_says_where_it_is,
        _studies_are_kept_under_their_names,
        _a_name_is_taken_once,
        _an_unknown_study_is_not_found,
        _a_study_can_be_renamed,
        _a_deleted_study_is_gone_with_all_it_had,
        _every_event_comes_back_as_it_went_in,
        _entries_are_numbered_from_one_without_gaps,
        _the_next_number_is_the_only_one_that_may_be_asked,
        _a_trial_is_started_by_one_worker_only,
        _a_released_trial_may_be_started_again,
        _a_retracted_trial_is_never_started,
        _reports_and_remarks_are_always_accepted,
        _what_people_want_is_kept_word_for_word,
        _a_batch_is_added_as_a_whole_or_not_at_all,
        _a_batch_that_is_sent_again_is_not_added_again,
        _a_claim_starts_the_first_trial_that_waits,
        _claims_of_many_never_meet,
        _a_turn_is_a_batch_that_nobody_can_conflict_with,
        _turns_of_many_never_meet,
        _beats_are_counted,
        _studies_do_not_touch_each_other,
        _bytes_are_kept_as_they_are,
        _bytes_can_be_listed_and_dropped,
        _a_long_text_is_kept,
        _any_thread_may_append,
    )
}
"""Name of a promise -> its check of a new, empty storage."""
