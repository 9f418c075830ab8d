"""Refresh tokens of the OpenID provider, kept wrapped by the master key: by them it is asked again about a person.

One a person, of the latest login; it is forgotten when nobody showed it for two days, and when it is taken no more.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.identity.models import ForeignLoginRow
from appliance.tenancy.site import Site

_SOURCE: Final = "oidc-lasting"
#: A token that was not shown so long is forgotten.
_KEPT: Final = timedelta(days=2)


def keep(site: Site, user_id: str, token: str | None) -> None:
    """Keep the refresh token of a person's latest login; None: there is none."""
    with site.control_transaction():
        forget(user_id)
        if token is not None:
            until = rfc3339_us(utc_now() + _KEPT)
            wrapped = site.master.wrap(token.encode(), _context(user_id))
            ForeignLoginRow.create(
                sha256=_place(user_id), source=_SOURCE, nonce=user_id, verifier=wrapped, expires_at=until
            )


def forget(user_id: str) -> None:
    """Show the provider nothing of this person any more; in the current control transaction."""
    ForeignLoginRow.delete().where(ForeignLoginRow.sha256 == _place(user_id)).execute()


def kept(site: Site, user_id: str) -> str | None:
    """The refresh token that was kept of a person; None: there is none."""
    with site.control_session():
        row = ForeignLoginRow.known(sha256=_place(user_id))
    return None if row is None else site.master.unwrap(bytes(row.verifier), _context(user_id)).decode()


def _place(user_id: str) -> str:
    return sha256(f"{_SOURCE} {user_id}".encode()).hexdigest()


def _context(user_id: str) -> str:
    return f"oidc/lasting/{user_id}"
