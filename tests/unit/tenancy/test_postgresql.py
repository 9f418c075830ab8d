"""An appliance in PostgreSQL: founded by an administrator, run without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from appliance.config.settings import load_settings
from appliance.db.provisioning import Administrator
from appliance.errors import Conflict, Misconfigured, Unavailable
from appliance.plant.assets import create_asset, list_assets
from appliance.tenancy import postgresql
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.postgresql_cluster import cluster

OWNER = Principal("key_owner", "key", "owner", "owner")


@dataclass
class Founded:
    """An appliance whose rows are in the database of ``url``."""

    data: Path
    url: str
    site: Site


@pytest.fixture
def founded(tmp_path: Path) -> Iterator[Founded]:
    url = cluster().new_database()
    with Site.open(load_settings(tmp_path / "data", {}), create=True, administrator_url=url) as site:
        site.create_workspace("main", "Main", SYSTEM)
        yield Founded(tmp_path / "data", url, site)


def test_the_running_appliance_needs_no_administrator(founded: Founded) -> None:
    create_asset(founded.site.scope(OWNER, "main"), "press-7")
    with Site.open(load_settings(founded.data, {})) as again:
        assert [asset.name for asset in list_assets(again.scope(OWNER, "main"))] == ["press-7"]
        again.check_databases()


def test_the_data_folder_holds_no_password_in_the_clear(founded: Founded) -> None:
    password = founded.site.databases.backend.login(None).password  # type: ignore[attr-defined]
    texts = [path.read_bytes() for path in founded.data.rglob("*") if path.is_file()]
    assert len(password) == 48
    assert not any(password.encode() in text or cluster().password.encode() in text for text in texts)
    assert (founded.data / "database.json").stat().st_mode & 0o777 == 0o600


def test_passwords_of_workspaces_stand_wrapped_in_the_control_database(founded: Founded) -> None:
    workspace = founded.site.workspaces()[0]
    password = postgresql.password_of(founded.site, workspace.id)
    with founded.site.control_session() as control:
        [(wrapped,)] = control.fetch("SELECT password FROM database_slot WHERE workspace_id = ?", workspace.id)
    assert password.encode() not in wrapped
    with pytest.raises(Misconfigured):
        postgresql.password_of(founded.site, "wsp_unknown")


def test_new_workspaces_take_the_schemas_that_are_ready_until_none_is(tmp_path: Path) -> None:
    url = cluster().new_database()
    with Site.open(load_settings(tmp_path / "data", {}), create=True, administrator_url=url) as site:
        ready = postgresql.spare_slots(site)
        for number in range(ready):
            site.create_workspace(f"w{number}", "W", SYSTEM)
        with pytest.raises(Unavailable) as refused:
            site.create_workspace("late", "Late", SYSTEM)
        assert refused.value.code == "database.no_slot"
        assert "d2r database provision" in refused.value.hint
        assert postgresql.provision(site, url, 2) == 2
        assert postgresql.provision(site, url, 2) == 0
        late = site.create_workspace("late", "Late", SYSTEM)
        assert late.slug in [workspace.slug for workspace in site.workspaces()]
        assert len({workspace.id for workspace in site.workspaces()}) == ready + 1


def test_a_database_holds_one_appliance(founded: Founded, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        Site.open(load_settings(tmp_path / "other", {}), create=True, administrator_url=founded.url)
    assert refused.value.code == "database.taken"


def test_an_appliance_does_not_move_from_files_by_itself(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "data", {})
    settings.data.mkdir(mode=0o700)
    settings.control_db.touch(0o600)
    with pytest.raises(Conflict) as refused:
        Site.open(settings, create=True, administrator_url=cluster().new_database())
    assert refused.value.code == "init.database"


def test_migrating_says_what_it_did_and_refuses_another_database(founded: Founded) -> None:
    applied = postgresql.migrate(founded.data / "database.json", founded.url)
    assert "control" in applied
    assert len(applied) >= 3
    assert not any(applied.values())
    with pytest.raises(Misconfigured) as refused:
        postgresql.migrate(founded.data / "database.json", cluster().new_database())
    assert refused.value.code == "database.other"


def test_a_name_that_roles_cannot_carry_is_refused(tmp_path: Path) -> None:
    with psycopg.connect(cluster().url(), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "Plant-4"')
    with pytest.raises(Misconfigured) as refused, Administrator.at(cluster().url("Plant-4")):
        pytest.fail("connected")
    assert refused.value.code == "database.name"
