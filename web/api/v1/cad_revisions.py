"""CAD revisions: uploaded, read in the sandbox, kept as they came."""

from __future__ import annotations

from typing import Final, Literal

from flask import Response
from pydantic import Field

from appliance.cad.models import CadRevision
from appliance.cad.revisions import add_revision, get_revision, list_revisions, select_revision
from appliance.errors import InvalidInput, NotFound
from appliance.objects.sealed import ObjectStore
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.downloads import file_answer
from web.api.forms import SORT, JsonList, Key, Line, Model, Out, Page, PageQuery
from web.api.intake import BYTES, MULTIPART, received_files
from web.api.paging import page

_REVISIONS: Final = "/workspaces/{slug}/cad-revisions"
_REVISION: Final = _REVISIONS + "/{revision_id}"
#: CAD files are models of parts; what is larger is something else.
LIMIT_BYTES: Final = 2 << 30

cad_revisions = Area("cad-revisions", "CAD revisions: what scans are compared with.")


class CadQuery(Model):
    """Whose CAD it is, and what its numbers mean."""

    part: Key
    unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = Field(None, description="Of a file that states none.")
    label: Line = ""
    name: Line = Field("", description="The file's name, where it is the body itself; its ending says what it is.")


class CadPageQuery(PageQuery):
    """Of which part."""

    sort: Literal["id", "-id"] = Field("id", description=SORT)
    part: Key | None = None


class CadOut(Out):
    """One revision; ``findings`` are what was noticed in the file."""

    id: str
    part_id: str
    label: str
    sha256: str
    format: str
    unit: str
    zones_sha256: str
    zone_names: JsonList
    triangles: int
    diagonal_mm: float
    findings: JsonList
    created_at: str
    created_by: str


@cad_revisions.route("GET", _REVISIONS, roles=READERS, query=CadPageQuery, answer=Page[CadOut], summary="CAD revisions")
def list_cad_revisions(call: Call) -> object:
    asked = call.query.part
    return page(call, lambda listing: list_revisions(call.scope, asked, listing))


@cad_revisions.route(
    "POST", _REVISIONS, roles=EDITORS, query=CadQuery, takes=(MULTIPART, BYTES), parts=("file", "zones"), answer=CadOut,
    status=201, errors=(409, 507), summary="Add a CAD file",
)  # fmt: skip
def add_cad_revision(call: Call) -> CadRevision:
    """The body is the file itself (with `name`), or a form with the parts `file` and `zones` (a zone file). The part's
    assets are compared with it from now on; bytes that are there already make their revision the current one again."""
    asked = call.query
    with received_files(call.site.settings, LIMIT_BYTES, asked.name) as files:
        if set(files) not in ({"file"}, {"file", "zones"}):
            raise InvalidInput("request.form", "The form has the part 'file', and may have 'zones'; nothing else.")
        row = add_revision(call.scope, asked.part, files["file"], asked.unit, files.get("zones"), asked.label)
    call.made(f"cad-revisions/{row.id}")
    return row


@cad_revisions.route("GET", _REVISION, roles=READERS, answer=CadOut, summary="One CAD revision")
def get_cad_revision(call: Call, revision_id: str) -> CadRevision:
    return get_revision(call.scope, revision_id)


@cad_revisions.route("POST", f"{_REVISION}/select", roles=EDITORS, answer=CadOut, summary="Compare with it from now on")
def select_cad_revision(call: Call, revision_id: str) -> CadRevision:
    return select_revision(call.scope, revision_id)


@cad_revisions.route(
    "GET", f"{_REVISION}/file", roles=READERS, media_type=BYTES, is_download=True, summary="The CAD file as it came"
)
def get_cad_file(call: Call, revision_id: str) -> Response:
    row = get_revision(call.scope, revision_id)
    return file_answer(ObjectStore.of(call.scope).blocks(row.object), f"{row.id}.{row.format}", BYTES)


@cad_revisions.route(
    "GET", f"{_REVISION}/zones", roles=READERS, media_type=BYTES, is_download=True, summary="The zone file as it came"
)
def get_zone_file(call: Call, revision_id: str) -> Response:
    row = get_revision(call.scope, revision_id)
    if row.zones_object is None:
        raise NotFound("cad.no_zones", "This revision came without a zone file.")
    return file_answer(ObjectStore.of(call.scope).blocks(row.zones_object), f"{row.id}.zones.toml", BYTES)
