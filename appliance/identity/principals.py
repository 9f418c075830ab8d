"""Whom an id stands for that was shown before: a person or an API key, as long as they count."""

from __future__ import annotations

from appliance.core.ids import is_id
from appliance.identity.api_keys import principal_of_key
from appliance.identity.users import principal_of_user
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site


def principal_of(site: Site, principal_id: str) -> Principal | None:
    """The person or key of this id; None where it was revoked or disabled, or lost its last role."""
    if is_id(principal_id, "usr"):
        return principal_of_user(site, principal_id)
    return principal_of_key(site, principal_id)
