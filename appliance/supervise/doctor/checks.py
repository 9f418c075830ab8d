"""All checks in their order: what a later one needs, an earlier one has looked at."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.config.settings import Settings
from appliance.errors import D2RError
from appliance.supervise.doctor import folder, logins, machine, service
from appliance.supervise.doctor.records import Finding, skipped
from appliance.supervise.status import read_status
from appliance.tenancy.site import Site


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; changes nothing."""
    status = read_status(settings)
    yield from machine.machine(settings, is_running=status.running)
    found = folder.initialised(settings)
    yield found
    if found.state != "ok":
        return
    yield folder.permissions(settings)
    yield from machine.space(settings)
    opened = list(folder.keys(settings))
    stored = list(folder.databases(settings))
    yield from (*opened, *stored)
    yield from service.processes(settings, status)
    yield from service.queue(settings, is_running=status.running)
    if any(each.state != "ok" for each in (*opened, *stored)):
        yield skipped("logs and waiting work", "keys and databases come first")
        return
    yield from _inside(settings)


def _inside(settings: Settings) -> Iterator[Finding]:
    try:
        site = Site.open(settings)
    except D2RError as error:
        yield Finding("appliance", "failed", error.message, "it opens", error.hint)
        return
    with site:
        yield from folder.logs(site)
        yield from service.waiting(site)
        yield from logins.logins(site)
