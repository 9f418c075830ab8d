"""The running appliance: its processes, its queue, what waits in its workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from appliance.config.settings import Settings
from appliance.core.clock import parse_rfc3339, rfc3339_us, utc_now
from appliance.ingest.models import RECEIVING, UploadRow
from appliance.inspections.models import FINAL, InspectionRow
from appliance.queue.connection import Queue
from appliance.supervise.doctor.records import Finding, good, judged
from appliance.supervise.programs import scheduler_beat, worker_beat
from appliance.supervise.readiness import silent_s
from appliance.supervise.records import ApplianceStatus
from appliance.tenancy.site import Site

#: A worker or scheduler that says nothing this long hangs.
SILENT_S: Final = 60.0
#: More jobs than this wait longer than a shift.
DEEP_QUEUE: Final = 1_000
#: An inspection takes minutes; one that is open this long needs somebody.
OLDEST_S: Final = 3_600.0
#: Uploads that end within this time are named.
EXPIRING_S: Final = 24 * 3_600.0


def processes(settings: Settings, status: ApplianceStatus) -> Iterator[Finding]:
    """Whether everything runs, and says so."""
    remedy = "Start it: d2r up (or the service of this machine)."
    measured = f"process {status.pid}" if status.running else "it does not run"
    yield judged("supervisor", status.running, measured, "it runs", remedy, warning=True)
    for process in status.processes:
        measured = f"{process.state} since {process.since}, started {process.restarts + 1} times"
        remedy = f"{process.reason or 'it is starting'}. See {settings.logs_folder / process.name}.log."
        yield judged(process.name, process.state == "ready", measured, "ready", remedy)
    if status.running:
        yield from _signs_of_life(settings)


def queue(settings: Settings, *, is_running: bool) -> Iterator[Finding]:
    """Whether Redis answers, and how many jobs wait."""
    if not is_running and not settings.redis_url:
        return
    client = Queue(settings)
    depth = client.depth()
    client.close()
    remedy = "See logs/redis.log. No row is lost: what waits is queued again."
    yield judged("queue", depth is not None, "it answers" if depth is not None else "no answer", "it answers", remedy)
    if depth is not None:
        waiting = sum(depth.values())
        measured = ", ".join(f"{count} {name}" for name, count in depth.items())
        remedy = "Raise workers, if this machine has cores and memory for them."
        yield judged("waiting jobs", waiting <= DEEP_QUEUE, measured, f"at most {DEEP_QUEUE}", remedy, warning=True)


def waiting(site: Site, now: datetime | None = None) -> Iterator[Finding]:
    """The oldest unfinished inspection and the uploads that end soon, of every workspace."""
    moment = now or utc_now()
    for workspace in site.workspaces():
        with site.system_scope(workspace.id):
            yield _oldest_inspection(workspace.slug, moment)
            yield _expiring_uploads(workspace.slug, moment)


def _signs_of_life(settings: Settings) -> Iterator[Finding]:
    beats = [(f"worker {number}", worker_beat(settings, number)) for number in range(1, settings.workers + 1)]
    for name, path in (*beats, ("scheduler's round", scheduler_beat(settings))):
        silent = silent_s(path)
        measured = "no sign of life" if silent is None else f"{silent:.0f} s ago"
        is_well = silent is not None and silent <= SILENT_S
        yield judged(name, is_well, measured, f"within {SILENT_S:.0f} s", "It hangs: d2r down, d2r up.")


def _oldest_inspection(slug: str, now: datetime) -> Finding:
    rows = InspectionRow.select(InspectionRow.id, InspectionRow.created_at).where(InspectionRow.state.not_in(FINAL))
    oldest = rows.order_by(InspectionRow.created_at).first()
    name = f"oldest open inspection of {slug}"
    if oldest is None:
        return good(name, "none is open")
    age_s = (now - parse_rfc3339(oldest.created_at)).total_seconds()
    remedy = f"Look at it: d2r inspection show {oldest.id}. See logs/worker.log."
    measured = f"{oldest.id}, {age_s / 60:.0f} min"
    return judged(name, age_s <= OLDEST_S, measured, f"at most {OLDEST_S / 60:.0f} min", remedy, warning=True)


def _expiring_uploads(slug: str, now: datetime) -> Finding:
    soon = rfc3339_us(now + timedelta(seconds=EXPIRING_S))
    count = UploadRow.select().where(UploadRow.state == RECEIVING, UploadRow.expires_at <= soon).count()
    remedy = "Resume them from their devices, or let them go."
    name = f"uploads of {slug}"
    return judged(name, count == 0, f"{count} stand still and end within a day", "none", remedy, warning=True)
