"""Who calls, by whatever they show: an API key, a personal token, or an access token."""

from __future__ import annotations

from hashlib import sha256

from appliance.core.clock import rfc3339_us
from appliance.errors import Denied
from appliance.identity import key_holders
from appliance.identity.key_holders import is_over
from appliance.identity.tokens import personal
from appliance.identity.tokens.holders import principal_behind
from appliance.identity.tokens.personal import holder_of_personal_token
from appliance.identity.tokens.signing import read, refused
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site


def authenticate(site: Site, shown: str) -> Principal:
    """Who shows this.

    Raises
    ------
    Denied : nobody whom we know, or who counts no more
    """
    if shown.startswith(f"{key_holders.KIND}_"):
        return key_holders.authenticate(site, shown)
    if shown.startswith(f"{personal.KIND}_"):
        held = holder_of_personal_token(site, shown)
    elif shown.count(".") == 2:
        held = site.glances.at(sha256(shown.encode()).digest(), lambda: _holder(site, shown))
    else:
        raise Denied("key.refused", "This is neither an API key nor a token.", "Check D2R_KEY.")
    if held is None or is_over(held[1]):
        raise refused("it counts no more")
    return held[0]


def _holder(site: Site, token: str) -> tuple[Principal, str] | None:
    """Whoever holds an access token, and until when it counts: its grant and what that comes from are asked anew."""
    claims = read(site, token)
    principal = principal_behind(site, claims.grant)
    if principal is None or principal.id != claims.subject:
        return None
    return principal, rfc3339_us(claims.expires_at)
