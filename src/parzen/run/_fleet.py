"""What a user said about where trials run, checked once: how many at once, on what, and how long each may take."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen._wording import counted
from parzen.run._stopping import checked_count, checked_seconds
from parzen.run.executors import Executor, executor_of
from parzen.run.executors._evaluate import visible_devices

__all__ = ["Fleet", "fleet_of"]


_PYTHON = 10_000_000
"""Bytes of an interpreter that has imported nothing."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Where the trials of a run are evaluated.

    Attributes:
        executor: what evaluates them.
        places: the devices of each trial that runs at once, name -> device.
        trial_timeout: seconds that a trial may take; None for any.
        trial_memory: bytes that a trial may use; None for any.
        grace: seconds after the run's timeout in which running trials may end by themselves, before they are ended; None
            waits for them.
    """

    executor: Executor
    places: tuple[Mapping[str, Any], ...]
    trial_timeout: float | None = None
    trial_memory: int | None = None
    grace: float | None = None


def fleet_of(
    parallel: int | None = None,
    executor: Any = None,  # an engine of any library
    threads: bool = False,
    slots: Mapping[str, Iterable[Any]] | None = None,
    trial_timeout: float | None = None,
    trial_memory: float | str | None = None,
    grace: float | None = None,
) -> Fleet | None:
    """The fleet that the arguments of `Study.run` ask for; None for a run in this process, one trial at a time.

    Raises:
        TypeError, ValueError: an argument makes no sense, or two of them contradict each other.
        ExecutorError, MissingDependency: the executor cannot be used.
    """
    many = None if parallel is None else checked_count("parallel", parallel, least=1)
    devices = _checked_slots(slots)
    seconds = None if trial_timeout is None else checked_seconds("trial_timeout", trial_timeout)
    memory = None if trial_memory is None else checked_bytes("trial_memory", trial_memory)
    if memory is not None and memory < _PYTHON:
        raise ValueError(
            f"trial_memory is {trial_memory!r:.80}, {counted(memory, 'byte')}: Python alone uses {_PYTHON / 1e6:.0f} MB, so that every "
            "trial would be ended; give a limit such as '2 GB'"
        )
    if grace is not None and grace != 0:
        grace = checked_seconds("grace", grace)
    if many in {None, 1} and executor is None and not threads and not devices and seconds is memory is grace is None:
        return None
    if threads and executor is not None:
        raise ValueError("threads=True and executor= both say where trials run: give one of them")
    if threads and not (seconds is memory is None):
        raise ValueError(
            "nothing can end a thread: trial_timeout and trial_memory need processes, leave threads=True away"
        )
    most = min(map(len, devices.values()), default=None)
    if many is None and executor is None:
        many = most or 1
    chosen = executor_of(executor, many, threads=threads)
    # An engine that grows may have more places than there are devices; who says parallel= means it.
    count = chosen.slots if many is not None or most is None else min(chosen.slots, most)
    if most is not None and count > most:
        lacking = next(name for name, given in devices.items() if len(given) == most)
        raise ValueError(
            f"{count} trials at once need {count} entries in slots[{lacking!r}], it has {most}: each running trial gets one"
        )
    places = tuple({name: given[i] for name, given in devices.items()} for i in range(count))
    return Fleet(chosen, places, seconds, memory, None if grace is None else float(grace))


def _checked_slots(slots: Any) -> dict[str, list[Any]]:
    if slots is None:
        return {}
    if not isinstance(slots, Mapping) or not all(isinstance(name, str) for name in slots):
        raise TypeError(f"slots maps names to lists, such as {{'gpu': [0, 1]}}, got {slots!r:.80}")
    found = {}
    for name, given in slots.items():
        if isinstance(given, (str, bytes)) or not (isinstance(given, Iterable) and isinstance(given, Sized)):
            raise TypeError(f"slots[{name!r}] is a list with one entry for each trial at once, got {given!r:.80}")
        found[name] = list(given)
        if not found[name]:
            raise ValueError(f"slots[{name!r}] is empty: there is nothing to give to a trial")
        for device in found[name]:
            for variable, text in visible_devices({name: device}).items():
                if not _may_be_set(text):
                    raise ValueError(f"slots[{name!r}] has {device!r:.80}, which cannot be the value of {variable}")
    return found


def _may_be_set(text: str) -> bool:
    """Whether a text can stand in a process's environment."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


_UNITS = {"b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt]i?)b?|(b))\s*", re.IGNORECASE)


_BARE = re.compile(r"\s*[0-9]+(\.[0-9]+)?\s*")


def checked_bytes(name: str, value: Any) -> int:
    """An amount of memory in bytes.

    Args:
        value: a number of bytes, or text such as "500 MB" or "2 GiB".

    Raises:
        ValueError: it is not a positive amount.
    """
    found: float = math.nan
    if isinstance(value, str):
        match = _SIZE.fullmatch(value)
        if match is not None:
            found = float(match[1]) * _UNITS[(match[2] or match[3]).lower()]
        elif _BARE.fullmatch(value):
            raise ValueError(
                f"{name} is text with a unit, such as '2 GB', or a number of bytes; {value!r:.80} has no unit"
            )
    elif isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        found = float(value)
    if not 1 <= found < math.inf:
        raise ValueError(f"{name} is a number of bytes or text such as '2 GB', got {value!r:.80}")
    return int(found)
