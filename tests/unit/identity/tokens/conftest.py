"""A person with a role in ``main``, by a group."""

from __future__ import annotations

import pytest

from appliance.identity.groups import give_role
from appliance.identity.records import Vouched
from appliance.identity.users import admit
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site


@pytest.fixture
def ann(site: Site) -> Principal:
    give_role(site, "ldap", "cn=crew", "main", "supervisor", SYSTEM)
    return admit(site, Vouched("ldap", "s-1", "ann", "Ann", ("cn=crew",)))
