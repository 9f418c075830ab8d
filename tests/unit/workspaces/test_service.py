"""Making a workspace is in the control log, together with it or not at all."""

from __future__ import annotations

import json

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.errors import Conflict
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from appliance.workspaces.service import create_workspace

OWNER = Principal("key_o", "key", "owner", "owner")


def test_the_entry_names_the_workspace_and_who_made_it(site: Site) -> None:
    workspace = create_workspace(site, "second", "Second", OWNER)
    log = DatabaseLog.of_control(site)
    with site.control_session():
        entry = json.loads(log.entry(log.size - 1))
    assert entry["kind"] == "workspace.created"
    assert entry["facts"] == {
        "workspace": workspace.id,
        "slug": "second",
        "name": "Second",
        "by": {"id": "key_o", "kind": "key", "role": "owner"},
    }
    with pytest.raises(Conflict):
        create_workspace(site, "second", "Second", OWNER)
    with site.control_session():
        assert DatabaseLog.of_control(site).size == 1
    assert [found.slug for found in site.workspaces()] == ["main", "second"]
