"""CAD revisions: what scans are compared with.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, quoted


class CadOut(TypedDict):
    """One revision; `findings` are what was noticed in the file."""

    id: str
    part_id: str
    label: str
    sha256: str
    format: str
    unit: str
    zones_sha256: str
    zone_names: list[Any]
    triangles: int
    diagonal_mm: float
    findings: list[Any]
    created_at: str
    created_by: str


class CadRevisions:
    """CAD revisions: what scans are compared with."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_cad_revisions(
        self, *, sort: Literal["id", "-id"] | None = None, part: str | None = None, at_most: int | None = None
    ) -> Iterator[CadOut]:
        """CAD revisions.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/cad-revisions", at_most=at_most, query={"sort": sort, "part": part}
        )

    def add_cad_revision(
        self,
        file: Path,
        zones: Path | None = None,
        *,
        part: str,
        unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = None,
        label: str | None = None,
        name: str | None = None,
    ) -> CadOut:
        """Add a CAD file.

        The body is the file itself (with `name`), or a form with the parts `file` and `zones` (a zone file). The part's
        assets are compared with it from now on; bytes that are there already make their revision the current one again.

        Parameters
        ----------
        unit : of a file that states none
        name : the file's name, where it is the body itself; its ending says what it is
        """
        record: CadOut = self._calls.send_form(
            f"{self._calls.workspace}/cad-revisions",
            {"file": file, "zones": zones},
            query={"part": part, "unit": unit, "label": label, "name": name},
        )
        return record

    def get_cad_revision(self, revision_id: str, *, held: CadOut | None = None) -> CadOut:
        """One CAD revision.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: CadOut = self._calls.get(f"{self._calls.workspace}/cad-revisions/{quoted(revision_id)}", held)
        return record

    def select_cad_revision(self, revision_id: str) -> CadOut:
        """Compare with it from now on."""
        record: CadOut = self._calls.act("POST", f"{self._calls.workspace}/cad-revisions/{quoted(revision_id)}/select")
        return record

    def get_cad_file(self, revision_id: str, to: Path) -> None:
        """The CAD file as it came.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/cad-revisions/{quoted(revision_id)}/file", to)

    def get_zone_file(self, revision_id: str, to: Path) -> None:
        """The zone file as it came.

        Parameters
        ----------
        to : file to write, whole or not at all
        """
        self._calls.keep(f"{self._calls.workspace}/cad-revisions/{quoted(revision_id)}/zones", to)
