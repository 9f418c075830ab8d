"""The databases before anything opens them, in a child that takes its keys with it."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.errors import Conflict, Denied, Misconfigured, Unavailable
from appliance.supervise.prepare import CLEAN_FILE, InChild, Preparation, mark_clean


def wait(child: InChild | Preparation) -> None:
    deadline = time.monotonic() + 20
    while not child.is_done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def damage(path: Path) -> None:
    """Overwrite the pages in the middle of a database."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xaa" * 8192)


def test_a_sound_appliance_is_prepared(settings: Settings) -> None:
    preparation = Preparation(settings)
    wait(preparation)
    assert preparation.is_done()


@pytest.mark.sqlite
def test_after_an_unclean_end_damage_is_found(settings: Settings) -> None:
    damage(next(settings.workspaces_folder.glob("*.db")))
    with pytest.raises(Misconfigured, match=r"\.db"):
        wait(Preparation(settings))


def test_the_note_of_a_clean_end_serves_one_start(settings: Settings) -> None:
    mark_clean(settings)
    wait(Preparation(settings))
    assert not (settings.run_folder / CLEAN_FILE).exists()


def test_errors_of_the_child_arrive_whole() -> None:
    def refuse() -> None:
        raise Denied("keys.passphrase", "The passphrase is wrong.", "Set D2R_PASSPHRASE.")

    with pytest.raises(Denied) as caught:
        wait(InChild(refuse))
    assert (caught.value.code, caught.value.hint) == ("keys.passphrase", "Set D2R_PASSPHRASE.")


def test_a_child_that_dies_is_an_error() -> None:
    with pytest.raises(Unavailable, match="died"):
        wait(InChild(lambda: os.kill(os.getpid(), 9)))
    with pytest.raises(Unavailable, match="died"):
        wait(InChild(lambda: {}["missing"]))


def test_an_error_of_the_disk_says_what_to_do() -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="No space left on device"):
        wait(InChild(fail))


def test_what_the_child_raises_keeps_its_family() -> None:
    def refuse() -> None:
        raise Conflict("a.b", "Busy.")

    with pytest.raises(Conflict):
        wait(InChild(refuse))
