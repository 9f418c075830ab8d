"""What the appliance does with its logs by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.audit.schedule import checkpoint_due, validate_all
from appliance.config.settings import load_settings
from appliance.crypto.keystore import KeyStore
from appliance.errors import Modified
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(load_settings(tmp_path / "data", {"D2R_NAME": "plant.example/7"}), create=True) as made:
        for slug in ("line-1", "line-2"):
            made.create_workspace(slug, slug, SYSTEM)
            record(made.scope(SYSTEM, slug), "scan.received")
        record(made, "workspace.created")
        yield made


def test_every_log_that_grew_is_signed_and_no_other(site: Site) -> None:
    assert [one.state.size for one in checkpoint_due(site) if one.state] == [1, 1, 1]
    assert checkpoint_due(site) == []
    record(site.scope(SYSTEM, "line-2"), "scan.received")
    [swept] = checkpoint_due(site)
    assert swept.state is not None
    assert (swept.origin, swept.state.size) == (f"plant.example/7/{site.workspaces()[1].id}", 2)


def test_a_log_is_signed_again_after_the_key_was_rotated(site: Site) -> None:
    checkpoint_due(site)
    site.keys.rotate()
    assert len(checkpoint_due(site)) == 3
    assert [one.error for one in validate_all(site)] == [None, None, None]
    assert checkpoint_due(site) == []


def test_a_process_that_runs_goes_on_after_another_one_rotated_the_key(site: Site) -> None:
    scope = site.scope(SYSTEM, "line-1")
    old = DatabaseLog.of(scope).checkpoint()
    KeyStore.open(site.settings.keys_folder).rotate()
    record(scope, "scan.received")
    new = DatabaseLog.of(scope).checkpoint()
    assert new.signatures[0].key_id != old.signatures[0].key_id
    assert [one.error for one in validate_all(site)] == [None, None, None]


@pytest.mark.sqlite
def test_one_log_that_fails_does_not_keep_the_others_from_being_signed(site: Site) -> None:
    broken, sound = (DatabaseLog.of(site.scope(SYSTEM, slug)) for slug in ("line-1", "line-2"))
    with closing(sqlite3.connect(site.databases.path(site.workspaces()[0].id))) as connection:
        connection.execute("DROP TRIGGER audit_entry_no_update")
        connection.execute("UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), 'a', 'b') AS BLOB)")
        connection.commit()
    swept = {one.origin: one for one in checkpoint_due(site)}
    assert isinstance(swept[broken.first_origin].error, Modified)
    assert swept[broken.first_origin].state is None
    assert sound.is_signed()
    assert not broken.is_signed()
    assert [one.error is None for one in validate_all(site)] == [True, False, True]
