"""``d2r change`` as a user runs it: defaults that are said, files, registration, units, wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import laspy
import numpy as np
import pytest

from appliance.alignment import rigid
from appliance.cli.main import run

FILES = {"result.json", "change.laz", "change.ply", "change.npz"}
SUNK_MM = 0.5


def hills(seed: int, count: int = 30_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-100.0, 100.0, (2, count))
    return np.stack((x, y, 8.0 * np.sin(x / 20.0) * np.cos(y / 15.0) + rng.normal(0.0, 0.02, count)), axis=1)


def written(path: Path, points: np.ndarray) -> Path:
    np.savetxt(path, points, fmt="%.9f")
    return path


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Hills before and after one quarter of them sank, and were scanned from elsewhere."""
    folder = tmp_path_factory.mktemp("scans")
    first, second = hills(1), hills(2)
    second[(second[:, 0] > 0.0) & (second[:, 1] > 0.0), 2] -= SUNK_MM
    pose = rigid.from_small_motion(np.array([0.001, -0.001, 0.002, 0.2, -0.1, 0.3]), np.zeros(3))
    return written(folder / "a.xyz", first), written(folder / "b.xyz", rigid.apply(rigid.inverse(pose), second))


def changed(*arguments: str | Path) -> tuple[int, dict]:
    out = Path(arguments[-1])
    code = run(["change", *map(str, arguments[:-1]), "--out", str(out)])
    return code, json.loads((out / "result.json").read_text())


@pytest.fixture(scope="module")
def compared(scans, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    out = tmp_path_factory.mktemp("out")
    code, result = changed(*scans, "--align", "--depth", "5", out)
    assert code == 0
    return result, out


def test_every_file_is_written_and_named_by_its_hash(compared) -> None:
    result, out = compared
    assert {path.name for path in out.iterdir()} == FILES
    assert set(result["hashes"]) == FILES - {"result.json"}


def test_what_sank_is_found_after_registration_and_nothing_else(compared) -> None:
    result, out = compared
    found = np.load(out / "change.npz")
    x, y = found["cores_mm"][:, :2].T
    sank, stayed = (np.minimum(x, y) > 5.0), (np.minimum(x, y) < -5.0)
    vertical = found["distance_mm"] / found["normal"][:, 2]
    assert np.nanmedian(vertical[sank]) == pytest.approx(-SUNK_MM, abs=0.01)
    assert found["significant"][sank].mean() > 0.95
    assert found["significant"][stayed].mean() < 0.05
    assert result["change"]["significant_loss"] > 20 * result["change"]["significant_gain"]


def test_the_residual_of_the_registration_is_part_of_the_level_of_detection(compared) -> None:
    result, out = compared
    residual = result["registration"]["residual_mm"]
    found = np.load(out / "change.npz")
    own = 1.96 * np.sqrt(np.square(found["spread_mm"] / np.sqrt(found["count"])).sum(axis=1))
    assert residual > 0.0
    assert result["scales"]["registration_mm"] == residual
    assert np.nanmax(np.abs(found["lod_mm"] - own - residual)) < 1e-12


def test_the_clouds_hold_the_change_at_the_core_points(compared) -> None:
    result, out = compared
    cloud = laspy.read(out / "change.laz")
    found = np.load(out / "change.npz")
    assert len(cloud) == result["change"]["cores"]
    assert np.nanmax(np.abs(cloud["deviation_mm"] - found["distance_mm"])) < 1e-4


def test_the_table_says_what_was_chosen(scans, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(*scans, "--depth", "5", tmp_path)
    shown = capsys.readouterr().out
    for word in ("point spacing", "positive upwards", "radius", "core points", "level of detection", "significant"):
        assert word in shown


def test_scales_that_are_given_are_taken_and_units_convert_the_scans_alone(scans, tmp_path: Path) -> None:
    given = ("--scale", "4000", "--scale", "9000", "--radius", "3000", "--depth", "5000", "--cores", "20000")
    _, result = changed(*scans, *given, "--units", "m", tmp_path)
    assert result["scales"] == {
        "normal_mm": [4000.0, 9000.0], "radius_mm": 3000.0, "half_length_mm": 5000.0, "registration_mm": 0.0,
        "robust": False,
    }  # fmt: skip
    assert result["change"]["cores"] == pytest.approx(100, abs=25)


def test_core_points_may_come_from_a_file(scans, tmp_path: Path) -> None:
    cores = written(tmp_path / "cores.xyz", hills(1)[:7])
    _, result = changed(*scans, "--cores", cores, "--depth", "5", tmp_path / "out")
    assert result["change"]["cores"] == 7


@pytest.mark.parametrize("wrong", [("--radius", "-1"), ("--cores", "0"), ("--scale", "nan"), ("--cores", "no.xyz")])
def test_wrong_scales_are_an_error_of_one_line(scans, tmp_path: Path, capsys, wrong: tuple[str, str]) -> None:
    assert run(["change", *map(str, scans), *wrong, "--out", str(tmp_path)]) == 3
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "result.json").exists()
