"""How a child process gives up, for good, what it does not need to parse a file."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

from appliance.foreign.limits import Limits
from appliance.foreign.seccomp import install_filter

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_FILES: Final = 128


def confine(limits: Limits) -> list[str]:
    """Bound memory and time, forbid privileges, network, programs and other processes.

    The kernel ends this process when its parent ends.

    Returns
    -------
    What this machine could not enforce, in words; empty where everything holds.
    """
    _bound(resource.RLIMIT_AS, limits.memory_bytes)
    _bound(resource.RLIMIT_FSIZE, limits.memory_bytes)
    # The soft limit ends the child with SIGXCPU, which names the reason; the hard one with SIGKILL.
    _bound(resource.RLIMIT_CPU, limits.cpu_seconds, slack=1)
    _bound(resource.RLIMIT_CORE, 0)
    _bound(resource.RLIMIT_NOFILE, _OPEN_FILES)
    library = ctypes.CDLL(None, use_errno=True)
    gaps: list[str] = []
    for option, value, name in (
        (_PR_SET_PDEATHSIG, int(signal.SIGKILL), "to end with its parent"),
        (_PR_SET_DUMPABLE, 0, "to hide its memory"),
        (_PR_SET_NO_NEW_PRIVS, 1, "to give up new privileges"),
    ):
        if library.prctl(option, value, 0, 0, 0) != 0:
            gaps.append(f"the kernel did not let the reader {name} ({os.strerror(ctypes.get_errno())})")
    reason = install_filter()
    return [*gaps, reason] if reason else gaps


def _bound(kind: int, value: int, slack: int = 0) -> None:
    """Lower a limit; one that is already tighter stays."""
    _, hard = resource.getrlimit(kind)
    ceiling = value + slack if hard == resource.RLIM_INFINITY else min(value + slack, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))
