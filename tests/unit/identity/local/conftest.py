"""An owner, and people with accounts of the appliance's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.errors import Denied
from appliance.identity.local.accounts import roles_named
from appliance.identity.local.invitations import accept, invite
from appliance.identity.login import sign_in
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

PASSWORD = "seven grey herons wait"
OWNER = Principal("key_owner", "key", "owner", "owner")


@pytest.fixture
def account(site: Site) -> Callable[..., Principal]:
    """Make an account: an operator of ``main``, unless told otherwise."""

    def make(login: str = "ann", appliance: str | None = None, **workspaces: str) -> Principal:
        roles = roles_named(site, OWNER, appliance, workspaces or ({} if appliance else {"main": "operator"}))
        _, token = invite(site, login, login.title(), roles, OWNER)
        return accept(site, token, PASSWORD)

    return make


def refused(site: Site, name: str = "ann", password: str = "wrong") -> str:
    """The code with which a sign-in is refused."""
    with pytest.raises(Denied) as error:
        sign_in(site, name, password)
    return error.value.code
