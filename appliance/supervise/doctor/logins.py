"""Who could sign in, and whether somebody had to break glass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from appliance.identity.ldap.directory import directory_of, probe
from appliance.identity.local.break_glass import broken_since
from appliance.supervise.doctor.records import Finding, attempted, judged, skipped
from appliance.tenancy.site import Site


def logins(site: Site) -> Iterator[Finding]:
    """Whether the directory answers, and the break-glass account lies unused in its envelope."""
    if directory_of(site) is None:
        yield skipped("directory", "there is none")
    else:
        yield attempted("directory", "it answers", partial(probe, site))
    used = broken_since(site)
    remedy = "Look into the audit log, then make another password: d2r account break-glass."
    yield judged(
        "break-glass account", used is None, f"used {used}" if used else "not used", "not used", remedy, warning=True
    )
