"""A process and the one that started it: none outlives its parent here.

A supervisor that is killed cannot clean up after itself, so the kernel does: each child asks to be killed when its
parent ends.  What a killed process leaves half done is settled by transactions and leases, not by its last words.
"""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_SMAPS_KB: Final = 1024

#: Loaded before any fork: a child between fork and exec must not load libraries.
_libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with(parent: int) -> None:
    """Ask the kernel to kill this process when the process ``parent``, which started it, ends.

    For the first instructions of a child.  A parent that is gone already ends the child here.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def proportional_bytes(pid: int) -> int:
    """Memory of a process in which pages that n processes share count an n-th each (PSS); 0 where it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * _SMAPS_KB for line in text.splitlines() if line.startswith("Pss:")), 0)


def with_descendants(pid: int) -> list[int]:
    """``pid`` and every process below it, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := parent_of(int(entry.name))):
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def parent_of(pid: int) -> int | None:
    """The parent of a process; None where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1])
