"""LAZ: what another reader of LAS gets to see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import numpy.typing as npt
import pytest

from appliance.errors import InvalidInput, Unavailable
from appliance.scans.export import laz
from appliance.scans.export.laz import write_laz

Array = npt.NDArray[Any]


def cloud(count: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    deviation = rng.normal(0, 0.5, count)
    deviation[::5] = np.nan
    return rng.random((count, 3)) * 500 + [100_000, -50, 0], deviation


def note_of(file: Any) -> dict[str, str]:
    note = next(record for record in file.header.vlrs if record.user_id == "D2R")
    return dict(json.loads(note.record_data_bytes()))


def test_places_deviations_and_colours_come_back_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laz, "BLOCK_POINTS", 1000)
    xyz, deviation = cloud(3500)
    rgb = np.random.default_rng(5).integers(0, 256, (3500, 3)).astype(np.uint8)
    intensity = np.arange(3500, dtype=np.float32)
    seen: list[float] = []
    path = tmp_path / "a.laz"
    write_laz(path, xyz, deviation_mm=deviation, intensity=intensity, rgb=rgb, progress=seen.append)
    assert (seen[0], seen[-1]) == (1000 / 3500, 1.0)
    file = laspy.read(path)
    assert np.abs(np.asarray(file.xyz) - xyz).max() <= 0.0005 + 1e-9
    assert np.allclose(file.deviation_mm, deviation, rtol=0, atol=2**-15 * 1.0001, equal_nan=True)
    assert np.array_equal(file.intensity, intensity)
    assert np.array_equal(np.column_stack([file.red, file.green, file.blue]), rgb.astype(np.uint16) * 257)
    assert set(np.asarray(file.return_number)) == {1}
    assert set(np.asarray(file.number_of_returns)) == {1}
    assert np.allclose(file.header.mins, xyz.min(axis=0), atol=0.0006)
    assert np.allclose(file.header.maxs, xyz.max(axis=0), atol=0.0006)


@pytest.mark.parametrize("measured", [3500, 900])
def test_the_header_counts_all_blocks_and_states_the_range_of_deviations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: int
) -> None:
    monkeypatch.setattr(laz, "BLOCK_POINTS", 1000)
    xyz, deviation = cloud(3500)
    deviation[measured:] = np.nan
    write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation)
    with laspy.open(tmp_path / "a.laz") as file:
        header = file.header
    assert (header.point_count, *header.number_of_points_by_return[:2]) == (3500, 3500, 0)
    record = header.vlrs.get("ExtraBytesVlr")[0].record_data_bytes()
    # LAS 1.4 R15, table 24: options at 3, minimum at 64, maximum at 88, as double for a floating type
    assert record[3] & 0b110 == 0b110
    least, greatest = np.frombuffer(record, "<f8", 1, 64)[0], np.frombuffer(record, "<f8", 1, 88)[0]
    assert abs(least - np.nanmin(deviation)) <= 2**-15
    assert abs(greatest - np.nanmax(deviation)) <= 2**-15


def test_the_file_is_las_1_4_compressed_and_says_that_it_is_in_millimetres(tmp_path: Path) -> None:
    xyz, deviation = cloud(100)
    write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation)
    data = (tmp_path / "a.laz").read_bytes()
    assert data[:4] == b"LASF"
    assert (data[24], data[25]) == (1, 4)
    assert data[104] == 0x80 | 0  # LAS 1.4 R15, offset 104: point format; bit 7 is set by LASzip
    assert np.frombuffer(data, "<u4", 2, 107).tolist() == [100, 100]  # counts of readers that stop at LAS 1.3
    assert b"laszip encoded" in data
    with laspy.open(tmp_path / "a.laz") as file:
        assert note_of(file) == {"unit": "mm", "intensity_zero": "0.0", "intensity_unit": "1.0"}


@pytest.mark.parametrize(
    ("given", "zero", "unit"),
    [
        ([0.0, 0.25, 1.0], 0.0, 1 / 65_535),
        ([-2048.0, 0.0, 2047.0], -2048.0, 4095 / 65_535),
        ([0.0, 7.0, 65_535.0], 0.0, 1.0),
        ([0.0, 1.0, 100_000.0], 0.0, 100_000 / 65_535),
        ([3.0, 3.0, 3.0], 0.0, 1.0),
        ([0.5, 0.5, 0.5], 0.5, 1.0),
    ],
)
def test_intensities_return_through_the_scale_that_is_noted(
    tmp_path: Path, given: list[float], zero: float, unit: float
) -> None:
    xyz, deviation = cloud(3)
    write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation, intensity=np.array(given, np.float32))
    with laspy.open(tmp_path / "a.laz") as file:
        note = note_of(file)
        raw = np.asarray(file.read().intensity)
    assert (float(note["intensity_zero"]), float(note["intensity_unit"])) == pytest.approx((zero, unit))
    assert np.allclose(zero + unit * raw, given, atol=unit / 2 * 1.001)


def test_an_intensity_that_is_missing_is_zero(tmp_path: Path) -> None:
    xyz, deviation = cloud(3)
    write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation, intensity=np.array([np.nan, 9, np.inf], np.float32))
    assert list(laspy.read(tmp_path / "a.laz").intensity) == [0, 9, 0]


def test_a_wide_scene_is_written_in_steps_of_10_um_and_a_wider_one_refused(tmp_path: Path) -> None:
    deviation = np.zeros(2)
    for width, step in ((4.2e6, 0.001), (4.4e6, 0.01), (4.2e7, 0.01)):
        xyz = np.array([[5e8, 0, 0], [5e8 + width, 1.237, 2]])
        write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation)
        file = laspy.read(tmp_path / "a.laz")
        assert list(file.header.scales) == [step] * 3
        assert np.abs(np.asarray(file.xyz) - xyz).max() <= step / 2 * 1.001
    with pytest.raises(InvalidInput) as refusal:
        write_laz(tmp_path / "b.laz", np.array([[0.0, 0, 0], [4.4e7, 1, 2]]), deviation_mm=deviation)
    assert refusal.value.code == "export.extent"
    assert not (tmp_path / "b.laz").exists()


def test_no_points_make_a_readable_file(tmp_path: Path) -> None:
    write_laz(tmp_path / "a.laz", np.empty((0, 3)), deviation_mm=np.empty(0))
    assert len(laspy.read(tmp_path / "a.laz")) == 0


def test_the_same_points_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xyz, deviation = cloud(120_000)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        write_laz(tmp_path / "a.laz", xyz, deviation_mm=deviation)
        found.append((tmp_path / "a.laz").read_bytes())
    assert found[0] == found[1]
    assert found[0][90:94] == (1).to_bytes(2, "little") + (1970).to_bytes(2, "little")


def test_what_the_format_cannot_hold_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    xyz, deviation = cloud(10)
    broken = xyz.copy()
    broken[3, 2] = np.nan
    for points, extra in (
        (broken, {}),
        (xyz[:9], {}),
        (xyz.astype(np.float32), {}),
        (xyz, {"rgb": np.zeros((10, 3))}),
        (xyz, {"intensity": np.zeros(11, np.float32)}),
    ):
        with pytest.raises(InvalidInput) as refusal:
            write_laz(tmp_path / "a.laz", points, deviation_mm=deviation, **extra)  # type: ignore[arg-type]
        assert refusal.value.code == "export.points"
    with pytest.raises(Unavailable):
        write_laz(tmp_path / "none" / "a.laz", xyz, deviation_mm=deviation)
    assert list(tmp_path.iterdir()) == []
