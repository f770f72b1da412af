"""A process with everything that it has started: its memory, and its end.

A worker leads a session of its own, so that what its objective started is still known as its own when the worker itself, or
a process between, has gone and the system has given the rest to another parent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from parzen._lazy import require

__all__ = ["end_tree", "lead_session", "memory_of"]

_ROUNDS = 20
"""Who forks while it is being ended is looked for again; each round finds what the last one was too early for."""


def lead_session() -> None:
    """Make this process the leader of a session: Ctrl-C in the terminal is for the driver alone."""
    if hasattr(os, "setsid"):
        try:
            os.setsid()
        except PermissionError:  # it is one already
            return


def _psutil() -> Any:  # it ships no types
    return require("psutil", "parzen[parallel]")


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid) if hasattr(os, "getsid") else None
    except OSError:
        return None


def _members(roots: Iterable[int]) -> dict[int, list[Any]]:
    """For each root the processes of its tree that have not ended, whether or not the root is still there.

    Which session a process is in is asked of the kernel in a microsecond, whose child it is takes a hundred times that, so
    the latter is asked of the leaders of other sessions only: whoever has left a session leads another.
    """
    psutil, wanted = _psutil(), set(roots)
    found: dict[int, list[Any]] = {root: [] for root in wanted}
    for pid, root in _owned(psutil, wanted):
        try:
            process = psutil.Process(pid)
        except psutil.Error:
            continue
        if _lives(process, psutil):
            found[root].append(process)
    return found


def _owned(psutil: Any, wanted: set[int]) -> Iterator[tuple[int, int]]:
    """Each process that is of a tree, and the root of that."""
    if not hasattr(os, "getsid"):
        for root in wanted:
            yield root, root
            try:
                yield from ((child.pid, root) for child in psutil.Process(root).children(recursive=True))
            except psutil.Error:
                continue
        return
    session = {pid: _session_of(pid) for pid in psutil.pids()}
    known: dict[int | None, int | None] = {None: None, 0: None, **{root: root for root in wanted}}

    def root_of(leader: int | None) -> int | None:
        """The root of a session's leader."""
        if leader not in known:
            known[leader] = None  # should it go in a circle
            try:
                parent = psutil.Process(leader).ppid()
            except psutil.Error:
                return None
            known[leader] = parent if parent in wanted else root_of(session.get(parent))
        return known[leader]

    for pid, leader in session.items():
        top = pid if pid in wanted else root_of(leader)
        if top is not None:
            yield pid, top


def _lives(process: Any, psutil: Any) -> bool:
    try:
        return bool(process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
    except psutil.Error:
        return False


def end_tree(root: int, *, itself: bool = True) -> None:
    """End a process and everything that it has started, for good: none of them can refuse.

    Args:
        root: the process's number; it leads a session if it has called `lead_session`.
        itself: whether the process itself is ended too.
    """
    psutil = _psutil()
    for _ in range(_ROUNDS):
        members = [process for process in _members([root])[root] if itself or process.pid != root]
        if not members:
            return
        for process in members:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(members, timeout=0.5)


def memory_of(roots: Iterable[int], limit: int) -> dict[int, int]:
    """Bytes of memory that trees of processes use, of those trees that may use more than a limit.

    What forked processes share counts once where the system says how much that is; that costs, so it is asked only of
    trees that are beyond the limit when it is counted for each.

    Args:
        roots: numbers of the processes at the top.
        limit: in bytes.
    """
    found = {}
    for root, members in _members(roots).items():
        if _sum(members, shared=True) > limit and (used := _sum(members, shared=False)) > limit:
            found[root] = used
    return found


def _sum(members: Iterable[Any], *, shared: bool) -> int:
    psutil, total = _psutil(), 0
    for process in members:
        try:
            if shared:
                total += process.memory_info().rss
            else:
                full = process.memory_full_info()
                total += full.pss if sys.platform == "linux" else full.uss
        except psutil.Error:  # it has ended meanwhile, or is somebody else's
            continue
    return total
