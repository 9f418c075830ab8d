"""Rotating the key of an appliance: the new key signs from now on, and the log of the control plane says so.

The key file is written first.  A crash before the entry leaves a rotation that the log does not know of; it is recorded
with the next one.  The record of the rotation itself, which witnesses follow, lies in the key file either way.
"""

from __future__ import annotations

from typing import Final

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.audit.recording import record
from appliance.core.faults import point
from appliance.crypto.keyfile import RetiredKey
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

ROTATED: Final = "key.rotated"


def rotate_key(site: Site, by: Principal) -> RetiredKey:
    """Replace the signing keys of the appliance; returns the retired one, with the record for witnesses."""
    gone = site.keys.rotate()
    point("audit.rotated")
    keys = site.keys.own_keys()
    known = _recorded(DatabaseLog.of_control(site))
    for number, retired in enumerate(site.keys.retired()):
        if retired.record_sha256 not in known:
            new = keys[len(keys) - 2 - number]
            facts = {"new": str(new), "old": str(retired.vkey), "retired_at": retired.retired_at_utc}
            record(site, ROTATED, {"record": retired.record_sha256}, facts, by=by)
    return gone


def _recorded(log: DatabaseLog) -> set[str]:
    """Hashes of the rotations that the log knows of."""
    named = f'"kind":"{ROTATED}"'.encode()
    found = [read_entry(entry) for _, entry, _ in log.tables.entries(0, log.size) if named in entry]
    return {entry.subjects["record"] for entry in found if entry.kind == ROTATED}
