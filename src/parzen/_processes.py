"""Which process a number means: numbers are used again, and with every boot of the machine they begin anew."""

from __future__ import annotations

import functools
from pathlib import Path

__all__ = ["boot", "start_time"]


@functools.cache
def boot() -> str:
    """The id of this boot of the machine; "-" where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "-"


def start_time(pid: int, *, zombies: bool = False) -> str:
    """Ticks since the boot at which a process started; "-" where the system does not say, "" where there is no process.

    Args:
        pid: its number.
        zombies: whether one counts that has ended, and that nobody has asked how: it runs nothing, but what it started may.
    """
    try:
        # The name in brackets may itself hold spaces and brackets.
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rsplit(")", 1)[1].split()
        return "" if fields[0] == "Z" and not zombies else fields[19]
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return ""
    except (OSError, IndexError):
        pass
    return "-"
