"""API keys: made, listed, rotated, revoked.  A key is shown once; who holds one, ``key_holders`` knows.

A key belongs to one workspace; a key of the appliance itself belongs to its owner.  It may do what its role may, or
less, under scopes.  To rotate a key is to give it another secret: the key stays the same one, with its uploads,
sessions and history, and the secrets before count until the overlap ends.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.identity.bearer import Bearer, checked_end, checked_label, new_bearer
from appliance.identity.key_holders import KIND, is_over
from appliance.identity.key_holders import authenticate as authenticate
from appliance.identity.key_holders import principal_of_key as principal_of_key
from appliance.identity.models import ApiKey, ApiKeySecret
from appliance.identity.scopes import read_scopes, require_no_wider, spelled
from appliance.tenancy.records import ROLES, Principal
from appliance.tenancy.site import Site

#: Roles that a key can have; the appliance itself needs none, and only persons are members of several workspaces.
KEY_ROLES: Final = tuple(role for role in ROLES if role not in ("system", "member"))
#: The longest time that secrets before a rotation count.
LONGEST_OVERLAP: Final = timedelta(days=30)
_SHOWN_CHARACTERS: Final = 120


def create_api_key(
    site: Site,
    workspace_slug: str | None,
    role: str,
    label: str,
    by: Principal,
    *,
    scopes: Collection[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its token, which is kept nowhere; without a workspace, a key of the appliance's owner.

    Parameters
    ----------
    scopes : what it may do of what its role may; None: all
    expires_at : from when on it counts no more; None: it counts until it is revoked

    Raises
    ------
    InvalidInput : no such role, a label, scope or end that cannot be used, or a key of the appliance that is not the
        owner's
    NotFound : no such workspace, or not for ``by``
    Denied : ``by`` may do less than the key would
    """
    _check_role(workspace_slug, role)
    columns = {"role": role, "label": checked_label(label), "scopes": spelled(scopes)}
    require_no_wider(by, scopes)
    bearer, token = new_bearer(KIND)
    with site.control_transaction():
        workspace_id = site.scope(by, workspace_slug).workspace_id if workspace_slug else None
        made = {"created_at": rfc3339_us(utc_now()), "created_by": by.id, "expires_at": checked_end(expires_at)}
        row = ApiKey.create(id=new_id("key"), prefix=bearer.prefix, workspace_id=workspace_id, **columns, **made)
        _add_secret(row, bearer)
        record(site, "key.created", {}, _facts(row), by=by)
    return row, token


