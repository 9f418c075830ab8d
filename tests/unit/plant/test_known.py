"""Rows that are asked for by what they equal, without building a query: the same rows, in the same scope."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.db.routing import ScopeConflict, ScopeMissing
from appliance.plant.assets import create_asset, list_assets
from appliance.plant.models import Asset, Part
from appliance.plant.parts import create_part
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site


def test_a_row_is_the_one_that_a_query_finds(scope: WorkspaceScope) -> None:
    made = create_asset(scope, "press-7", serial="0007", metadata={"hall": 3})
    with scope:
        asked, queried = Asset.known(id=made.id), Asset.get_by_id(made.id)
        assert asked.__data__ == queried.__data__
        assert asked.dirty_fields == []
        assert Asset.known(name="press-7", serial="0007") == queried
        assert Asset.known(name="press-7", serial="0008") is None
        assert Asset.known(name="' OR 1=1 --") is None


def test_a_row_comes_with_those_that_name_it_the_newest_first(scope: WorkspaceScope) -> None:
    part, bare = create_part(scope, "bracket"), create_part(scope, "bare")
    for name in ("a", "b", "c"):
        create_asset(scope, name, part=part)
    with scope:

        def asked(part_id: str) -> Any:
            return Part.known_with(("name", "created_at"), Asset, ("name", "part_id"), "part_id", part_id)

        found, its = asked(part.id)
        row = Part.get_by_id(part.id)
        assert found._asdict() == {"name": "bracket", "created_at": row.created_at}
        assert [one._asdict() for one in its] == [{"name": name, "part_id": part.id} for name in "cba"]
        assert asked(bare.id)[1] == []
        for nobody in ("", "prt_0", f"{part.id}\0"):
            assert asked(nobody) is None


def test_rows_come_newest_first_where_that_is_asked(scope: WorkspaceScope) -> None:
    made = [create_asset(scope, name, serial="same").id for name in ("a", "b", "c")]
    create_asset(scope, "d", serial="other")
    with scope:
        assert [row.id for row in Asset.alike(newest_first="id", serial="same")] == made[::-1]


def test_a_column_that_is_none_is_an_error(scope: WorkspaceScope) -> None:
    with scope, pytest.raises(KeyError):
        Asset.known(nothing="x")


def test_it_is_asked_in_a_scope_and_belongs_there(site: Site, scope: WorkspaceScope) -> None:
    create_asset(scope, "press-7")
    site.create_workspace("other", "Other", SYSTEM)
    with pytest.raises(ScopeMissing):
        Asset.known(name="press-7")
    with scope:
        row = Asset.known(name="press-7")
    other = site.scope(Principal("key_o", "key", "o", "owner"), "other")
    with other:
        assert Asset.known(name="press-7") is None
        with pytest.raises(ScopeConflict):
            row.save()


def test_null_columns_are_asked_for_by_name(scope: WorkspaceScope) -> None:
    part = create_part(scope, "bracket")
    create_asset(scope, "a", part=part, serial="s")
    made = [create_asset(scope, name, serial="s").id for name in ("b", "c")]
    create_asset(scope, "d", serial="t")
    with scope:
        assert [row.id for row in Asset.alike(null=("part_id",), newest_first="id", serial="s")] == made[::-1]
        assert len(Asset.alike(null=("part_id",))) == 3
        assert len(Asset.alike()) == 4


def test_rows_of_a_list_are_those_of_a_query_and_belong_to_its_scope(site: Site, scope: WorkspaceScope) -> None:
    create_asset(scope, "press-7", serial="0007", metadata={"hall": 3})
    site.create_workspace("other", "Other", SYSTEM)
    with scope:
        [listed], [queried] = list_assets(scope), list(Asset.select())
        assert (listed.__data__, listed.dirty_fields) == (queried.__data__, [])
        listed.location = "hall 4"
        assert listed.save() == 1
        assert Asset.get_by_id(listed.id).location == "hall 4"
    with site.scope(Principal("key_o", "key", "o", "owner"), "other"), pytest.raises(ScopeConflict):
        listed.save()
