"""A workspace that is being filled: there for whoever fills it, and for nobody else."""

from __future__ import annotations

import pytest

from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.plant.assets import create_asset, list_assets
from appliance.tenancy.founding import furnish
from appliance.tenancy.hidden import give_up_hidden, reserve_hidden, reveal
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

OWNER = Principal("key_owner", "key", "owner", "owner")


@pytest.fixture
def hidden(site: Site) -> str:
    workspace_id = reserve_hidden(site, OWNER)
    furnish(site, workspace_id)
    return workspace_id


def test_nobody_enters_it_and_no_list_shows_it(site: Site, hidden: str) -> None:
    create_asset(site.hidden_scope(hidden), "press-7")
    assert [one.slug for one in site.all_workspaces()] == ["main"]
    for way in (
        lambda: site.scope(OWNER, hidden), lambda: site.scope(OWNER, ""), lambda: site.system_scope(hidden),
        lambda: site.sealed_scope(hidden), lambda: site.scope(Principal("k", "key", "x", "owner", hidden), hidden),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            way()
    assert not site.is_open(hidden)
    with pytest.raises(InvalidInput):  # nobody can choose its slug, and go on with it as with one that a crash left
        site.create_workspace(hidden, "Mine", OWNER)


def test_it_is_revealed_under_a_name_once(site: Site, hidden: str) -> None:
    create_asset(site.hidden_scope(hidden), "press-7")
    with pytest.raises(Conflict), site.control_transaction():
        reveal(hidden, "main", "Main")
    with site.control_transaction():
        assert reveal(hidden, "hall-2", "Hall 2").slug == "hall-2"
    assert [one.name for one in list_assets(site.scope(OWNER, "hall-2"))] == ["press-7"]
    with pytest.raises(NotFound):
        site.hidden_scope(hidden)
    with pytest.raises(Conflict, match="given up"), site.control_transaction():
        reveal(hidden, "hall-3", "Hall 3")
    assert give_up_hidden(site) == []


def test_what_is_given_up_cannot_be_opened_or_revealed_any_more(site: Site, hidden: str) -> None:
    assert give_up_hidden(site) == [hidden]
    with site.control_session():
        assert bytes(WorkspaceRow.get_by_id(hidden).data_key) == b""
    with pytest.raises(NotFound):
        site.hidden_scope(hidden)
    with pytest.raises(Conflict, match="given up"), site.control_transaction():
        reveal(hidden, "hall-2", "Hall 2")
    assert [one.slug for one in site.workspaces()] == ["main"]
    assert site.scope(SYSTEM, "main").slug == "main"
