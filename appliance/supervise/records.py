"""Records of supervision: what is to run, how it is doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

State = Literal["starting", "ready", "waiting", "stopped"]


@dataclass(frozen=True)
class Program:
    """One process that the supervisor keeps running.

    Parameters
    ----------
    where : what a person would look for: a socket, an address, a count
    is_ready : asked with the moment (``time.time()``) of its start; cheap and prompt
    stop_s : seconds between the request to stop and the next, harder one
    requests : how often it is asked (SIGTERM) before it is killed
    beats : files that the process touches while it lives; where one is not touched for ``silent_s``, it hangs
    early : started at once, beside the check of the databases: it opens them late
    ready_within_s : longest time from the start of the appliance until it is ready
    """

    name: str
    command: tuple[str, ...]
    where: str
    is_ready: Callable[[float], bool]
    stop_s: float = 10.0
    requests: int = 1
    beats: tuple[Path, ...] = ()
    silent_s: float = 300.0
    early: bool = False
    ready_within_s: float = 60.0
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessStatus:
    """How one process is doing, as ``run/status.json`` tells it; times are RFC 3339, UTC."""

    name: str
    state: State
    pid: int | None
    where: str
    since: str
    restarts: int
    reason: str


@dataclass(frozen=True)
class ApplianceStatus:
    """How the appliance is doing: its supervisor and every process."""

    running: bool
    pid: int | None = None
    url: str = ""
    started_at: str = ""
    ready_s: float | None = None
    processes: tuple[ProcessStatus, ...] = ()
