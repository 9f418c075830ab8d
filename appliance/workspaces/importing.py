"""Importing a workspace that another appliance exported: under a new key, and to be entered only when it is whole.

In order, and what a crash between any two leaves (docs/crash-matrix.md):

1. the whole archive is read and verified, and nothing is kept of it;
2. a hidden workspace is reserved, with a key of its own, then its database and folders (``tenancy.hidden``);
3. the archive is read again: rows are written under the new key, objects sealed under it, each under its new name;
4. the rows are counted, and the log goes on under a name of this appliance (``audit.adoption``), with the entry
   ``workspace.imported``; its state is signed;
5. one transaction of the control database: the workspace gets its name, with the entry ``workspace.imported``.

Whatever fails before 5. is given up at once; after a crash by the next import, or the schedule.  One import runs at a
time.  API keys are not brought: they belong to the appliance that made them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.audit.adoption import adopt
from appliance.audit.book import Book
from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.crypto.archive_key import ArchiveKey
from appliance.crypto.vkey import VerifierKey
from appliance.errors import Conflict, Modified
from appliance.tenancy.founding import check_names, furnish, require_free
from appliance.tenancy.hidden import give_up_hidden, reserve_hidden, reveal
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import Principal, Workspace
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.archive.reading import check_archive, read_archive
from appliance.workspaces.archive.statement import Statement
from appliance.workspaces.bringing import Bringing
from appliance.workspaces.destruction import clear_destroyed
from appliance.workspaces.models import WorkspaceImport
from appliance.workspaces.service import stated
from appliance.workspaces.working import alone, working_folder

_LOCK: Final = "import"


@dataclass(frozen=True)
class Archive:
    """A file, and what is needed to believe it.

    Attributes
    ----------
    key : the private half of the key that the file is sealed to
    trusted : keys of appliances that may have exported it
    """

    file: Path
    key: ArchiveKey
    trusted: tuple[VerifierKey, ...]


def import_workspace(
    site: Site, archive: Archive, reason: str, by: Principal, slug: str | None = None, name: str | None = None
) -> Workspace:
    """Make a workspace of an archive; returns it, to be entered.

    Parameters
    ----------
    slug, name : what it is called here, where that is not what it was called there

    Raises
    ------
    InvalidInput : no reason is named, the slug or name cannot be used, or the file is no archive
    Denied : the key does not open the archive
    Modified, NotProvable : the archive is damaged, or not signed by a trusted appliance; nothing is left of it
    Conflict : it was imported already, there is or was a workspace with this slug, or another import is under way
    Misconfigured : a newer program wrote it
    Unavailable : PostgreSQL has no schema ready, or the disk is full; nothing is left of it
    """
    why = stated(reason)
    with _alone(site), working_folder(site.settings, new_id("imp")) as folder:
        _give_up(site)
        # 1. Verified.
        head, statement = check_archive(archive.file, archive.key, archive.trusted, folder)
        called = (slug or head.workspace["slug"], name or head.workspace["name"])
        check_names(*called)
        with site.control_session():
            require_free(called[0])
            _require_new(head.export)
        try:
            # 2. Hidden.
            workspace_id = reserve_hidden(site, by)
            point("import.reserved")
            furnish(site, workspace_id)
            point("import.furnished")
            scope = site.hidden_scope(workspace_id)
            # 3. Filled.
            bringing = Bringing(scope)
            if read_archive(archive.file, archive.key, archive.trusted, folder, bringing) != (head, statement):
                raise Modified("archive.changed", "The archive was changed while it was read.")
            point("import.filled")
            # 4. The same, and going on.
            bringing.finish(statement.contents)
            _go_on(scope, statement, why, by)
            point("import.signed")
            # 5. Revealed.
            workspace = _revealed(site, workspace_id, called, statement, why, by)
        except BaseException:
            _give_up(site)
            raise
    point("import.revealed")
    return workspace


def give_up_imports(site: Site) -> int:
    """Clear what imports left that a crash cut; returns how many there were.  One that runs is left alone."""
    try:
        with _alone(site):
            return _give_up(site)
    except Conflict:
        return 0


def _alone(site: Site) -> AbstractContextManager[None]:
    """One import at a time."""
    return alone(site.settings.run_folder, _LOCK, "An import is under way.")


def _give_up(site: Site) -> int:
    given_up = give_up_hidden(site)
    for workspace_id in given_up:
        site.forget(workspace_id)
    if given_up:
        site.control.scrub()
        clear_destroyed(site)
    return len(given_up)


def _require_new(export: str) -> None:
    """Return if no workspace that is still there was made of this export; inside a control session."""
    ids = [row.workspace_id for row in WorkspaceImport.alike(export_id=export)]
    there = WorkspaceRow.select().where(WorkspaceRow.id << ids, WorkspaceRow.destroyed_at.is_null()).first()
    if there is not None:
        raise Conflict("workspace.imported", f"This archive was imported already, as '{there.slug}'.")


def _go_on(scope: WorkspaceScope, statement: Statement, why: str, by: Principal) -> None:
    book = Book.of_workspace(scope)
    with scope.transaction():
        adopt(book, statement.came, statement.former, {"reason": why, "export": statement.export}, by)
        record(book, "workspace.imported", _subjects(statement), _facts(statement, why), by=by)
    book.log.checkpoint()


def _revealed(
    site: Site, workspace_id: str, called: tuple[str, str], statement: Statement, why: str, by: Principal
) -> Workspace:
    with site.control_transaction():
        workspace = reveal(workspace_id, *called)
        facts = {"workspace": workspace_id, "slug": called[0], **_facts(statement, why)}
        record(site, "workspace.imported", _subjects(statement), facts, by=by)
        WorkspaceImport.create(
            workspace_id=workspace_id, export_id=statement.export, statement_sha256=statement.sha256,
            origin=statement.came.origin, imported_at=rfc3339_us(utc_now()),
        )  # fmt: skip
    return workspace


def _facts(statement: Statement, why: str) -> dict[str, Any]:
    contents = statement.contents
    rows = sum(one.count for one in contents.tables.values())
    counts = {"rows": rows, "objects": contents.objects.count, "object_bytes": contents.objects.size_bytes}
    return {"export": statement.export, "from": statement.came.origin, "reason": why, **counts}


def _subjects(statement: Statement) -> dict[str, str]:
    return {"statement": statement.sha256}
