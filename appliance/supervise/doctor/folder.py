"""The data folder and what lies in it: owner, permissions, keys, databases, their schema, the audit logs."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from appliance.audit.database_log import DatabaseLog
from appliance.audit.schedule import logs_of
from appliance.config.settings import Settings
from appliance.crypto.keystore import KeyStore
from appliance.crypto.master import MasterKey
from appliance.db.integrity import check_file
from appliance.db.migrations import steps
from appliance.supervise.doctor.postgresql import schemas
from appliance.supervise.doctor.records import Finding, attempted, judged
from appliance.supervise.preflight import check_folder, check_initialised
from appliance.tenancy.site import Site


def initialised(settings: Settings) -> Finding:
    """Whether there is an appliance at all."""

    def attempt() -> str:
        check_initialised(settings)
        return str(settings.data)

    return attempted("data folder", "initialised", attempt)


def permissions(settings: Settings) -> Finding:
    """Whether the data folder belongs to this user alone."""

    def attempt() -> str:
        check_folder(settings)
        status = settings.data.stat()
        return f"user {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"

    return attempted("permissions", f"user {os.geteuid()}, mode 0700, writable", attempt)


def keys(settings: Settings) -> Iterator[Finding]:
    """Whether signing keys and master key open."""
    yield attempted(
        "signing keys", "they open", lambda: f"{KeyStore.open(settings.keys_folder, settings.passphrase).name}"
    )

    def attempt() -> str:
        MasterKey.open(settings.master_key_file, settings.passphrase)
        return "it opens"

    yield attempted("master key", "it opens", attempt)


def databases(settings: Settings) -> Iterator[Finding]:
    """Whether every database is whole, and of this program's schema."""
    if settings.database_file.exists():
        yield from schemas(settings)
        return
    yield from _database("control database", settings.control_db, "control")
    for path in sorted(settings.workspaces_folder.glob("*.db")):
        yield from _database(f"database {path.stem}", path, "workspace")


def logs(site: Site) -> Iterator[Finding]:
    """Whether the audit logs verify, from their last checkpoint on."""
    for log in logs_of(site):
        yield attempted(f"audit log {log.first_origin}", "it verifies", partial(_verified, log))


def _verified(log: DatabaseLog) -> str:
    return f"{log.validate_since().size} entries verify"


def _database(name: str, path: Path, kind: str) -> Iterator[Finding]:
    def attempt() -> str:
        check_file(path)
        return f"whole, {path.stat().st_size / 1e6:.1f} MB"

    yield attempted(name, "whole", attempt)
    wanted = {step.number: step.sha256 for step in steps(kind)}
    applied = _applied(path)
    measured = f"{len(applied)} of {len(wanted)} steps"
    remedy = "d2r up brings it up to date; a newer schema needs the newer program."
    yield judged(f"schema of {name}", applied == wanted, measured, f"{len(wanted)} steps", remedy, warning=True)


def _applied(path: Path) -> dict[int, str]:
    """Steps that a database has taken; read without a chance of writing."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error:
        return {}
    try:
        rows = connection.execute("SELECT number, sha256 FROM schema_migration").fetchall()
        return {int(number): str(digest) for number, digest in rows}
    except sqlite3.Error:
        return {}
    finally:
        connection.close()
