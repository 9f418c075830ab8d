"""API keys: ``d2r_<prefix>_<secret>``, shown once, found by the prefix, proven by the hash of the secret.

The secret is 32 random bytes, so one SHA-256 protects it: there is nothing to guess.  A key belongs to one workspace;
a key of the appliance itself belongs to its owner.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import Conflict, Denied, InvalidInput, NotFound, Unavailable
from appliance.identity.models import ApiKey
from appliance.tenancy.records import ROLES, Kind, Principal, Role
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

_PREFIX_BYTES: Final = 5
_SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"d2r_([a-z2-7]{8})_([a-z2-7]{52})")
#: Roles that a key can have; the appliance itself needs none, and only persons are members of several workspaces.
KEY_ROLES: Final = tuple(role for role in ROLES if role not in ("system", "member"))
#: ``last_used_at`` is written when it is older than this: reading must not cost a write.
_USE_NOTED_EVERY: Final = timedelta(minutes=5)
_LABEL_CHARACTERS: Final = 120


_KNOWN_BY_PREFIX: Final = (
    "SELECT id, secret_sha256, role, label, workspace_id, last_used_at, revoked_at FROM api_key WHERE prefix = ?"
)


@dataclass(frozen=True)
class _Known:
    """What a token is compared with."""

    id: str
    secret_sha256: str
    role: Role
    label: str
    workspace_id: str | None
    last_used_at: str | None
    revoked_at: str | None


#: Stands in for a key that does not exist; revoked since ever.
_NOBODY: Final = _Known("", "0" * 64, "operator", "", None, None, "")


def create_api_key(site: Site, workspace_slug: str | None, role: str, label: str, by: Principal) -> tuple[ApiKey, str]:
    """A new key and its token, which is kept nowhere; without a workspace, a key of the appliance's owner.

    Raises
    ------
    InvalidInput : no such role, a label that cannot be used, or a key of the appliance that is not the owner's
    NotFound : no such workspace, or not for ``by``
    """
    _check(workspace_slug, role, label)
    prefix, secret = _spell(_PREFIX_BYTES), _spell(_SECRET_BYTES)
    columns = {"prefix": prefix, "secret_sha256": _hash(secret), "role": role, "label": label.strip()}
    with site.control_transaction():
        workspace_id = site.scope(by, workspace_slug).workspace_id if workspace_slug else None
        made = {"created_at": rfc3339_us(utc_now()), "created_by": by.id}
        row = ApiKey.create(id=new_id("key"), workspace_id=workspace_id, **columns, **made)
        record(site, "key.created", {}, _facts(row), by=by)
    return row, f"d2r_{prefix}_{secret}"


def authenticate(site: Site, token: str) -> Principal:
    """Who holds this token.

    Raises
    ------
    Denied : nobody, or the key was revoked (by another process: within a second)
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise _denied()
    prefix, secret_sha256 = match[1], _hash(match[2])
    principal = site.glances.at((prefix, secret_sha256), lambda: _holder(site, prefix, secret_sha256))
    if principal is None:
        raise _denied()
    return principal


def _holder(site: Site, prefix: str, secret_sha256: str) -> Principal | None:
    """Whoever holds the key of this prefix and secret, as long as it is not revoked."""
    with site.control_session() as control:
        rows = control.look_up(_KNOWN_BY_PREFIX, prefix)
    known = _Known(*rows[0]) if rows else _NOBODY
    is_right = hmac.compare_digest(secret_sha256, known.secret_sha256)
    if not is_right or known.revoked_at is not None:
        why = "is revoked" if is_right else "has another secret" if rows else "is unknown"
        log.warning("an API key is refused: %s %s", prefix, why)
        return None
    _note_use(site, known)
    kind: Kind = "device" if known.role == "device" else "key"
    return Principal(known.id, kind, known.label, known.role, known.workspace_id)


def principal_of_key(site: Site, key_id: str) -> Principal | None:
    """Whom a key that was shown before stands for, as long as it is not revoked: for sessions and tickets."""
    with site.control_session():
        row: ApiKey | None = ApiKey.get_or_none(ApiKey.id == key_id)
    if row is None or row.revoked_at is not None:
        return None
    return Principal(row.id, "device" if row.role == "device" else "key", row.label, row.role, row.workspace_id)


def find_api_key(site: Site, workspace_id: str | None, key: str) -> ApiKey:
    """A key of a workspace (None: of the appliance), by its id or prefix, revoked or not.

    Raises
    ------
    NotFound : there is none there
    """
    with site.control_session():
        row: ApiKey | None = ApiKey.get_or_none((ApiKey.id == key) | (ApiKey.prefix == key))
    if row is None or row.workspace_id != workspace_id:
        raise NotFound("key.unknown", f"There is no API key '{key[:_LABEL_CHARACTERS]}'.")
    return row


def revoke_api_key(site: Site, key: str, by: Principal) -> ApiKey:
    """Refuse a key, by its id or prefix, from now on.

    Raises
    ------
    NotFound : there is none, or not for ``by``
    Conflict : it is revoked already, or the last key of the appliance's owner
    """
    with site.control_transaction():
        row: ApiKey | None = ApiKey.get_or_none((ApiKey.id == key) | (ApiKey.prefix == key))
        if row is None or by.workspace_id not in (None, row.workspace_id):
            raise NotFound("key.unknown", f"There is no API key '{key}'.")
        if row.revoked_at:
            raise Conflict("key.revoked", f"The API key '{row.label}' is revoked since {row.revoked_at}.")
        if row.workspace_id is None and _owner_keys() == 1:
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


def _owner_keys() -> int:
    live = ApiKey.select().where(ApiKey.workspace_id.is_null() & ApiKey.revoked_at.is_null())
    return int(live.count())


def _note_use(site: Site, known: _Known) -> None:
    """Write when the key was last used, now and then; a full disk does not lock anybody out."""
    now = utc_now()
    if known.last_used_at is not None and known.last_used_at > rfc3339_us(now - _USE_NOTED_EVERY):
        return
    try:
        with site.control_transaction():
            ApiKey.update(last_used_at=rfc3339_us(now)).where(ApiKey.id == known.id).execute()
    except Unavailable:
        return


def _check(workspace_slug: str | None, role: str, label: str) -> None:
    if role not in KEY_ROLES:
        raise InvalidInput("key.role", f"'{role}' is no role of a key.", f"Use one of {', '.join(KEY_ROLES)}.")
    if workspace_slug is None and role != "owner":
        raise InvalidInput("key.workspace", f"A key with the role '{role}' belongs to a workspace.", "Name one.")
    if not label.strip() or len(label) > _LABEL_CHARACTERS or not label.isprintable():
        hint = f"Use 1 to {_LABEL_CHARACTERS} printable characters."
        raise InvalidInput("key.label", "The label cannot be used.", hint)


def _facts(row: ApiKey) -> dict[str, str]:
    facts = {"key": row.id, "prefix": row.prefix, "role": row.role, "label": row.label}
    return facts | ({"workspace": row.workspace_id} if row.workspace_id else {})


def _denied() -> Denied:
    return Denied("key.refused", "This API key is not known or was revoked.", "Check D2R_API_KEY.")


def _spell(count: int) -> str:
    return b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
