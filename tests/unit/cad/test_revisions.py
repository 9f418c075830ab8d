"""CAD revisions: read when they come, kept as they came, the newest is current."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.cad.models import CadRevision
from appliance.cad.revisions import (
    add_revision,
    current_revision,
    get_revision,
    list_revisions,
    select_revision,
)
from appliance.core.files import sha256_of_file
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.objects.sealed import ObjectStore
from appliance.plant.parts import create_part
from appliance.queue.outbox import Event
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

#: The corners of a box of 3 x 4 x 12: its diagonal is 13.
_CORNERS = [(x, y, z) for x in (0, 3) for y in (0, 4) for z in (0, 12)]
_SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def box(path: Path, *, scale: float = 1.0, outward: bool = True, sides: int = 6) -> Path:
    """An STL of a box, or of some of its sides; one side turned over where not ``outward``."""
    lines = ["solid box"]
    for number, (a, b, c, d) in enumerate(_SIDES[:sides]):
        for corners in ((a, b, c), (a, c, d)):
            turned = corners if outward or number else corners[::-1]
            vertices = [" ".join(str(value * scale) for value in _CORNERS[corner]) for corner in turned]
            lines += ["facet normal 0 0 0", "outer loop", *(f"vertex {v}" for v in vertices), "endloop", "endfacet"]
    path.write_text("\n".join([*lines, "endsolid"]) + "\n")
    return path


@pytest.fixture
def part(scope: WorkspaceScope) -> Any:
    return create_part(scope, "P")


def told(scope: WorkspaceScope) -> list[str]:
    """Kinds of events; the log must hold the same."""
    log = DatabaseLog.of(scope)
    with scope:
        events = [event.kind for event in Event.select().order_by(Event.seq)]
        assert [json.loads(log.entry(index))["kind"] for index in range(log.size)] == events
    return events


def test_a_revision_is_kept_as_it_came_and_described(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    file = box(tmp_path / "box.stl")
    row = add_revision(scope, "P", file)
    assert (row.sha256, row.format, row.unit, row.triangles) == (sha256_of_file(file), "stl", "mm", 12)
    assert row.diagonal_mm == pytest.approx(13.0)
    assert json.loads(row.zone_names) == ["all"]
    assert json.loads(row.findings) == []
    assert ObjectStore.of(scope).read(row.object) == file.read_bytes()
    found = current_revision(scope, part.id)
    assert found is not None
    assert found.id == row.id
    log = DatabaseLog.of(scope)
    with scope:
        entry = json.loads(log.entry(log.size - 1))
    assert entry["kind"] == "cad.revision.added"
    assert entry["subjects"] == {"cad": sha256_of_file(file)}


def test_the_unit_of_a_file_that_states_none_is_part_of_the_revision(
    scope: WorkspaceScope, part: Any, tmp_path: Path
) -> None:
    file = box(tmp_path / "box.stl")
    millimetres, inches = add_revision(scope, part, file), add_revision(scope, part, file, "in")
    assert inches.diagonal_mm == pytest.approx(13 * 25.4)
    assert inches.id != millimetres.id
    assert inches.object == millimetres.object


def test_the_same_bytes_are_the_same_row_and_become_current_again(
    scope: WorkspaceScope, part: Any, tmp_path: Path
) -> None:
    first = add_revision(scope, part, box(tmp_path / "a.stl"))
    second = add_revision(scope, part, box(tmp_path / "b.stl", scale=2))
    assert (first.label, second.label) == ("1", "2")
    again = add_revision(scope, part, box(tmp_path / "c.stl"))
    assert again.id == first.id
    assert current_revision(scope, part.id).id == first.id  # type: ignore[union-attr]
    add_revision(scope, part, box(tmp_path / "c.stl"))
    assert told(scope)[1:] == ["cad.revision.added", "cad.revision.added", "cad.revision.selected"]
    assert [row.id for row in list_revisions(scope, part)] == [first.id, second.id]


def test_an_earlier_revision_is_selected_by_its_id(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    first = add_revision(scope, part, box(tmp_path / "a.stl"), label="A")
    add_revision(scope, part, box(tmp_path / "b.stl", scale=2), label="B")
    assert select_revision(scope, first.id).label == "A"
    select_revision(scope, first.id)
    assert current_revision(scope, "P").id == first.id  # type: ignore[union-attr]
    assert told(scope)[-1] == "cad.revision.selected"
    assert told(scope).count("cad.revision.selected") == 1


def test_zones_come_from_a_file_that_is_named_or_lies_beside(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    file = box(tmp_path / "box.stl")
    bare = add_revision(scope, part, file)
    zones = tmp_path / "box.zones.toml"
    zones.write_text("version = 1\n[zones.top]\nbox = {lower = [-1, -1, 11], upper = [5, 5, 13]}\n")
    beside = add_revision(scope, part, file)
    assert beside.id != bare.id
    assert json.loads(beside.zone_names) == ["all", "top"]
    assert beside.zones_sha256 == sha256_of_file(zones)
    assert ObjectStore.of(scope).read(beside.zones_object) == zones.read_bytes()
    named = zones.rename(tmp_path / "other.toml")
    assert add_revision(scope, part, file, zones=named).id == beside.id


@pytest.mark.parametrize("content", [b"", b"solid x\nendsolid\n", b"\x00" * 200])
def test_a_file_that_cannot_be_read_leaves_nothing(
    scope: WorkspaceScope, part: Any, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "x.stl").write_bytes(content)
    with pytest.raises(InvalidInput):
        add_revision(scope, part, tmp_path / "x.stl")
    assert list_revisions(scope) == []
    assert told(scope) == ["part.created"]


def test_a_model_on_which_no_verdict_can_rest_is_refused(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        add_revision(scope, part, box(tmp_path / "x.stl", outward=False))
    assert refused.value.code == "cad.not_judgeable"
    assert list_revisions(scope) == []


def test_what_was_found_in_an_open_model_is_kept(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    findings = json.loads(add_revision(scope, part, box(tmp_path / "x.stl", sides=5)).findings)
    assert [(finding["code"], finding["severity"]) for finding in findings] == [("cad.edges.boundary", "warning")]


def test_a_label_stands_once_at_a_part(scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    add_revision(scope, part, box(tmp_path / "a.stl"), label="A")
    with pytest.raises(Conflict):
        add_revision(scope, part, box(tmp_path / "b.stl", scale=2), label="A")
    assert len(list_revisions(scope)) == 1
    add_revision(scope, create_part(scope, "Q"), box(tmp_path / "b.stl", scale=2), label="A")


def test_nothing_of_another_workspace_is_found(site: Site, scope: WorkspaceScope, part: Any, tmp_path: Path) -> None:
    row = add_revision(scope, part, box(tmp_path / "a.stl"))
    other = site.system_scope(site.create_workspace("other", "Other", SYSTEM).id)
    for ask in (get_revision, select_revision):
        with pytest.raises(NotFound):
            ask(other, row.id)
    with pytest.raises(NotFound):
        add_revision(other, part.id, tmp_path / "a.stl")
    create_part(other, "P")
    moved = add_revision(other, "P", tmp_path / "a.stl")
    assert moved.sha256 == row.sha256
    assert moved.object != row.object


def test_a_part_without_cad_has_no_current_revision(scope: WorkspaceScope, part: Any) -> None:
    assert current_revision(scope, part.id) is None
    with scope:
        assert CadRevision.select().count() == 0
