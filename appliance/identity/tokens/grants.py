"""Grants: what a key, a personal token or a session is exchanged for, and how it goes on (RFC 9700, 4.14).

A grant is a family: one refresh token after another, each used once, and short-lived access tokens.  It ends with what
it comes from, when it is revoked, when nobody refreshed it for a day, after thirty days in all, and when a refresh
token of it is shown again: then somebody has a copy, and nobody can say who.

A client whose answer was lost shows the same refresh token again at once.  For ten seconds, and as long as the token
after it was not used, it gets that same token, which lies sealed under the one that was used: nothing that is kept here
opens it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.aead import derive, open_small, seal_small
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Denied, NotFound
from appliance.identity.bearer import new_bearer, read_bearer
from appliance.identity.scopes import spelled
from appliance.identity.tokens.holders import counts, principal_behind
from appliance.identity.tokens.models import RefreshTokenRow, TokenGrantRow
from appliance.identity.tokens.signing import LIFETIME, refused, sign
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

KIND: Final = "d2t"
#: A refresh token that was used may be shown again so long by a client whose answer was lost.
GRACE: Final = timedelta(seconds=10)
IDLE: Final = timedelta(hours=24)
LONGEST: Final = timedelta(days=30)
#: Grants of one holder that count at the same time; one more ends the oldest.
MOST: Final = 50
_KEPT: Final = timedelta(days=7)
_PURPOSE: Final = b"d2r/refresh-token/1"


@dataclass(frozen=True)
class Pair:
    """What a client gets: a token for requests, and one for the next pair.

    ``expires_in_s`` : how long the access token counts
    """

    grant_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scopes: str | None
    expires_in_s: int = int(LIFETIME.total_seconds())


def exchange(site: Site, principal: Principal, holder_id: str, scopes: Collection[str] | None = None) -> Pair:
    """Tokens for whoever shows a key or personal token, or has a session.

    Parameters
    ----------
    holder_id : the key, personal token or session that the grant ends with
    scopes : some of those that the principal acts under; None: the same

    Raises
    ------
    Denied : it acts by an access token itself, or the scopes are more than it has
    InvalidInput : these are no scopes
    """
    if holder_id.startswith("tgr_"):
        raise Denied("token.chain", "An access token is exchanged for nothing.", "Show the key, or refresh.")
    kept, now = spelled(scopes), utc_now()
    if principal.scopes is not None and kept is not None and not principal.scopes.issuperset(kept.split()):
        raise Denied("scope.wider", "A token may not do more than what it comes from.", "Name fewer scopes.")
    with site.control_transaction():
        _make_room(site, holder_id)
        grant = TokenGrantRow.create(
            id=new_id("tgr"), holder_id=holder_id, principal_id=principal.id, scopes=kept, created_at=rfc3339_us(now),
            idle_at=rfc3339_us(now + IDLE), expires_at=rfc3339_us(now + LONGEST),
        )  # fmt: skip
        token = _add(grant.id)
    return _pair(site, grant, token)


def refresh(site: Site, token: str) -> Pair:
    """The next pair of a grant.

    Raises
    ------
    Denied : the token is unknown, its grant counts no more, or it was used before: then its grant is ended
    """
    if read_bearer(KIND, token) is None:
        raise refused("it is no refresh token")
    with site.control_session():
        if RefreshTokenRow.known(sha256=hash_of_secret(token)) is None:
            raise refused("a refresh token is unknown")
    with site.control_transaction():
        row = RefreshTokenRow.known(sha256=hash_of_secret(token))
        grant = row and TokenGrantRow.known(id=row.grant_id)
        if grant is None or not counts(grant) or principal_behind(site, grant.id) is None:
            raise refused("the grant of a refresh token counts no more")
        following = _follow(site, grant, row, token)
    if following is None:
        raise Denied("token.reused", "This refresh token was used before; its grant is ended.", "Show the key again.")
    return _pair(site, grant, following)


def revoke(site: Site, grant_id: str, by: Principal) -> None:
    """End a grant, of one's own or as the owner of the appliance; one that ended already stays so.

    Raises
    ------
    NotFound : there is none, or not for ``by``
    """
    with site.control_transaction():
        grant = TokenGrantRow.known(id=grant_id)
        if grant is None or not (by.is_everywhere or by.id == grant.principal_id):
            raise NotFound("token.unknown", "There is no such grant.")
        if grant.revoked_at is None:
            _end(site, grant, "revoked", by)


def revoke_by_token(site: Site, token: str) -> None:
    """End the grant of a refresh token; one that is unknown is ended already (RFC 7009)."""
    if read_bearer(KIND, token) is None:
        return
    with site.control_session():
        row = RefreshTokenRow.known(sha256=hash_of_secret(token))
        grant = row and TokenGrantRow.known(id=row.grant_id)
    principal = None if grant is None else principal_behind(site, grant.id)
    if grant is not None and principal is not None:
        revoke(site, grant.id, principal)


def revoke_grants_of(site: Site, principal_id: str, by: Principal) -> int:
    """End every grant of a principal; returns how many counted."""
    with site.control_transaction():
        found = list_grants(site, principal_id)
        for grant in found:
            _end(site, grant, "revoked", by)
    return len(found)


def list_grants(site: Site, principal_id: str) -> list[TokenGrantRow]:
    """Grants of a principal that count, the latest first."""
    with site.control_session():
        rows = TokenGrantRow.select().where(TokenGrantRow.principal_id == principal_id)
        return [row for row in list(rows.order_by(TokenGrantRow.id.desc())) if counts(row)]


def forget_grants(site: Site) -> int:
    """Remove grants that ended a week ago, with their refresh tokens; returns how many."""
    limit = rfc3339_us(utc_now() - _KEPT)
    with site.control_transaction():
        old = TokenGrantRow.select(TokenGrantRow.id).where(
            (TokenGrantRow.idle_at <= limit) | (TokenGrantRow.revoked_at <= limit)
        )
        RefreshTokenRow.delete().where(RefreshTokenRow.grant_id.in_(old)).execute()
        return int(TokenGrantRow.delete().where(TokenGrantRow.id.in_(old)).execute())


def _follow(site: Site, grant: Any, row: Any, token: str) -> str | None:
    """The refresh token after this one; None where this one was used before, and its grant is ended."""
    now = utc_now()
    if row.used_at is None:
        following = _add(grant.id)
        _forget_sealed(grant.id)
        used = {"used_at": rfc3339_us(now), "successor_sha256": hash_of_secret(following)}
        sealed = seal_small(_key_of(token), following.encode(), grant.id)
        RefreshTokenRow.update(**used, sealed=sealed).where(RefreshTokenRow.sha256 == row.sha256).execute()
        idle_at = rfc3339_us(min(now + IDLE, now.fromisoformat(grant.expires_at)))
        TokenGrantRow.update(idle_at=idle_at).where(TokenGrantRow.id == grant.id).execute()
        return following
    successor = RefreshTokenRow.known(sha256=row.successor_sha256 or "")
    is_lost = row.sealed is not None and successor is not None and successor.used_at is None
    if is_lost and row.used_at > rfc3339_us(now - GRACE):
        return open_small(_key_of(token), bytes(row.sealed), grant.id).decode()
    log.warning("a refresh token was shown again: its grant is ended")
    _end(site, grant, "reused", None)
    return None


def _make_room(site: Site, holder_id: str) -> None:
    rows = TokenGrantRow.select().where(TokenGrantRow.holder_id == holder_id, TokenGrantRow.revoked_at.is_null())
    counting = [row for row in list(rows.order_by(TokenGrantRow.id.desc())) if counts(row)]
    for grant in counting[MOST - 1 :]:
        _end(site, grant, "crowded", None)


def _end(site: Site, grant: Any, why: str, by: Principal | None) -> None:
    ended = {"revoked_at": rfc3339_us(utc_now()), "revoked_by": by.id if by else "system"}
    TokenGrantRow.update(**ended).where(TokenGrantRow.id == grant.id).execute()
    RefreshTokenRow.update(sealed=None).where(RefreshTokenRow.grant_id == grant.id).execute()
    record(site, f"token_grant.{why}", {}, {"grant": grant.id}, by=by)


def _add(grant_id: str) -> str:
    _, token = new_bearer(KIND)
    RefreshTokenRow.create(sha256=hash_of_secret(token), grant_id=grant_id, issued_at=rfc3339_us(utc_now()))
    return token


def _forget_sealed(grant_id: str) -> None:
    RefreshTokenRow.update(sealed=None).where(RefreshTokenRow.grant_id == grant_id).execute()


def _pair(site: Site, grant: Any, refresh_token: str) -> Pair:
    told = {"sub": grant.principal_id, "client_id": grant.holder_id, "sid": grant.id, "jti": new_id("tok")}
    scope = {"scope": grant.scopes} if grant.scopes else {}
    return Pair(grant.id, sign(site, told | scope), refresh_token, grant.scopes)


def _key_of(token: str) -> bytes:
    return derive(token.encode(), b"", _PURPOSE)
