"""Books for tests: a log and its side tables in a SQLite file, made by the migrations, with no appliance around."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from appliance.audit.book import Book
from appliance.audit.database_log import DatabaseLog
from appliance.audit.rows import FileRows
from appliance.core.clock import utc_now
from appliance.crypto.aead import open_small, seal_small
from appliance.crypto.vkey import ALG_ED25519, Signer
from appliance.tenancy.records import SYSTEM

MIGRATIONS = Path(__file__).resolve().parents[1] / "appliance" / "db" / "migrations" / "workspace"
SIGNER = Signer("plant.example/7", ALG_ED25519, bytes(range(32)))
ORIGIN = "plant.example/7/ws_1"
KEY = bytes(range(100, 132))
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the settings of the appliance's; the tables are made where they are missing."""
    fresh = not path.exists()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    if fresh:
        for name in ("0002_audit.sql", "0007_personal.sql"):
            connection.executescript((MIGRATIONS / name).read_text())
    return connection


def open_log(path: Path, signer: Signer = SIGNER, *retired: Signer, origin: str = ORIGIN) -> DatabaseLog:
    """The log in the file at ``path``."""
    keys = [signer.verifier, *(one.verifier for one in retired)]
    return DatabaseLog(FileRows(connect(path)), origin, signer, keys)


def open_book(path: Path, clock: Callable[[], datetime] = utc_now, origin: str = ORIGIN) -> Book:
    """The book in the file at ``path``."""
    return Book(
        open_log(path, origin=origin),
        SYSTEM,
        lambda secret, context: seal_small(KEY, secret, context),
        lambda sealed, context: open_small(KEY, sealed, context),
        clock,
    )
