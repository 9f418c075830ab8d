"""What the appliance does with its logs by itself: sign checkpoints while they grow, and validate them whole.

One log that fails does not keep the others from being signed; the failure is reported, and that log signs nothing until
an operator has looked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.database_log import DatabaseLog
from appliance.errors import D2RError
from appliance.tenancy.site import Site


@dataclass(frozen=True)
class Swept:
    """One log after a sweep: its state, or why it has none."""

    origin: str
    state: Checkpoint | None
    error: D2RError | None = None


def logs_of(site: Site) -> Iterator[DatabaseLog]:
    """The log of the control plane, then those of the workspaces."""
    yield DatabaseLog.of_control(site)
    for workspace in site.workspaces():
        yield DatabaseLog.of(site.system_scope(workspace.id))


def checkpoint_due(site: Site) -> list[Swept]:
    """Validate and sign every log that has grown since its last checkpoint; the others are passed over."""
    return [_signed(log) for log in logs_of(site) if log.size and not log.is_signed()]


def validate_all(site: Site) -> list[Swept]:
    """Validate every log from its first entry on."""
    return [_validated(log) for log in logs_of(site)]


def _signed(log: DatabaseLog) -> Swept:
    try:
        return Swept(log.first_origin, log.validate_for_export())
    except D2RError as error:
        return Swept(log.first_origin, None, error)


def _validated(log: DatabaseLog) -> Swept:
    try:
        return Swept(log.first_origin, log.validate())
    except D2RError as error:
        return Swept(log.first_origin, None, error)
