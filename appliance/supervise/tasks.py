"""What the appliance does on a schedule.  Each task may be cut anywhere and run again; none needs another's success."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from appliance.audit.schedule import checkpoint_due
from appliance.config.settings import Settings
from appliance.errors import D2RError
from appliance.queue.job import JOB_TIMEOUT_S
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

RELEASE_S: Final = 1.0
RECONCILE_S: Final = 3.0
RESUME_S: Final = 5.0
DISK_S: Final = 30.0
EXPIRE_S: Final = 60.0
ALERTS_S: Final = 60.0
DELIVER_S: Final = 5.0
SCRATCH_S: Final = 600.0
REFRESH_S: Final = 300.0
SWEEP_S: Final = 3600.0
#: Working files that nobody touched for longer than a job may run are nobody's.
SCRATCH_KEPT_S: Final = JOB_TIMEOUT_S + 3600.0


@dataclass(frozen=True)
class Task:
    """Something to do every ``period_s`` seconds."""

    name: str
    period_s: float
    run: Callable[[Site], object]


def tasks(settings: Settings) -> tuple[Task, ...]:
    """All tasks of an appliance."""
    ingest, quarantine = "appliance.ingest.housekeeping", "appliance.ingest.quarantine"
    repeats = "appliance.identity.repeats"
    return (
        Task("release delayed jobs", RELEASE_S, lambda site: site.queue.release_due()),
        Task("reconcile", RECONCILE_S, lambda site: import_module("appliance.inspections.service").reconcile(site)),
        Task("reconcile results", RECONCILE_S, of_site("appliance.exchange.service", "reconcile")),
        Task("reconcile changes", RECONCILE_S, of_site("appliance.inspections.scan_changes", "reconcile")),
        Task("resume uploads", RESUME_S, in_every_workspace(ingest, "resume")),
        Task("watch the disk", DISK_S, lambda site: watch_disk(site.settings)),
        Task("expire uploads", EXPIRE_S, in_every_workspace(ingest, "expire")),
        Task("remove discarded uploads", EXPIRE_S, in_every_workspace(quarantine, "remove_discarded")),
        Task("sign checkpoints", float(settings.checkpoint_seconds), sign_checkpoints),
        Task("clean scratch", SCRATCH_S, lambda site: clean_scratch(site.settings.scratch_folder)),
        Task("clear destroyed workspaces", EXPIRE_S, clear_destroyed),
        Task("give up imports", EXPIRE_S, give_up_imports),
        Task("forget answered requests", SWEEP_S, in_every_workspace(repeats, "forget_answered")),
        Task("forget answered control requests", SWEEP_S, forget_answered_control),
        Task("hold people against their directory", REFRESH_S, of_site("appliance.identity.refresh", "refresh_people")),
        Task("close windows of denied attempts", EXPIRE_S, of_site("appliance.identity.denials", "close_windows")),
        Task("forget old sessions", SWEEP_S, of_site("appliance.identity.sessions", "forget_sessions")),
        Task("forget ended grants", SWEEP_S, of_site("appliance.identity.tokens.grants", "forget_grants")),
        Task("forget failed logins", SWEEP_S, of_site("appliance.identity.throttle", "forget_attempts")),
        Task("watch instruments", ALERTS_S, in_every_workspace("appliance.trends.suspicions", "watch_instruments")),
        Task("look for alerts", ALERTS_S, in_every_workspace("appliance.alerts.engine", "look_for_alerts")),
        Task("deliver alerts", DELIVER_S, in_every_workspace("appliance.alerts.delivery", "deliver")),
        Task("sweep objects", SWEEP_S, in_every_workspace(ingest, "sweep")),
    )


def clear_destroyed(site: Site) -> int:
    """Go on with removing what destroyed workspaces left, where that was cut."""
    cleared: int = import_module("appliance.workspaces.destruction").clear_destroyed(site)
    return cleared


def give_up_imports(site: Site) -> int:
    """Clear what imports of workspaces left that were cut."""
    given_up: int = import_module("appliance.workspaces.importing").give_up_imports(site)
    return given_up


def sign_checkpoints(site: Site) -> int:
    """Sign the present state of every log that grew; returns how many were.  One that fails is said, loudly."""
    swept = checkpoint_due(site)
    for each in swept:
        if each.error is not None:
            log.error("the audit log %s is not signed: %s [%s]", each.origin, each.error, each.error.code)
    return sum(each.error is None for each in swept)


def forget_answered_control(site: Site) -> object:
    """Forget what the control plane answered so long ago that nobody may repeat it any more."""
    return import_module("appliance.identity.repeats").forget_answered_control(site)


def of_site(module: str, function: str) -> Callable[[Site], object]:
    """A task of another station for the appliance as a whole; imported when it first runs."""

    def run(site: Site) -> object:
        work: Callable[[Site], object] = getattr(import_module(module), function)
        return work(site)

    return run


def in_every_workspace(module: str, function: str) -> Callable[[Site], object]:
    """A task of another station for each workspace; imported when it first runs: the scheduler is there at once.

    What fails in one workspace is said and does not keep the others waiting.
    """

    def run(site: Site) -> int:
        work: Callable[[WorkspaceScope], object] = getattr(import_module(module), function)
        failures = 0
        for workspace in site.workspaces():
            try:
                work(site.system_scope(workspace.id))
            except D2RError as error:
                failures += 1
                log.error("%s in %s: %s [%s]", function, workspace.slug, error, error.code)
        return failures

    return run


def clean_scratch(folder: Path, kept_s: float = SCRATCH_KEPT_S) -> int:
    """Remove working files that their job left behind; returns how many folders went."""
    limit = time.time() - kept_s
    old = [entry for entry in folder.iterdir() if entry.is_dir() and _latest_change(entry) < limit]
    for entry in old:
        log.warning("removing working files that nobody uses: %s", entry.name)
        shutil.rmtree(entry, ignore_errors=True)
    return len(old)


def watch_disk(settings: Settings) -> int:
    """Say it before uploads are refused; returns the free bytes."""
    free = shutil.disk_usage(settings.data).free
    if free < 2 * settings.free_space_floor_bytes:
        log.warning(
            "%d MB free in %s; uploads are refused below %d MB",
            free >> 20, settings.data, settings.free_space_floor_bytes >> 20,
        )  # fmt: skip
    return free


def _latest_change(folder: Path) -> float:
    changes = [folder.stat().st_mtime]
    for entry in folder.rglob("*"):
        try:
            changes.append(entry.stat().st_mtime)
        except FileNotFoundError:
            continue
    return max(changes)
