"""Denied attempts in the control log, bounded: whoever is refused without end does not fill it.

The first attempt of a caller on a route, for one reason and in one workspace, is an entry at once, ``access.denied``.
Further ones are counted for ten minutes; then one entry says how many there were, ``access.denied_again``.  What a
caller tries beyond twenty things in that time is noted together, as ``several``, by reason.  So a caller writes two
entries for each of twenty things and each reason in ten minutes at the most, whatever it does.

What was sent stands nowhere: neither addresses nor queries, nor names of workspaces that there are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.identity.models import DeniedAttemptRow
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

DENIED: Final = "access.denied"
AGAIN: Final = "access.denied_again"
WINDOW: Final = timedelta(minutes=10)
#: Things that one caller is noted for by name while their windows are open.
MOST_NAMED: Final = 20
#: Stands for the things of a caller beyond those.
SEVERAL: Final = "several"
#: Windows that are closed in one transaction: writers of the control plane do not wait long for it.
_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Attempt:
    """What somebody tried who may not.

    Attributes
    ----------
    route : the declared name of it: ``assets.create_asset``
    reason : the code of the refusal
    slug : the workspace that was asked for, whether there is one or not; empty: none
    """

    principal: Principal
    route: str
    reason: str
    slug: str = ""


def note_denied(site: Site, attempts: Mapping[Attempt, int]) -> None:
    """Write down attempts, each with how often it was made, in one transaction of their own."""
    with site.control_transaction():
        for attempt, times in attempts.items():
            _note(site, attempt, times)


def close_windows(site: Site) -> int:
    """Say of attempts whose window is over how often they were repeated; returns how many there were.

    May be cut anywhere: what is not closed yet, the next time closes.
    """
    closed = 0
    while rows := _close_some(site):
        closed += rows
    return closed


def _close_some(site: Site) -> int:
    with site.control_transaction():
        over = DeniedAttemptRow.closes_at <= rfc3339_us(utc_now())
        rows = list(DeniedAttemptRow.select().where(over).limit(_AT_ONCE))
        for row in rows:
            _close(site, row)
    return len(rows)


def _note(site: Site, attempt: Attempt, times: int) -> None:
    now, found = utc_now(), WorkspaceRow.known(slug=attempt.slug) if attempt.slug else None
    key = _key(attempt, found.id if found else "")
    row = DeniedAttemptRow.known(**key)
    if row is not None and row.closes_at <= rfc3339_us(now):
        _close(site, row)
        row = None
    if row is None and attempt.route != SEVERAL and _named(attempt.principal) >= MOST_NAMED:
        _note(site, replace(attempt, route=SEVERAL, slug=""), times)
        return
    if row is None:
        entry = record(site, DENIED, {}, _facts(key), by=attempt.principal)
        moments = {"began_at": rfc3339_us(now), "closes_at": rfc3339_us(now + WINDOW)}
        DeniedAttemptRow.create(**key, entry=entry, repeats=times - 1, **moments)
        return
    _update(row, repeats=row.repeats + times)


def _key(attempt: Attempt, workspace_id: str) -> dict[str, str]:
    named = {"route": attempt.route, "reason": attempt.reason, "workspace_id": workspace_id}
    return {"principal_id": attempt.principal.id, **named}


def _named(principal: Principal) -> int:
    return int(DeniedAttemptRow.select().where(DeniedAttemptRow.principal_id == principal.id).count())


def _close(site: Site, row: Any) -> None:
    key = {name: getattr(row, name) for name in ("principal_id", "route", "reason", "workspace_id")}
    if row.repeats:
        told = {"first": row.entry, "repeats": row.repeats, "since": row.began_at}
        record(site, AGAIN, {}, _facts(key) | told)
    DeniedAttemptRow.delete().where(*(getattr(DeniedAttemptRow, name) == key[name] for name in key)).execute()


def _update(row: Any, **changed: int) -> None:
    key = ("principal_id", "route", "reason", "workspace_id")
    DeniedAttemptRow.update(**changed).where(
        *(getattr(DeniedAttemptRow, name) == getattr(row, name) for name in key)
    ).execute()


def _facts(key: Mapping[str, str]) -> dict[str, Any]:
    """Who it was says the entry itself: of a person no id stands in the log."""
    facts = {"route": key["route"], "reason": key["reason"]}
    return facts | ({"workspace": key["workspace_id"]} if key["workspace_id"] else {})