def rotate_api_key(
    site: Site, key: str, by: Principal, *, overlap: timedelta = timedelta(), expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Give a key, by its id or prefix, another secret, which counts at once; those before count for ``overlap`` more.

    ``expires_at`` : another end of the key; None: as it was

    Raises
    ------
    NotFound : there is none, or not for ``by``
    Conflict : it is revoked, or over
    InvalidInput : the overlap is too long, or the end is over
    Denied : ``by`` may do less than the key
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidInput("key.overlap", "The overlap is too long.", f"At most {LONGEST_OVERLAP.days} days.")
    bearer, token = new_bearer(KIND)
    with site.control_transaction():
        row = _own(key, by)
        require_no_wider(by, read_scopes(row.scopes))
        if expires_at is None and is_over(row.expires_at):
            raise Conflict(
                "key.over", f"The API key '{row.label}' is over since {row.expires_at}.", "Name another end."
            )
        now = utc_now()
        _end_secrets(row.id, rfc3339_us(now), rfc3339_us(now + overlap))
        row.prefix, row.rotated_at, row.expires_at = (
            bearer.prefix,
            rfc3339_us(now),
            checked_end(expires_at) or row.expires_at,
        )
        row.save()
        _add_secret(row, bearer)
        record(site, "key.rotated", {}, _facts(row) | {"former_until": rfc3339_us(now + overlap)}, by=by)
    return row, token


def find_api_key(site: Site, workspace_id: str | None, key: str) -> ApiKey:
    """A key of a workspace (None: of the appliance), by its id or the prefix of any of its secrets, revoked or not.

    Raises
    ------
    NotFound : there is none there
    """
    with site.control_session():
        row: ApiKey | None = _found(key)
    if row is None or row.workspace_id != workspace_id:
        raise NotFound("key.unknown", f"There is no API key '{key[:_SHOWN_CHARACTERS]}'.")
    return row


def revoke_api_key(site: Site, key: str, by: Principal) -> ApiKey:
    """Refuse a key, by its id or prefix, from now on.

    Raises
    ------
    NotFound : there is none, or not for ``by``
    Conflict : it is revoked already, or the last key of the appliance's owner
    """
    with site.control_transaction():
        row = _own(key, by)
        if row.workspace_id is None and _is_last(row):
            raise Conflict("key.last", "This is the last key of the appliance's owner.", "Make another one first.")
        row.revoked_at, row.revoked_by = rfc3339_us(utc_now()), by.id
        row.save()
        record(site, "key.revoked", {}, _facts(row), by=by)
    return row


def list_api_keys(
    site: Site,
    workspace_id: str | None,
    listing: Listing = WHOLE,
    *,
    role: str | None = None,
    revoked: bool | None = None,
) -> list[ApiKey]:
    """Keys of a workspace (None: of the appliance), revoked ones too where ``revoked`` does not say."""
    of = ApiKey.workspace_id.is_null() if workspace_id is None else ApiKey.workspace_id == workspace_id
    state = [] if revoked is None else [ApiKey.revoked_at.is_null(not revoked)]
    with site.control_session():
        return listing.rows(ApiKey, of, *equal(ApiKey, role=role), *state)


def _own(key: str, by: Principal) -> ApiKey:
    """A key that counts, and that ``by`` may end or change."""
    row: ApiKey | None = _found(key)
    if row is None or by.workspace_id not in (None, row.workspace_id):
        raise NotFound("key.unknown", f"There is no API key '{key[:_SHOWN_CHARACTERS]}'.")
    if row.revoked_at:
        raise Conflict("key.revoked", f"The API key '{row.label}' is revoked since {row.revoked_at}.")
    return row


def _found(key: str) -> Any:
    secret = ApiKeySecret.known(prefix=key)
    return ApiKey.known(id=secret.key_id if secret else key)


def _is_last(row: ApiKey) -> bool:
    """Whether no other key of the appliance's owner counts for good and without bounds."""
    others = ApiKey.select().where(ApiKey.workspace_id.is_null(), ApiKey.revoked_at.is_null(), ApiKey.id != row.id)
    return not others.where(ApiKey.expires_at.is_null(), ApiKey.scopes.is_null()).exists()


def _add_secret(row: ApiKey, bearer: Bearer) -> None:
    ApiKeySecret.create(
        prefix=bearer.prefix, key_id=row.id, secret_sha256=bearer.secret_sha256, made_at=rfc3339_us(utc_now())
    )  # fmt: skip


def _end_secrets(key_id: str, now: str, until: str) -> None:
    """Let every secret of a key end by ``until``; those that ended before are forgotten."""
    ApiKeySecret.delete().where(ApiKeySecret.key_id == key_id, ApiKeySecret.ends_at <= now).execute()
    lasting = ApiKeySecret.ends_at.is_null() | (ApiKeySecret.ends_at > until)
    ApiKeySecret.update(ends_at=until).where(ApiKeySecret.key_id == key_id, lasting).execute()


def _check_role(workspace_slug: str | None, role: str) -> None:
    if role not in KEY_ROLES:
        raise InvalidInput("key.role", f"'{role}' is no role of a key.", f"Use one of {', '.join(KEY_ROLES)}.")
    if workspace_slug is None and role != "owner":
        raise InvalidInput("key.workspace", f"A key with the role '{role}' belongs to a workspace.", "Name one.")


def _facts(row: ApiKey) -> dict[str, str]:
    facts = {"key": row.id, "prefix": row.prefix, "role": row.role, "label": row.label}
    told = {"workspace": row.workspace_id, "scopes": row.scopes, "expires_at": row.expires_at}
    return facts | {name: value for name, value in told.items() if value}
