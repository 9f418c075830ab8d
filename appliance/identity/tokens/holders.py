"""Whom a caller's credential stands for, asked anew: a person, a key, a personal token, a session, a grant of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.core.ids import is_id
from appliance.identity.key_holders import is_over
from appliance.identity.principals import principal_of
from appliance.identity.scopes import read_scopes
from appliance.identity.sessions import principal_of_session
from appliance.identity.tokens.models import TokenGrantRow
from appliance.identity.tokens.personal import principal_of_personal_token
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site


def principal_behind(site: Site, holder_id: str) -> Principal | None:
    """The principal that acts by this id (``Principal.holder``), as it may act now; None where it counts no more."""
    if is_id(holder_id, "pat"):
        return principal_of_personal_token(site, holder_id)
    if is_id(holder_id, "ses"):
        return principal_of_session(site, holder_id)
    if not is_id(holder_id, "tgr"):
        return principal_of(site, holder_id)
    with site.control_session():
        grant = TokenGrantRow.known(id=holder_id)
    if grant is None or not counts(grant):
        return None
    behind = principal_behind(site, grant.holder_id)
    return None if behind is None else replace(behind, scopes=_narrowed(behind, grant.scopes), via=grant.id)


def counts(grant: Any) -> bool:
    """Whether a grant's row has neither been ended nor come to its end."""
    return grant.revoked_at is None and not is_over(grant.idle_at) and not is_over(grant.expires_at)


def _narrowed(behind: Principal, scopes: str | None) -> frozenset[str] | None:
    """What is left of what the holder may when it is bounded once more."""
    asked = read_scopes(scopes)
    if asked is None or behind.scopes is None:
        return behind.scopes if asked is None else asked
    return behind.scopes & asked
