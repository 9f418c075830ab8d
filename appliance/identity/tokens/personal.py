"""Personal access tokens, ``d2p_<prefix>_<secret>``: for people who script, never more than the person.

A token is of one person in one workspace, under scopes, until an end that must be stated.  What it opens is asked anew
every time: the person's role there, as it is now, and of that what the scopes name.  Whoever is disabled, or loses the
role, takes their tokens with them.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import is_id, new_id
from appliance.db.listing import WHOLE, Listing
from appliance.errors import Conflict, Denied, InvalidInput, NotFound, Unavailable
from appliance.identity.bearer import Bearer, checked_end, checked_label, new_bearer, read_bearer
from appliance.identity.key_holders import is_over
from appliance.identity.local.break_glass import is_break_glass
from appliance.identity.models import UserRow
from appliance.identity.scopes import read_scopes, spelled
from appliance.identity.tokens.models import PersonalTokenRow
from appliance.identity.users import person_of, principal_of_user
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

KIND: Final = "d2p"
#: What makes secrets that would outlive the token.
REFUSED_SCOPES: Final = frozenset({"keys:write"})
#: Whoever comes through a provider that is asked at a login alone signs in this often, or their tokens rest.
VOUCHED_WITHIN: Final = timedelta(days=14)
_ASKED_AT_LOGIN: Final = ("oidc", "saml")
_USE_NOTED_EVERY: Final = timedelta(minutes=5)
_LARGEST_NUMBER: Final = 50


def create_personal_token(
    site: Site, person: Principal, slug: str, label: str, scopes: Collection[str], expires_at: datetime
) -> tuple[PersonalTokenRow, str]:
    """A new token of ``person`` for a workspace and its text, which is kept nowhere.

    Raises
    ------
    Denied : not a person who is signed in, or the break-glass account
    NotFound : the person has no part in such a workspace
    InvalidInput : a label, scopes or an end that cannot be used
    Conflict : the person has too many
    """
    if not is_id(person.id, "usr") or person.via or is_break_glass(site, person.id):
        raise Denied("token.person", "Personal tokens are made by people who are signed in.", "Use an API key.")
    latest = utc_now() + timedelta(days=site.settings.personal_token_days)
    if expires_at > latest:
        raise InvalidInput("token.expiry", f"A token ends within {site.settings.personal_token_days} days.")
    if refused := REFUSED_SCOPES.intersection(scopes):
        raise InvalidInput("scope.personal", f"A personal token has no scope '{min(refused)}'.", "Use the console.")
    bearer, token = new_bearer(KIND)
    told = {"label": checked_label(label), "scopes": spelled(scopes), "expires_at": checked_end(expires_at)}
    with site.control_transaction():
        workspace_id = site.scope(person, slug).workspace_id
        if len(list_personal_tokens(site, user_id=person.id)) >= _LARGEST_NUMBER:
            raise Conflict("token.many", f"A person has {_LARGEST_NUMBER} tokens at most.", "Revoke one.")
        row = PersonalTokenRow.create(
            id=new_id("pat"), prefix=bearer.prefix, secret_sha256=bearer.secret_sha256, user_id=person.id,
            workspace_id=workspace_id, created_at=rfc3339_us(utc_now()), **told,
        )  # fmt: skip
        record(site, "personal_token.created", {}, _facts(row), by=person)
    return row, token


def holder_of_personal_token(site: Site, token: str) -> tuple[Principal, str] | None:
    """Who holds this token, in its workspace and under its scopes, and until when; None: nobody."""
    shown = read_bearer(KIND, token)
    return None if shown is None else site.glances.at(shown, lambda: _holder(site, shown))


def principal_of_personal_token(site: Site, token_id: str) -> Principal | None:
    """Whom a token that was shown before stands for, as long as it counts."""
    with site.control_session():
        row = PersonalTokenRow.known(id=token_id)
    return None if row is None or row.revoked_at is not None or is_over(row.expires_at) else _principal(site, row)


def revoke_personal_token(site: Site, token_id: str, by: Principal) -> PersonalTokenRow:
    """Refuse a token from now on: by its person, or by an owner of its workspace or of the appliance.

    Raises
    ------
    NotFound : there is none, or not for ``by``
    Conflict : it is revoked already
    """
    with site.control_transaction():
        row: PersonalTokenRow | None = PersonalTokenRow.known(id=token_id)
        if row is None or not _may_end(row, by):
            raise NotFound("token.unknown", "There is no such token.")
        if row.revoked_at:
            raise Conflict("token.revoked", f"This token is revoked since {row.revoked_at}.")
        _revoke(site, row, by)
    return row


def revoke_all_of(site: Site, user_id: str, by: Principal) -> int:
    """Refuse every token of a person from now on; returns how many there were."""
    with site.control_transaction():
        rows = list_personal_tokens(site, user_id=user_id)
        for row in rows:
            _revoke(site, row, by)
    return len(rows)


def list_personal_tokens(
    site: Site, listing: Listing = WHOLE, *, user_id: str | None = None, workspace_id: str | None = None
) -> list[PersonalTokenRow]:
    """Tokens that count, of a person or for a workspace."""
    lasting = [PersonalTokenRow.revoked_at.is_null(), PersonalTokenRow.expires_at > rfc3339_us(utc_now())]
    if user_id is not None:
        lasting.append(PersonalTokenRow.user_id == user_id)
    if workspace_id is not None:
        lasting.append(PersonalTokenRow.workspace_id == workspace_id)
    with site.control_session():
        return listing.rows(PersonalTokenRow, *lasting)


def _holder(site: Site, shown: Bearer) -> tuple[Principal, str] | None:
    with site.control_session():
        row = PersonalTokenRow.known(prefix=shown.prefix)
    is_right = hmac.compare_digest(shown.secret_sha256, row.secret_sha256 if row else "0" * 64)
    if row is None or not is_right or row.revoked_at is not None or is_over(row.expires_at):
        log.warning("a personal token is refused: %s", shown.prefix)
        return None
    principal = _principal(site, row)
    if principal is None:
        log.warning("a personal token is refused: %s, whose person has no part there", shown.prefix)
        return None
    if row.last_used_at is None or row.last_used_at <= rfc3339_us(utc_now() - _USE_NOTED_EVERY):
        site.aside.do(lambda: _note_use(site, row.id))
    return principal, row.expires_at


def _principal(site: Site, row: Any) -> Principal | None:
    person = principal_of_user(site, row.user_id)
    if person is None or not _is_vouched_for(site, row.user_id):
        return None
    return person.confined(row.workspace_id, read_scopes(row.scopes), via=row.id)


def _is_vouched_for(site: Site, user_id: str) -> bool:
    """Whether somebody said lately that this person is still there: of a directory, the schedule asks it."""
    with site.control_session():
        user = UserRow.known(id=user_id)
    since = rfc3339_us(utc_now() - VOUCHED_WITHIN)
    return user.source not in _ASKED_AT_LOGIN or (user.last_login_at or "") > since


def _may_end(row: PersonalTokenRow, by: Principal) -> bool:
    return by.id == row.user_id or by.is_everywhere or (by.role == "owner" and by.workspace_id == row.workspace_id)


def _revoke(site: Site, row: PersonalTokenRow, by: Principal) -> None:
    row.revoked_at, row.revoked_by = rfc3339_us(utc_now()), by.id
    row.save()
    user = UserRow.known(id=row.user_id)
    record(site, "personal_token.revoked", {}, _facts(row), {"login": user.login}, person_of(site, user), by=by)


def _note_use(site: Site, token_id: str) -> None:
    try:
        with site.control_transaction():
            used = {"last_used_at": rfc3339_us(utc_now())}
            PersonalTokenRow.update(**used).where(PersonalTokenRow.id == token_id).execute()
    except Unavailable:
        log.warning("the use of a token is not noted: the database takes nothing")


def _facts(row: PersonalTokenRow) -> dict[str, str]:
    return {
        "token": row.id, "prefix": row.prefix, "workspace": row.workspace_id, "scopes": row.scopes,
        "expires_at": row.expires_at,
    }  # fmt: skip
