"""Tickets for live events: a browser cannot send an API key when it opens a WebSocket, so it shows a ticket.

A ticket opens one connection of one principal in one workspace, once, within seconds.  It is kept by hash, in the
workspace's database: a ticket that was used stays used, whatever Redis or a process forgets.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Denied
from appliance.identity.models import LiveTicket
from appliance.identity.tokens.holders import principal_behind
from appliance.tenancy.records import Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

#: Seconds from the making of a ticket to its use.
LIFETIME_S: Final = 30
_BYTES: Final = 32


def create_ticket(scope: WorkspaceScope) -> str:
    """A ticket for the scope's principal; those that expired are swept."""
    ticket, now = secrets.token_urlsafe(_BYTES), utc_now()
    with scope.transaction():
        LiveTicket.delete().where(LiveTicket.expires_at <= rfc3339_us(now)).execute()
        until = rfc3339_us(now + timedelta(seconds=LIFETIME_S))
        LiveTicket.create(sha256=hash_of_secret(ticket), key_id=scope.principal.holder, expires_at=until)
    return ticket


def redeem_ticket(site: Site, workspace_id: str, ticket: str) -> Principal:
    """Who shows this ticket; it opens nothing any more.

    Raises
    ------
    Denied : there is no such ticket, it was used, it expired, or whom it is of counts no more
    NotFound : there is no such workspace
    """
    with site.system_scope(workspace_id).transaction():
        row: LiveTicket | None = LiveTicket.get_or_none(LiveTicket.sha256 == hash_of_secret(ticket))
        if row is not None:
            LiveTicket.delete().where(LiveTicket.sha256 == row.sha256).execute()
    if row is None or row.expires_at <= rfc3339_us(utc_now()):
        raise _refused()
    principal = principal_behind(site, row.key_id)
    acting = None if principal is None else principal.within(workspace_id)
    if acting is None:
        raise _refused()
    return acting


def _refused() -> Denied:
    return Denied("ticket.refused", "This ticket is not valid: each opens one connection, once.", "Ask for another.")
