"""A real directory, and an appliance that knows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.identity.groups import give_role
from appliance.identity.ldap.directory import configure
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.ldap_server import SEARCHER_PASSWORD, LdapServer, group, new_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LdapServer]:
    started = new_server(tmp_path_factory.mktemp("ldap"))
    yield started
    started.stop()


@pytest.fixture
def plant(site: Site, server: LdapServer) -> Site:
    """Supervisors supervise, operators operate, auditors audit, in ``main``."""
    configure(site, server.settings(), SEARCHER_PASSWORD, SYSTEM)
    for name, role in (("Supervisors", "supervisor"), ("operators", "operator"), ("auditors", "auditor")):
        give_role(site, "ldap", group(name), "main", role, SYSTEM)
    return site
