"""Sessions of the console: begun by a login, ended by signing out, by an owner, by silence or by their age.

The browser holds 32 random bytes; the database finds a session by their hash.  Every request asks it anew, so a session
that was ended opens nothing any more, in any process.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import NotFound, Unavailable
from appliance.identity.models import SessionRow
from appliance.identity.principals import principal_of
from appliance.identity.records import ELSEWHERE
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

_TOKEN_BYTES: Final = 32
#: ``seen_at`` is written when it is older than this: looking at a page must not cost a write.
_SEEN_NOTED_EVERY: Final = timedelta(minutes=1)
#: Sessions that ended are kept this long, for whoever asks who was there.
_KEPT: Final = timedelta(days=90)
_TEXT_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Visit:
    """Where a session comes from: an address and what the browser says about itself."""

    peer: str = ""
    agent: str = ""


@dataclass(frozen=True)
class OpenSession:
    """A session that counts, and who it is of.

    ``is_confirmed`` : whether password or key were shown within ``confirm_minutes``
    """

    id: str
    principal: Principal
    is_confirmed: bool


def begin_session(
    site: Site, principal: Principal, method: str, visit: Visit, foreign_session: str | None = None
) -> str:
    """A new session of ``principal``; returns what the browser holds, which is kept nowhere.

    ``foreign_session`` : what the provider calls it, where people sign out there too
    """
    token, now = secrets.token_urlsafe(_TOKEN_BYTES), utc_now()
    until = now + timedelta(hours=site.settings.session_hours)
    with site.control_transaction():
        row = SessionRow.create(
            id=new_id("ses"), sha256=hash_of_secret(token), principal_id=principal.id, method=method,
            peer=_short(visit.peer), agent=_short(visit.agent), began_at=rfc3339_us(now),
            seen_at=rfc3339_us(now), expires_at=rfc3339_us(until), foreign_session=foreign_session,
        )  # fmt: skip
        record(site, "session.begun", {}, {"session": row.id, "method": method}, by=principal)
    return token


def find_session(site: Site, token: str) -> OpenSession | None:
    """The session that a browser holds; None where it ended, was silent for too long, or its principal counts no more.

    Being asked for keeps a session alive.
    """
    now = utc_now()
    with site.control_session():
        row = SessionRow.known(sha256=hash_of_secret(token))
    if row is None or not _counts(site, row):
        return None
    principal = principal_of(site, row.principal_id)
    if principal is None:
        return None
    if row.seen_at < rfc3339_us(now - _SEEN_NOTED_EVERY):
        _note_seen(site, row.id)
    recently = rfc3339_us(now - timedelta(minutes=site.settings.confirm_minutes))
    shown_at = row.confirmed_at or ("" if row.method in ELSEWHERE else row.began_at)
    return OpenSession(row.id, principal, shown_at > recently)


def principal_of_session(site: Site, session_id: str) -> Principal | None:
    """Whom a session is of, as long as it counts; to be asked for so keeps no session alive."""
    with site.control_session():
        row = SessionRow.known(id=session_id)
    return principal_of(site, row.principal_id) if row is not None and _counts(site, row) else None


def end_session(site: Site, session_id: str, by: Principal) -> None:
    """Let a session open nothing any more; one that ended already stays so.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_transaction():
        row = SessionRow.known(id=session_id)
        if row is None:
            raise NotFound("session.unknown", "There is no such session.")
        if row.ended_at is None:
            row.ended_at, row.ended_by = rfc3339_us(utc_now()), by.id
            row.save()
            record(site, "session.ended", {}, {"session": row.id}, by=by)


def end_sessions(site: Site, principal_id: str, by: Principal, *, but: str | None = None) -> int:
    """End every session of a principal, ``but`` one where it is named; returns how many."""
    ended = [row.id for row in list_sessions(site, principal_id) if row.id != but]
    for session_id in ended:
        end_session(site, session_id, by)
    return len(ended)


def confirm_session(site: Site, session_id: str) -> None:
    """Note that the password was shown once more just now."""
    with site.control_transaction():
        SessionRow.update(confirmed_at=rfc3339_us(utc_now())).where(SessionRow.id == session_id).execute()


def list_sessions(site: Site, principal_id: str | None = None) -> list[SessionRow]:
    """Sessions that count (of one principal, or of all), the latest first."""
    with site.control_session():
        query = SessionRow.select().where(SessionRow.ended_at.is_null())
        if principal_id is not None:
            query = query.where(SessionRow.principal_id == principal_id)
        return [row for row in list(query.order_by(SessionRow.id.desc())) if _counts(site, row)]


def forget_sessions(site: Site) -> int:
    """Remove sessions that expired long ago; returns how many."""
    with site.control_transaction():
        return int(SessionRow.delete().where(SessionRow.expires_at <= rfc3339_us(utc_now() - _KEPT)).execute())


def _counts(site: Site, row: SessionRow) -> bool:
    now = utc_now()
    silent_since = rfc3339_us(now - timedelta(minutes=site.settings.session_idle_minutes))
    return row.ended_at is None and row.expires_at > rfc3339_us(now) and row.seen_at > silent_since


def _note_seen(site: Site, session_id: str) -> None:
    """A full disk does not lock anybody out; the session then ends by silence."""
    try:
        with site.control_transaction():
            SessionRow.update(seen_at=rfc3339_us(utc_now())).where(SessionRow.id == session_id).execute()
    except Unavailable:
        return


def _short(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_TEXT_CHARACTERS]
