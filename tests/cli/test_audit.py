"""``d2r audit``: an operator at the data folder and an auditor with a witness of their own."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.audit.persons import create_person
from appliance.audit.recording import record
from appliance.audit.rotation import rotate_key
from appliance.cli.main import run
from appliance.config.settings import load_settings
from appliance.crypto.vkey import VerifierKey
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site


class Plant:
    """An appliance with a few entries in its first workspace, and a witness."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.data, self._capsys = folder, folder / "data", capsys
        self.d2r("init", "--name", "plant.example/7")
        with Site.open(load_settings(self.data, {})) as site:
            self.key: VerifierKey = site.keys.own_keys()[0]
            scope = site.scope(SYSTEM, "main")
            self.workspace_id = scope.workspace_id
            self.person = create_person(scope, {"name": "Erika"})
            for number in range(3):
                facts = {"number": number}
                record(scope, "scan.received", {"scan": "a" * 64}, facts, {"operator": "Erika"}, self.person)
        self.d2r("witness", "init", folder / "wit", "--name", "audit.example/w", "--log", self.key, data=False)
        status = self.json("witness", "status", folder / "wit", "--json", data=False)
        self.trust = ("--trust", status["witness"])
        self.origin = f"plant.example/7/{self.workspace_id}"

    def d2r(self, *words: object, code: int = 0, data: bool = True) -> str:
        self._capsys.readouterr()
        typed = [*map(str, words), *(["--data", str(self.data)] if data else [])]
        found = run(typed)
        captured = self._capsys.readouterr()
        assert found == code, captured.out + captured.err
        return captured.out + captured.err

    def json(self, *words: object, code: int = 0, data: bool = True) -> Any:
        return json.loads(self.d2r(*words, code=code, data=data))

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def cosigned(self, *options: object) -> Path:
        self.d2r("audit", "witness-exchange", "--out", self / "update", *options)
        self.d2r("witness", "cosign", self / "wit", self / "update", data=False)
        return self / "update.cosigned"


@contextmanager
def edited(path: Path) -> Iterator[sqlite3.Connection]:
    """A database file in the hands of somebody who edits it."""
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plant:
    for name in ("D2R_DATA", "D2R_PASSPHRASE", "D2R_PASSPHRASE_FILE", "D2R_NAME"):
        monkeypatch.delenv(name, raising=False)
    return Plant(tmp_path, capsys)


def test_a_log_is_unmodified_since_a_witness_saw_it(plant: Plant) -> None:
    assert "no trusted witness" in plant.d2r("audit", "verify", "--workspace", "main", code=2)
    said = plant.d2r("audit", "anchor", plant.cosigned(), *plant.trust)
    assert "anchored: audit.example/w" in said
    found = plant.json("audit", "verify", "--workspace", "main", *plant.trust, "--json")
    assert found[plant.origin]["finding"] == "UNMODIFIED"
    assert "3 of 3 entries" in found[plant.origin]["reason"]
    status = plant.d2r("witness", "status", plant / "wit", data=False)
    assert f"3 entries, {found[plant.origin]['since']} of {plant.origin}" in status
    plant.d2r("audit", "proof", 1, "--out", plant / "proof")
    said = plant.d2r("log", "check", plant / "proof", *plant.trust, "--trust", plant.key, data=False)
    assert said.startswith(f"UNMODIFIED SINCE {found[plant.origin]['since']}")


@pytest.mark.sqlite
def test_an_auditor_with_a_copy_of_the_file_and_a_checkpoint_needs_no_appliance(plant: Plant) -> None:
    plant.d2r("audit", "checkpoint", "--out", plant / "kept")
    assert plant.d2r("audit", "checkpoint").encode() == (plant / "kept").read_bytes()
    name = f"{plant.workspace_id}.db"
    source = plant.data / "workspaces" / name
    with edited(source) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(source, plant / name)
    ask = ("audit", "verify", "--database", plant / name, "--trust", plant.key, "--held", plant / "kept")
    assert "UNMODIFIED: 3 of 3 entries, as seen by whoever holds" in plant.d2r(*ask)
    with edited(plant / name) as connection:
        connection.execute("DROP TRIGGER audit_entry_no_delete")
        connection.execute("DELETE FROM audit_entry WHERE position = 2")
    assert "MODIFIED" in plant.d2r(*ask, code=1)
    assert "--trust" in plant.d2r("audit", "verify", "--database", plant / name, code=2)


