"""The head of an archive: whose it is, and which columns its tables have.

An archive of an older program lacks tables and columns that came later: they stay at the schema's defaults.  One of a
newer program holds what this one does not know, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.db.migrations import steps
from appliance.errors import InvalidInput, Misconfigured, Modified
from appliance.workspaces.archive.contents import TABLES, Column, Table

FORMAT: Final = "d2r-workspace-archive/1"


@dataclass(frozen=True)
class Head:
    """What stands first.

    Attributes
    ----------
    workspace : id, slug, name and time of making at the exporting appliance
    left_behind : rows of what is not carried, by table
    """

    export: str
    exported_at: str
    workspace: dict[str, str]
    left_behind: dict[str, int]


def head_bytes(head: Head) -> bytes:
    """The head as canonical JSON."""
    schema = [{"number": step.number, "name": step.name, "sha256": step.sha256} for step in steps("workspace")]
    columns = {table.name: [[one.name, one.kind] for one in table.columns] for table in TABLES}
    return canonical_bytes({"format": FORMAT, **vars(head), "schema": schema, "tables": columns})


def read_head(data: bytes) -> tuple[Head, dict[str, tuple[Table, tuple[Column, ...]]]]:
    """The head, and each table with the columns that the archive has of it.

    Raises
    ------
    Modified : it is damaged
    Misconfigured : it is of a newer program
    """
    try:
        said: Any = loads_strict(data)
        if said["format"] != FORMAT:
            raise Modified("archive.format", "This is no archive in a format that is known here.")
        _require_known(said["schema"])
        workspace = {name: str(said["workspace"][name]) for name in ("id", "slug", "name", "created_at")}
        head = Head(said["export"], said["exported_at"], workspace, said["left_behind"])
        known = {table.name: table for table in TABLES}
        return head, {name: (known[name], _columns(known[name], has)) for name, has in said["tables"].items()}
    except (InvalidInput, KeyError, TypeError, ValueError) as error:
        raise Modified("archive.head", "The head of the archive is damaged.") from error


def _require_known(schema: Sequence[Any]) -> None:
    """Return if every step that built the exported database is one of this program's."""
    known = {(step.number, step.sha256) for step in steps("workspace")}
    for step in schema:
        if (step["number"], step["sha256"]) not in known:
            message = f"The archive was written by a newer program: it has the step {step['name']}."
            raise Misconfigured("archive.newer", message, "Bring this appliance to that version first.")


def _columns(table: Table, has: Sequence[Any]) -> tuple[Column, ...]:
    """The declared columns that the archive has, in its order."""
    declared = {(one.name, one.kind): one for one in table.columns}
    return tuple(declared[name, kind] for name, kind in has)
