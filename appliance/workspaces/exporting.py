"""Exporting a workspace: everything that is in it as one sealed file, which another appliance can import.

In order, and what a crash between any two leaves (docs/crash-matrix.md):

1. the entry ``workspace.exported`` in the control log and in the workspace's own, with the reason and the key that the
   archive is sealed to: from here on it is known that data may have left, whether or not the rest succeeds;
2. the log is validated and its state signed, as at every export;
3. rows are read in one snapshot of the database, sealed, and laid aside: the snapshot lasts as long as the disk takes,
   not as long as the network does.  People and jobs work on meanwhile;
4. rows, then the objects that they name, then the signed statement go out.  Objects never change; those that are to be
   deleted wait until the export ends (``ingest.quarantine``);
5. the entry ``workspace.export_finished`` in the control log, with what was in the archive.

Memory does not grow with the workspace.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.database_log import DatabaseLog
from appliance.audit.eras import Era
from appliance.audit.recording import record
from appliance.core.clock import rfc3339, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.crypto.archive_key import ArchiveLock
from appliance.errors import Conflict
from appliance.ingest.locks import locked
from appliance.ingest.quarantine import DELETION_LOCK
from appliance.ingest.receiving import uploads_of
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.records import DESTROYED, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.archive.contents import TABLES, Table
from appliance.workspaces.archive.head import Head, head_bytes
from appliance.workspaces.archive.members import BLOCK_BYTES, HEAD, OBJECTS, STATEMENT, MemberWriter
from appliance.workspaces.archive.members import TABLES as TABLES_FOLDER
from appliance.workspaces.archive.reading import row_line
from appliance.workspaces.archive.references import References
from appliance.workspaces.archive.sealing import SealedSink, Sink
from appliance.workspaces.archive.statement import Statement, sign_statement
from appliance.workspaces.archive.tally import Tally
from appliance.workspaces.archive.values import Outgoing, named_objects
from appliance.workspaces.service import find_workspace, stated
from appliance.workspaces.working import alone, working_folder

_LOCK: Final = "export"
#: Rows that one question returns, and bytes of rows that make one member.
_PAGE: Final = 1000
_PIECE_BYTES: Final = 1 << 20
#: What stays behind and somebody could miss, and how it is counted.
_LEFT_BEHIND: Final = {"upload": "SELECT COUNT(*) FROM upload WHERE state <> 'finished'"}


@dataclass(frozen=True)
class Exported:
    """An export that went out whole."""

    export: str
    statement_sha256: str
    rows: int
    objects: int
    object_bytes: int


def export_workspace(site: Site, slug: str, lock: ArchiveLock, reason: str, by: Principal, sink: Sink) -> Exported:
    """Write the archive of a workspace, suspended or not, into ``sink``.

    Parameters
    ----------
    lock : the public half of the key that will open it

    Raises
    ------
    NotFound : there is no such workspace, or an object that a row names is gone
    Conflict : it is destroyed, or an export of it is under way
    InvalidInput : no reason is named
    Modified : its log or an object is not what it was
    """
    why = stated(reason)
    with site.control_session():
        row = find_workspace(site, slug)
    if row.record().condition == DESTROYED:
        raise Conflict("workspace.condition", f"The workspace '{slug}' is destroyed.")
    scope, export = site.sealed_scope(row.id), new_id("exp")
    uploads, busy = uploads_of(scope), f"An export of the workspace '{slug}' is under way."
    with (
        alone(uploads, _LOCK, busy),
        locked(uploads, DELETION_LOCK, wait=True),
        working_folder(site.settings, export) as folder,
    ):
        # 1. Said in both logs.
        facts = {"export": export, "workspace": row.id, "slug": slug, "reason": why}
        for place, transaction in ((site, site.control_transaction), (scope, scope.transaction)):
            with transaction():
                record(place, "workspace.exported", {"lock": lock.fingerprint}, facts, by=by)
        point("export.announced")
        # 2. The log is what it was.
        DatabaseLog.of(scope).validate_for_export()
        # 3. and 4. Written.
        workspace = {"id": row.id, "slug": slug, "name": row.name, "created_at": row.created_at}
        with References.in_folder(folder) as references:
            exported = _Export(scope, export, workspace, references).write(lock, sink, folder)
        point("export.written")
        # 5. Done.
        with site.control_transaction():
            counts = {"rows": exported.rows, "objects": exported.objects, "object_bytes": exported.object_bytes}
            facts = {"export": export, "workspace": row.id, **counts}
            record(site, "workspace.export_finished", {"statement": exported.statement_sha256}, facts, by=by)
    return exported


class _Export:
    """One export on its way out."""

    def __init__(self, scope: WorkspaceScope, export: str, workspace: dict[str, str], references: References) -> None:
        self._scope, self._export, self._workspace = scope, export, workspace
        self._references, self._moment = references, rfc3339(utc_now())
        self._outgoing = Outgoing(scope)
        self._tally = Tally(b"", ())

    def write(self, lock: ArchiveLock, sink: Sink, folder: Path) -> Exported:
        with (folder / "rows").open("w+b") as rows:
            aside = _Aside(rows)
            sealed = SealedSink(aside, lock)
            writer = MemberWriter(sealed)
            # 3. Rows, in one moment.
            with self._scope.database.snapshot():
                came = DatabaseLog.of(self._scope).validate_since()
                self._rows(writer)
            point("export.rows")
            # 4. All of it.
            rows.seek(0)
            shutil.copyfileobj(rows, sink, BLOCK_BYTES)
        aside.target = sink
        self._objects(writer)
        envelope = self._signed(came)
        writer.add(STATEMENT, envelope)
        writer.close()
        sealed.close()
        contents = self._tally.contents()
        count, objects = sum(one.count for one in contents.tables.values()), contents.objects
        return Exported(self._export, sha256(envelope).hexdigest(), count, objects.count, objects.size_bytes)

    def _rows(self, writer: MemberWriter) -> None:
        engine = self._scope.database
        left = {name: int(engine.fetch(count)[0][0]) for name, count in _LEFT_BEHIND.items()}
        head = head_bytes(Head(self._export, self._moment, self._workspace, left))
        self._tally = Tally(head, (table.name for table in TABLES))
        writer.add(HEAD, head)
        for table in TABLES:
            for number, (lines, count) in enumerate(self._pieces(table)):
                self._tally.lines(table.name, lines, count)
                writer.add(f"{TABLES_FOLDER}{table.name}/{number:06}", lines)

    def _pieces(self, table: Table) -> Iterator[tuple[bytes, int]]:
        """The rows of a table as lines, about a megabyte at a time, with their number."""
        gathered, count = bytearray(), 0
        for values in _rows_of(self._scope, table):
            said = self._outgoing.said(table, values)
            self._references.name(named_objects(table.columns, said))
            gathered += row_line(said)
            count += 1
            if len(gathered) >= _PIECE_BYTES:
                yield bytes(gathered), count
                gathered, count = bytearray(), 0
        if count:
            yield bytes(gathered), count

    def _objects(self, writer: MemberWriter) -> None:
        store = ObjectStore.of(self._scope)
        for sha256_hex in self._references:
            with store.open(store.name_of(sha256_hex)) as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(0)
                writer.add_stream(OBJECTS + sha256_hex, size, stream)
            self._tally.object(sha256_hex, size)

    def _signed(self, came: Checkpoint) -> bytes:
        keys = self._scope.keys.latest()
        former = Era(DatabaseLog.of(self._scope).first_origin, keys.own_keys())
        statement = Statement(self._export, self._moment, self._tally.contents(), came, former)
        return sign_statement(statement, keys.signer())


class _Aside:
    """A sink that writes into a file first, and into the real sink from some moment on."""

    def __init__(self, target: Sink) -> None:
        self.target = target

    def write(self, data: bytes) -> object:
        return self.target.write(data)


def _rows_of(scope: WorkspaceScope, table: Table) -> Iterator[tuple[Any, ...]]:
    """The rows of a table in the order of its key, page by page, in the snapshot that is open."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    select, order = f'SELECT "{table.key}", {columns} FROM {table.name}', f'ORDER BY "{table.key}" LIMIT {_PAGE}'
    first, behind = f"{select} {order}", f'{select} WHERE "{table.key}" > ? {order}'
    page = scope.database.fetch(first)
    while page:
        yield from (row[1:] for row in page)
        page = scope.database.fetch(behind, page[-1][0])
