"""Who holds an API key: found by the prefix of what is shown, proven by the hash of its secret.

A key counts while it is neither revoked nor over, and so does each of its secrets.  What is asked at every request is
remembered for a moment (``glance``); when it was last used is written beside the request, now and then.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Denied, Unavailable
from appliance.identity.bearer import Bearer, read_bearer
from appliance.identity.models import ApiKey
from appliance.identity.scopes import read_scopes
from appliance.tenancy.records import Kind, Principal, Role
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

KIND: Final = "d2r"
#: ``last_used_at`` is written when it is older than this: reading must not cost a write.
_USE_NOTED_EVERY: Final = timedelta(minutes=5)
_KNOWN_BY_PREFIX: Final = """
SELECT k.id, s.secret_sha256, k.role, k.label, k.workspace_id, k.scopes, k.last_used_at, k.revoked_at, k.expires_at,
s.ends_at FROM api_key_secret s JOIN api_key k ON k.id = s.key_id WHERE s.prefix = ?
"""


@dataclass(frozen=True)
class _Known:
    """What is compared with what is shown."""

    id: str
    secret_sha256: str
    role: Role
    label: str
    workspace_id: str | None
    scopes: str | None
    last_used_at: str | None
    revoked_at: str | None
    expires_at: str | None
    ends_at: str | None

    @property
    def until(self) -> str | None:
        """When key or secret ends, whichever comes first."""
        return min((end for end in (self.expires_at, self.ends_at) if end is not None), default=None)


#: Stands in for a key that does not exist; revoked since ever.
_NOBODY: Final = _Known("", "0" * 64, "operator", "", None, None, None, "", None, None)


def authenticate(site: Site, token: str) -> Principal:
    """Who holds this API key.

    Raises
    ------
    Denied : nobody, or the key was revoked or is over
    """
    shown = read_bearer(KIND, token)
    held = None if shown is None else site.glances.at(shown, lambda: _holder(site, shown))
    if held is None or is_over(held[1]):
        raise Denied("key.refused", "This API key is not known, is over or was revoked.", "Check D2R_KEY.")
    return held[0]


def is_over(until: str | None) -> bool:
    """Whether a moment has passed; None never comes."""
    return until is not None and until <= rfc3339_us(utc_now())


def principal_of_key(site: Site, key_id: str) -> Principal | None:
    """Whom a key that was shown before stands for, as long as it counts: for sessions and tickets."""
    with site.control_session():
        row: ApiKey | None = ApiKey.known(id=key_id)
    if row is None or row.revoked_at is not None or is_over(row.expires_at):
        return None
    return _principal(row.id, row.role, row.label, row.workspace_id, row.scopes)


def _holder(site: Site, shown: Bearer) -> tuple[Principal, str | None] | None:
    """Whoever holds the key of this prefix and secret, and until when."""
    with site.control_session() as control:
        rows = control.look_up(_KNOWN_BY_PREFIX, shown.prefix)
    known = _Known(*rows[0]) if rows else _NOBODY
    is_right = hmac.compare_digest(shown.secret_sha256, known.secret_sha256)
    if not is_right or known.revoked_at is not None or is_over(known.until):
        why = _why(known, is_right) if rows else "is unknown"
        log.warning("an API key is refused: %s %s", shown.prefix, why)
        return None
    if known.last_used_at is None or known.last_used_at <= rfc3339_us(utc_now() - _USE_NOTED_EVERY):
        site.aside.do(lambda: _note_use(site, known.id))
    return _principal(known.id, known.role, known.label, known.workspace_id, known.scopes), known.until


def _why(known: _Known, is_right: bool) -> str:
    if not is_right:
        return "has another secret"
    return "is over" if known.revoked_at is None else "is revoked"


def _principal(key_id: str, role: Role, label: str, workspace_id: str | None, scopes: str | None) -> Principal:
    kind: Kind = "device" if role == "device" else "key"
    return Principal(key_id, kind, label, role, workspace_id, scopes=read_scopes(scopes))


def _note_use(site: Site, key_id: str) -> None:
    """Write when the key was last used; a full disk does not lock anybody out."""
    try:
        with site.control_transaction():
            ApiKey.update(last_used_at=rfc3339_us(utc_now())).where(ApiKey.id == key_id).execute()
    except Unavailable:
        log.warning("the use of a key is not noted: the database takes nothing")
