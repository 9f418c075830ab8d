"""``d2r replay``: the same bits again, or what differs."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def folder(bench, cases, tmp_path_factory):
    from appliance.cli.main import run

    out = tmp_path_factory.mktemp("replayed")
    run(
        ["inspect", str(bench.scan(cases["scan-1"])), "--cad", str(bench.series.cad), "--characteristics",
         str(bench.series.plan), "--instrument", str(bench.series.instrument), "--align", "--out", str(out)]
    )  # fmt: skip
    return out


def test_the_evidence_gives_the_same_bits_again(folder, d2r) -> None:
    code, out, _ = d2r("replay", folder)
    assert code == 0
    assert out.startswith("REPRODUCED: verdict pass")


def test_a_figure_that_differs_is_named(folder, d2r, monkeypatch) -> None:
    import appliance.inspections.pipeline as pipeline

    original = pipeline.read_plan

    def other(data, **options):
        return original(data.replace(b"upper = 0.20", b"upper = 0.21"), **options)

    monkeypatch.setattr(pipeline, "read_plan", other)
    code, out, _ = d2r("replay", folder, "--json")
    found = json.loads(out)
    assert code == 1
    assert any(line.startswith("characteristics[1].upper_mm: 0.2 then, 0.21 now") for line in found["differences"])


def test_a_pack_whose_evidence_was_changed_is_refused(folder, d2r, tmp_path) -> None:
    pack = tmp_path / "evidence.zip"
    shutil.copyfile(folder / "evidence.zip", pack)
    data = bytearray(pack.read_bytes())
    data[data.find(b"ASTM-E57") + 5000] ^= 1
    pack.write_bytes(data)
    code, _, err = d2r("replay", pack)
    assert code == 1
    assert err.count("\n") == 1


def test_a_folder_without_a_pack_is_not_provable(d2r, tmp_path) -> None:
    code, _, err = d2r("replay", tmp_path)
    assert code == 2
    assert "evidence.zip" in err
