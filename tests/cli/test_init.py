"""``d2r init``: an appliance in one command, again without harm, and whole after a crash anywhere."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.config.settings import load_settings
from appliance.crypto.master import MasterKey
from appliance.identity.api_keys import authenticate
from appliance.tenancy.site import Site

D2r = Callable[..., tuple[int, str, str]]
_COMMAND = [sys.executable, "-c", "from appliance.cli.main import main; main()", "init"]


def _json(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_one_command_makes_an_appliance_that_opens(d2r: D2r, tmp_path: Path) -> None:
    code, out, err = d2r("init", "--data", tmp_path / "d", "--name", "plant.example/d2r", "--workspace", "hall-2")
    assert (code, err) == (0, "")
    assert "plant.example/d2r" in out
    assert "Recovery key" in out
    with Site.open(load_settings(tmp_path / "d", {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["hall-2"]
        assert site.keys.name == "plant.example/d2r"
        token = site.settings.admin_key_file.read_text().strip()
        owner = authenticate(site, token)
        assert (owner.role, owner.workspace_id) == ("owner", None)
        assert site.settings.admin_key_file.stat().st_mode & 0o777 == 0o600
        assert token not in out
        with site.scope(owner, "hall-2"):
            pass


def test_json_says_where_everything_is(d2r: D2r, tmp_path: Path) -> None:
    code, out, _ = d2r("init", "--data", tmp_path / "d", "--json")
    record = _json(out)
    assert code == 0
    assert record["data"] == str(tmp_path / "d")
    assert record["created"] is True
    assert Path(record["admin_key_file"]).is_file()
    assert record["workspace"]["slug"] == "main"
    assert record["vkey"].startswith(record["name"] + "+")
    assert MasterKey.recover(tmp_path / "d" / "keys" / "master.key", record["recovery_key"], None)


def test_running_it_again_changes_nothing_and_shows_no_secret(d2r: D2r, tmp_path: Path) -> None:
    data = tmp_path / "d"
    first = _json(d2r("init", "--data", data, "--json")[1])
    kept = {name: (data / name).read_bytes() for name in ("admin.key", "keys/keys.json", "keys/master.key")}
    second = _json(d2r("init", "--data", data, "--json")[1])
    assert second == {**first, "created": False, "recovery_key": None}
    assert kept == {name: (data / name).read_bytes() for name in kept}
    assert "Recovery" not in d2r("init", "--data", data)[1]


def test_another_name_than_the_keys_have_is_refused(d2r: D2r, tmp_path: Path) -> None:
    d2r("init", "--data", tmp_path / "d", "--name", "one.example")
    code, _, err = d2r("init", "--data", tmp_path / "d", "--name", "two.example")
    assert code == 3
    assert "one.example" in err
    assert "init.name" in err


def test_a_second_workspace_is_made_by_the_same_command(d2r: D2r, tmp_path: Path) -> None:
    d2r("init", "--data", tmp_path / "d")
    assert _json(d2r("init", "--data", tmp_path / "d", "--workspace", "b", "--json")[1])["workspace"]["slug"] == "b"
    with Site.open(load_settings(tmp_path / "d", {})) as site:
        assert [workspace.slug for workspace in site.workspaces()] == ["main", "b"]


@pytest.mark.parametrize(
    ("arguments", "environ", "code"),
    [
        (["--workspace", "Bad Name"], {}, "workspace.slug"),
        (["--name", "with space"], {}, ""),
        ([], {"D2R_PROT": "1"}, "settings.unknown"),
        ([], {"D2R_PASSPHRASE_FILE": "/nonexistent"}, "settings.secret"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    d2r: D2r,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environ: dict[str, str],
    code: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    status, out, err = d2r("init", "--data", tmp_path / "d", *arguments)
    assert status == 3
    assert out == ""
    assert err.count("\n") == 1
    assert code in err


def test_a_folder_that_is_open_to_others_is_refused(d2r: D2r, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o755)
    code, _, err = d2r("init", "--data", tmp_path / "d")
    assert code == 3
    assert "chmod" in err


#: A point of the founding -> whether the control database is there already.
FAULTS = [
    "init.folders", "init.keys", "init.control", "migration.statement:3", "migration.applied:1", "migration.applied:4",
    "init.master", "workspace.reserved", "migration.applied:5", "migration.applied:9", "workspace.files",
    "init.printed",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_crash_anywhere_is_mended_by_running_it_again(tmp_path: Path, fault: str) -> None:
    data = tmp_path / "d"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    armed = environ | {"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"}
    command = [*_COMMAND, "--data", str(data), "--json"]
    died = subprocess.run(command, env=armed, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, f"{fault} was not passed: {died.stderr}"
    assert not (data / "admin.key").exists()
    mended = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert mended.returncode == 0, mended.stderr
    record = _json(mended.stdout)
    assert record["recovery_key"]
    with Site.open(load_settings(data, {})) as site:
        site.check_databases()
        assert [workspace.slug for workspace in site.workspaces()] == ["main"]
        assert len(list(site.settings.workspaces_folder.glob("*.db"))) == 1
        owner = authenticate(site, site.settings.admin_key_file.read_text().strip())
        with site.scope(owner, "main"):
            pass
    MasterKey.recover(data / "keys" / "master.key", record["recovery_key"], None)


@pytest.mark.sqlite
def test_a_damaged_control_database_is_said_in_one_line(d2r: D2r, tmp_path: Path) -> None:
    d2r("init", "--data", tmp_path / "d")
    path = tmp_path / "d" / "control.db"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    path.write_bytes(b"x" * path.stat().st_size)
    code, _, err = d2r("init", "--data", tmp_path / "d")
    assert code == 3
    assert "database.damaged" in err
    assert "backup" in err


def test_two_at_once_make_one_appliance_and_show_one_recovery_key(tmp_path: Path) -> None:
    command = [*_COMMAND, "--data", str(tmp_path / "d"), "--json"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    running = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    records = [_json(process.communicate()[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sorted(record["created"] for record in records) == [False, False, True]
    shown = [record["recovery_key"] for record in records if record["recovery_key"]]
    assert len(shown) == 1
    assert MasterKey.recover(tmp_path / "d" / "keys" / "master.key", shown[0], None)
