"""A database that is not what was written is found before it is used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from appliance.db.integrity import check_file
from appliance.errors import Misconfigured


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA page_size=4096")
    connection.execute("CREATE TABLE parent (id TEXT PRIMARY KEY)")
    connection.execute("CREATE TABLE child (id TEXT PRIMARY KEY, parent_id TEXT REFERENCES parent (id), text TEXT)")
    connection.executemany("INSERT INTO child VALUES (?, NULL, ?)", [(str(n), "x" * 200) for n in range(500)])
    connection.commit()
    connection.close()
    return path


def test_a_whole_database_passes(path: Path) -> None:
    check_file(path)


def test_a_damaged_page_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4 * 4096 : 4 * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(data)
    with pytest.raises(Misconfigured) as found:
        check_file(path)
    assert found.value.code == "database.damaged"
    assert "backup" in found.value.hint


def test_a_cut_file_is_found(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 7 * 4096])
    with pytest.raises(Misconfigured):
        check_file(path)


def test_a_file_that_is_no_database_is_found(path: Path) -> None:
    path.write_bytes(b"x" * 8192)
    with pytest.raises(Misconfigured) as found:
        check_file(path)
    assert found.value.code == "database.damaged"


def test_a_row_that_refers_to_nothing_is_found(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE child SET parent_id = 'gone' WHERE id = '7'")
    connection.commit()
    connection.close()
    with pytest.raises(Misconfigured, match="of child refers to a row of parent that is not there"):
        check_file(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as found:
        check_file(tmp_path / "none.db")
    assert found.value.code == "database.missing"
