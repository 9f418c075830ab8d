"""CAD revisions and characteristics: sent as files, kept as they came, current until others are."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cad.test_revisions import box
from tests.web.conftest import Cast

BYTES = {"headers": {"Content-Type": "application/octet-stream"}}
PLAN = b"name,zone,quantity,lower_mm,upper_mm,coverage\nskin,all,profile,-0.1,0.1,0.9\n"


@pytest.fixture(scope="module")
def part(cast: Cast) -> Any:
    return cast.supervisor.made("parts", {"name": "box"})


@pytest.fixture
def stl(tmp_path: Path) -> bytes:
    return box(tmp_path / "box.stl").read_bytes()


def scratch(cast: Cast) -> list[Path]:
    return list(cast.site.settings.scratch_folder.iterdir())


def test_a_cad_file_is_sent_as_the_body(cast: Cast, part: Any, stl: bytes) -> None:
    made = cast.supervisor.made("cad-revisions?part=box&name=box.stl&label=A", data=stl, **BYTES)
    assert (made["label"], made["triangles"], made["diagonal_mm"]) == ("A", 12, 13.0)
    assert cast.operator.get("parts/box")["current_cad_revision_id"] == made["id"]
    assert cast.operator("GET", f"cad-revisions/{made['id']}/file").data == stl
    assert cast.operator("GET", f"cad-revisions/{made['id']}/zones").status_code == 404
    assert scratch(cast) == []


def test_a_cad_file_and_its_zones_are_sent_as_a_form(cast: Cast, part: Any, stl: bytes) -> None:
    zones = b"version = 1\n[zones.low]\ntriangles = [[0, 3]]\n"
    form = {"file": (io.BytesIO(stl), "box.stl"), "zones": (io.BytesIO(zones), "any.toml")}
    made = cast.supervisor.made("cad-revisions?part=box&label=B", data=form)
    assert made["zone_names"] == ["all", "low"]
    assert cast.operator("GET", f"cad-revisions/{made['id']}/zones").data == zones
    back = cast.supervisor("POST", f"cad-revisions/{cast.operator.get('cad-revisions')['items'][0]['id']}/select")
    assert cast.operator.get("parts/box")["current_cad_revision_id"] == back.json["id"]


def test_a_large_form_is_taken_and_its_bytes_are_kept(cast: Cast, part: Any, stl: bytes) -> None:
    padded = stl + b"\n" * (3 << 20)
    response = cast.supervisor("POST", "cad-revisions?part=box&label=L", data={"file": (io.BytesIO(padded), "l.stl")})
    assert response.status_code == 201, response.text
    assert cast.operator("GET", f"cad-revisions/{response.json['id']}/file").data == padded


@pytest.mark.parametrize(
    ("query", "name", "code"),
    [
        ("part=box", "", "request.file_name"),
        ("part=box", "..", "request.file_name"),
        ("part=box", "box.exe", None),
        ("part=nothing", "box.stl", "part.unknown"),
        ("part=box&unit=furlong", "box.stl", "request.invalid"),
        ("name=box.stl", "", "request.invalid"),
    ],
)
def test_a_cad_file_that_cannot_be_used_leaves_nothing(
    cast: Cast, part: Any, stl: bytes, query: str, name: str, code: str | None
) -> None:
    response = cast.supervisor("POST", f"cad-revisions?{query}" + (f"&name={name}" if name else ""), data=stl, **BYTES)
    assert response.status_code in (404, 422)
    assert code is None or response.json["code"] == code
    assert scratch(cast) == []


def test_a_name_never_leaves_its_folder(cast: Cast, part: Any, stl: bytes) -> None:
    for name in ("../../escape.stl", "/tmp/escape.stl", "..\\escape.stl"):
        form = {"file": (io.BytesIO(stl), name)}
        cast.supervisor("POST", "cad-revisions?part=box&label=A", data=form)
    assert list(cast.site.settings.data.rglob("escape.stl")) == []
    assert not Path("/tmp/escape.stl").exists()


def test_a_form_with_other_parts_is_refused(cast: Cast, part: Any, stl: bytes) -> None:
    for form in (
        {"model": (io.BytesIO(stl), "box.stl")},
        {"file": (io.BytesIO(stl), "box.stl"), "label": "text"},
        {"file": [(io.BytesIO(stl), "a.stl"), (io.BytesIO(stl), "b.stl")]},
    ):
        assert cast.supervisor("POST", "cad-revisions?part=box", data=form).json["code"] == "request.form"
    assert scratch(cast) == []


def test_a_file_above_the_limit_is_refused(
    cast: Cast, part: Any, stl: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(sys.modules["web.api.v1.cad_revisions"], "LIMIT_BYTES", len(stl) - 1)
    body = cast.supervisor("POST", "cad-revisions?part=box&name=box.stl", data=stl, **BYTES)
    form = cast.supervisor("POST", "cad-revisions?part=box", data={"file": (io.BytesIO(stl), "box.stl")})
    assert (body.status_code, form.status_code) == (413, 413)
    assert scratch(cast) == []


def test_characteristics_are_added_and_selected(cast: Cast, part: Any) -> None:
    how = {"headers": {"Content-Type": "text/csv"}}
    first = cast.supervisor.made("characteristics?part=box", data=PLAN, **how)
    second = cast.supervisor.made("characteristics?part=box", data=PLAN.replace(b"skin", b"hull"), **how)
    assert (first["version"], second["version"], first["characteristics"]) == (1, 2, 1)
    assert cast.operator.get("parts/box")["current_characteristic_set_id"] == second["id"]
    assert cast.supervisor("POST", f"characteristics/{first['id']}/select").json["id"] == first["id"]
    assert cast.operator.get("parts/box")["current_characteristic_set_id"] == first["id"]
    assert cast.operator("GET", f"characteristics/{first['id']}/file").data == PLAN
    assert [row["version"] for row in cast.operator.get("characteristics?part=box")["items"]] == [1, 2]
    assert cast.supervisor("POST", "characteristics?part=box", data=b"nonsense", **how).status_code == 422
    assert cast.supervisor("POST", "characteristics?part=nothing", data=PLAN, **how).status_code == 404
    assert cast.operator("GET", "characteristics/nothing").status_code == 404
