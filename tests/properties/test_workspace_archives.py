"""Whatever is in a workspace: exported, imported and exported again it is the same, whatever backend lay between."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.audit.database_log import DatabaseLog
from appliance.cad.models import CadRevision
from appliance.measurements.models import Measurement
from appliance.objects.sealed import ObjectStore
from appliance.plant.models import Asset, Part
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.archive.statement import Contents
from tests.full_workspace import AT, OWNER, fill, hand_out, new_site, take_in
from tests.postgresql_cluster import cluster

pytestmark = pytest.mark.sqlite
#: What an export and an import add to a workspace.
GROWING = {"audit_entry", "audit_checkpoint", "audit_epoch"}
#: Any text that both databases take: no NUL, no half characters.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=60)
THINGS = st.lists(
    st.tuples(
        TEXTS, TEXTS, st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1),
        st.binary(max_size=300),
    ),
    max_size=6,
)  # fmt: skip
NUMBERS = count(1)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    folder = tmp_path_factory.mktemp("sites")
    with new_site(folder / "a", "plant.example/7") as here, new_site(folder / "b", "elsewhere.example/2") as there:
        yield here, there


def same_contents(contents: Contents) -> dict[str, Any]:
    """What must be equal of two archives of one content."""
    return {name: one for name, one in contents.tables.items() if name not in GROWING} | {"objects": contents.objects}


def put(scope: WorkspaceScope, things: list[tuple[str, str, float, int, bytes]]) -> None:
    """Rows with values that nothing has checked."""
    for number, (name, text, real, integer, data) in enumerate(things):
        stored = ObjectStore.of(scope).put_bytes(data + number.to_bytes(2))
        with scope.transaction():
            asset = Asset.create(
                id=f"ast_{number}", name=f"{number}{name}", location=text, metadata=text, created_at=AT,
                created_by=text, updated_at=AT,
            )  # fmt: skip
            part = Part.create(id=f"prt_{number}", name=f"{number}", created_at=AT, created_by=text, updated_at=AT)
            CadRevision.create(
                id=f"cad_{number}", part_id=part.id, label=name, sha256=stored.sha256, object=stored.name, format="stl",
                unit="mm", zone_names=text, triangles=1, diagonal_mm=real, findings=text, created_at=AT,
                created_by=text,
            )  # fmt: skip
            Scan.create(
                id=f"scn_{number}", sha256=stored.sha256, size_bytes=integer, encoding="identity", asset_id=asset.id,
                stored_sha256=stored.sha256, stored_bytes=len(data), object=stored.name, format="e57", captured_at=AT,
                received_at=AT, received_by=name, manifest=text, receipt=name, state="stored",
            )  # fmt: skip


def values(scope: WorkspaceScope, model: Any, *but: str) -> list[dict[str, Any]]:
    with scope:
        rows = [row.__data__ for row in model.select().order_by(model.id)]
    return [{name: value for name, value in row.items() if name not in but} for row in rows]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), things=THINGS, full=st.booleans())
def test_a_workspace_comes_through_as_it_is(
    sites: tuple[Site, Site], tmp_path_factory: pytest.TempPathFactory, seed: int, things: list[Any], full: bool
) -> None:
    (here, there), slug, folder = sites, f"w{next(NUMBERS)}", tmp_path_factory.mktemp("archives")
    here.create_workspace(slug, slug, OWNER)
    scope = here.scope(OWNER, slug)
    put(scope, things)
    if full:
        fill(scope, Random(seed), things=1 + seed % 3)
    first = hand_out(here, slug, folder, "first")
    moved = take_in(there, first, here)
    second = hand_out(there, slug, folder, "second")
    assert same_contents(second.statement.contents) == same_contents(first.statement.contents)
    assert values(moved, Asset) == values(scope, Asset)
    assert values(moved, Scan, "object") == values(scope, Scan, "object")
    assert values(moved, CadRevision, "object", "zones_object") == values(scope, CadRevision, "object", "zones_object")
    assert values(moved, Measurement) == values(scope, Measurement)
    assert DatabaseLog.of(moved).validate().size == first.statement.came.size + 3


def test_from_files_to_postgresql_and_back(
    sites: tuple[Site, Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = sites
    here.create_workspace("travels", "Travels", OWNER)
    scope = here.scope(OWNER, "travels")
    fill(scope, Random(5), things=4)
    put(scope, [("“ü”\t\u2028", "line\nbreak \\ ' \" %s ?", 5e-324, -(2**63), b""), ("", "🔩", -1.5e308, 7, b"x" * 99)])
    first = hand_out(here, "travels", tmp_path, "first")
    monkeypatch.setattr("appliance.tenancy.postgresql.provision.__defaults__", (1,))
    with new_site(tmp_path / "pg", "server.example/3", administrator_url=cluster().new_database()) as server:
        middle = take_in(server, first, here)
        assert middle.settings.database_file.exists()
        second = hand_out(server, "travels", tmp_path, "second")
        names = DatabaseLog.of(middle).promises.origins()
    last = take_in(there, second, server, "travelled")
    third = hand_out(there, "travelled", tmp_path, "third")
    contents = [same_contents(one.statement.contents) for one in (first, second, third)]
    assert contents[1] == contents[0]
    assert contents[2] == contents[0]
    log = DatabaseLog.of(last)
    assert log.validate().size == log.size == first.statement.came.size + 2 + 1 + 2 + 1
    assert log.promises.origins()[: len(names)] == names
    assert [name.partition("/")[0] for name in log.promises.origins()] == [
        "plant.example", "plant.example", "server.example", "elsewhere.example",
    ]  # fmt: skip