@pytest.mark.sqlite
def test_a_changed_entry_is_named_and_decides_the_exit_code(plant: Plant) -> None:
    with edited(plant.data / "workspaces" / f"{plant.workspace_id}.db") as connection:
        connection.execute("DROP TRIGGER audit_entry_no_update")
        changed = "CAST(replace(CAST(entry AS TEXT), '\"number\":1', '\"number\":7') AS BLOB)"
        connection.execute(f"UPDATE audit_entry SET entry = {changed} WHERE position = 1")
    said = plant.d2r("audit", "verify", code=1)
    assert "MODIFIED: Entry 1 of the log differs" in said
    assert "plant.example/7/control\n  NOT PROVABLE" in said
    assert "Entry 1" in plant.d2r("audit", "proof", 1, "--out", plant / "proof", code=1)
    assert not (plant / "proof").exists()


def test_a_person_is_held_then_erased(plant: Plant) -> None:
    [person] = plant.json("audit", "persons", "--json")
    assert (person["id"], person["records"]) == (plant.person, 3)
    assert "Erika" not in plant.d2r("audit", "show", 0)
    plant.d2r("audit", "hold", plant.person, "--reason", "court order 12/26")
    assert "court order" in plant.d2r("audit", "erase", plant.person, "--legal-basis", "GDPR", "--yes", code=3)
    plant.d2r("audit", "hold", plant.person, "--reason", "lifted", "--release")
    assert "entry 5" in plant.d2r("audit", "erase", plant.person, "--legal-basis", "GDPR", "--yes")
    entry = json.loads(plant.d2r("audit", "show", 5))
    assert (entry["kind"], entry["facts"]["records"]) == ("person.erased", [0, 1, 2, 3, 4])
    assert entry["facts"]["by"]["role"] == "owner"
    assert "erased" in plant.d2r("audit", "persons")
    assert '"entry": 5' in plant.d2r("audit", "show", 0, "--disclose", "test")
    assert "7 entries agree" in plant.d2r("audit", "verify", "--workspace", "main", code=2)


@pytest.mark.sqlite
def test_a_loss_is_declared_and_the_witness_says_what_is_gone(plant: Plant) -> None:
    plant.d2r("audit", "anchor", plant.cosigned(), *plant.trust)
    path = plant.data / "workspaces" / f"{plant.workspace_id}.db"
    with edited(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = path.read_bytes()
    with Site.open(load_settings(plant.data, {})) as site:
        record(site.scope(SYSTEM, "main"), "scan.received")
    lost = plant.cosigned()
    path.unlink()
    path.write_bytes(backup)
    path.chmod(0o600)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    assert "MODIFIED" in plant.d2r("audit", "verify", "--workspace", "main", "--held", lost, code=1)
    said = plant.d2r("audit", "epoch", "--reason", "restored from a backup", "--lost", lost)
    assert f"entry 3: the log goes on as {plant.origin}/epoch-2" in said
    assert "lost its end" in plant.d2r("audit", "verify", "--workspace", "main", "--held", lost, code=2)
    plant.d2r("audit", "witness-exchange", "--since", 3, "--out", plant / "next")
    said = plant.d2r("witness", "cosign", plant / "wit", plant / "next", data=False)
    assert "LOST" in said
    assert "of 4 entries that this witness saw, 3 are proven to be there" in said
    assert "LOST" in plant.d2r("witness", "status", plant / "wit", data=False)


def test_the_key_is_rotated_and_witnesses_follow(plant: Plant) -> None:
    plant.d2r("audit", "anchor", plant.cosigned(), *plant.trust)
    said = plant.d2r("audit", "rotate-key", "--record", plant / "rotation")
    assert f"retired  {plant.key}" in said
    plant.d2r("audit", "witness-exchange", "--out", plant / "update")
    plant.d2r("witness", "cosign", plant / "wit", plant / "update", data=False, code=2)
    plant.d2r("witness", "follow", plant / "wit", plant / "rotation", data=False)
    plant.d2r("witness", "cosign", plant / "wit", plant / "update", data=False)
    plant.d2r("audit", "anchor", plant / "update.cosigned", *plant.trust)
    found = plant.json("audit", "verify", *plant.trust, "--json", code=2)
    assert found[plant.origin]["finding"] == "UNMODIFIED"
    with Site.open(load_settings(plant.data, {})) as site:
        log = DatabaseLog.of_control(site)
        entry = read_entry(log.entry(log.size - 1))
        assert (entry.kind, entry.facts["old"]) == ("key.rotated", str(plant.key))
        assert entry.facts["new"] == str(site.keys.own_keys()[0])
        rotate_key(site, SYSTEM)
        last = read_entry(log.entry(log.size - 1))
        assert [last.facts["old"], last.facts["new"]] == [entry.facts["new"], str(site.keys.own_keys()[0])]
