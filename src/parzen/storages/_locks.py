"""Locks of an open file.

POSIX's older ones belong to the process, and end as soon as it closes any descriptor of the file.  Linux has them (`F_OFD_SETLK`); elsewhere the record that the system wants differs, or there are none.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING or sys.platform != "win32":
    import fcntl

__all__ = ["OPEN_FILE_LOCKS", "lock_open_file"]

OPEN_FILE_LOCKS = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")
"""Whether `lock_open_file` can do anything here."""


def lock_open_file(descriptor: int, kind: Literal["read", "write", "none"], start: int = 0, length: int = 0) -> None:
    """Take a lock of an open file if it is free, or let go of it.

    Args:
        descriptor: of the file.
        kind: "read" is shared, "write" exclusive, and "none" lets go.
        start, length: bytes of the file; a length of 0 goes to its end, wherever that comes to be.

    Raises:
        OSError: somebody else has it (EACCES, EAGAIN), or the file system has no locks.
    """
    what = {"read": fcntl.F_RDLCK, "write": fcntl.F_WRLCK, "none": fcntl.F_UNLCK}[kind]
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, struct.pack("hhqqi", what, os.SEEK_SET, start, length, 0))
