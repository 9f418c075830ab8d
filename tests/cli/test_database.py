"""``d2r init --database`` and ``d2r database``: an appliance whose rows live in PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from appliance.cli.main import run
from appliance.config.settings import load_settings
from appliance.supervise.doctor.checks import examine
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.postgresql_cluster import cluster

_COMMAND = [sys.executable, "-c", "from appliance.cli.main import main; main()"]


def d2r(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments], env={**os.environ, **environ}, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip


@pytest.fixture(scope="module")
def url() -> str:
    return cluster().new_database()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, url: str) -> Path:
    folder = tmp_path_factory.mktemp("pg") / "data"
    made = d2r("init", "--data", str(folder), "--database", url, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["workspace"]["slug"] == "main"
    return folder


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_init_keeps_no_rows_in_files_and_names_no_administrator(data: Path, url: str) -> None:
    assert not (data / "control.db").exists()
    assert list((data / "workspaces").iterdir()) == []
    everything = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert cluster().password.encode() not in everything
    with Site.open(load_settings(data, {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["main"]


def test_init_again_changes_nothing(data: Path, url: str) -> None:
    with_administrator = d2r("init", "--data", str(data), "--json", D2R_DATABASE_ADMIN=url)
    without = d2r("init", "--data", str(data), "--json")
    assert (with_administrator.returncode, without.returncode) == (0, 0), with_administrator.stderr + without.stderr
    assert json.loads(without.stdout)["created"] is False


def test_show_says_where_the_rows_are(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["database", "show", "--data", str(data), "--json"]) == 0
    found = said(capsys)
    assert found["backend"] == "postgresql"
    assert found["spare_schemas"] >= 1
    assert cluster().password not in str(found)
    assert run(["database", "show", "--data", str(data)]) == 0
    assert "spare schemas" in capsys.readouterr().out


def test_provision_makes_room_for_workspaces(data: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["database", "provision", "--data", str(data), "--administrator", url, "--spare", "10"]) == 0
    assert "10 are ready" in capsys.readouterr().out
    with Site.open(load_settings(data, {})) as site:
        site.create_workspace("hall-9", "Hall 9", SYSTEM)


def test_migrate_lists_every_schema(data: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["database", "migrate", "--data", str(data), "--administrator", url, "--json"]) == 0
    applied = said(capsys)
    assert "control" in applied
    assert all(schema == "control" or schema.startswith("wsp_") for schema in applied)


def test_an_administrator_is_asked_for(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["database", "migrate", "--data", str(data)]) == 3
    assert "--administrator" in capsys.readouterr().err


@pytest.mark.sqlite
def test_an_appliance_in_files_has_nothing_to_migrate_there(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Site.open(load_settings(tmp_path / "d", {}), create=True).close()
    assert run(["database", "migrate", "--data", str(tmp_path / "d"), "--administrator", url]) == 3
    assert "d2r up" in capsys.readouterr().err
    assert run(["database", "show", "--data", str(tmp_path / "d"), "--json"]) == 0
    assert said(capsys) == {"backend": "sqlite", "folder": str(tmp_path / "d")}


def test_the_doctor_looks_over_server_schemas_and_rights(data: Path, url: str) -> None:
    settings = load_settings(data, {})
    found = {finding.check: finding for finding in examine(settings)}
    assert found["PostgreSQL"].state == "ok"
    assert found["durability of the server"].state == "failed"  # the server of the tests does not sync
    assert "fsync = off" in found["durability of the server"].measured
    with Site.open(settings) as site:
        workspace = site.workspaces()[0].id
    assert found[f"rights of {workspace}"].state == "ok"
    with psycopg.connect(url, autocommit=True) as administrator:
        role = f"{administrator.info.dbname}_{workspace}"
        administrator.execute(f"GRANT USAGE ON SCHEMA control TO {role}")
        try:
            again = {finding.check: finding for finding in examine(settings)}
        finally:
            administrator.execute(f"REVOKE USAGE ON SCHEMA control FROM {role}")
    assert again[f"rights of {workspace}"].state == "failed"
    assert "may look into the schema control" in again[f"rights of {workspace}"].measured
    assert "d2r database migrate" in again[f"rights of {workspace}"].remedy


def test_a_server_that_is_away_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((data / "database.json").read_text())
    away = json.dumps(record | {"url": "host=/nowhere dbname=x"})
    before = (data / "database.json").read_bytes()
    (data / "database.json").write_text(away)
    try:
        assert run(["database", "show", "--data", str(data)]) == 3
        found = {finding.check: finding for finding in examine(load_settings(data, {}))}
    finally:
        (data / "database.json").write_bytes(before)
    assert "database.away" in capsys.readouterr().err
    assert found["PostgreSQL"].state == "failed"


@pytest.mark.parametrize("place", ["init.database", "init.control", "database.schema_made:3", "workspace.reserved"])
def test_a_founding_that_was_killed_is_finished_by_the_next(tmp_path: Path, place: str) -> None:
    folder, url = str(tmp_path / "data"), cluster().new_database()
    killed = d2r("init", "--data", folder, "--database", url, D2R_FAULT=place, D2R_ALLOW_FAULTS="1")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done = d2r("init", "--data", folder, "--database", url, "--json")
    assert done.returncode == 0, done.stderr
    with Site.open(load_settings(tmp_path / "data", {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["main"]
        site.scope(SYSTEM, "main")
        site.check_databases()
