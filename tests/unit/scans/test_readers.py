"""LAS, LAZ, PLY, PCD, PTS, XYZ, PTX: known points come back, and what is cut or contradicts itself does not."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.scans.reading import read_scan
from tests import samples

POINTS = samples.points(40)
AT = np.arange(40)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_scan(path)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_las_and_laz_give_scaled_integers_back_exactly(suffix: str, tmp_path: Path) -> None:
    cloud = read_scan(samples.las(tmp_path / f"cloud.{suffix}", POINTS), unit="m")
    assert np.array_equal(cloud.xyz_mm, POINTS * 1000.0)
    assert cloud.intensity is not None
    assert cloud.intensity.tolist() == AT.tolist()
    assert cloud.rgb is not None
    assert cloud.rgb.tolist() == [[at, 0, 0] for at in AT]
    assert cloud.summary.stations[0].position_mm is None


def test_points_marked_as_withheld_are_left_out_and_counted(tmp_path: Path) -> None:
    import laspy

    data = laspy.read(samples.las(tmp_path / "all.las", POINTS))
    data.withheld = (AT < 10).astype(np.uint8)
    data.write(str(tmp_path / "some.las"))
    cloud = read_scan(tmp_path / "some.las")
    assert np.array_equal(cloud.xyz_mm, POINTS[10:])
    assert cloud.summary.invalid_count == 10
    assert cloud.rgb is not None
    assert cloud.rgb[:, 0].tolist() == list(range(10, 40))


@pytest.mark.parametrize(("offset", "form", "value"), [(100, "<I", 2**31), (247, "<Q", 10**12), (131, "<d", 0.0)])
def test_a_las_header_that_contradicts_its_file_is_refused_at_once(
    offset: int, form: str, value: float, tmp_path: Path
) -> None:
    path = samples.las(tmp_path / "lie.las", POINTS)
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, offset, value)
    path.write_bytes(data)
    assert refusal(path).startswith("scan.las.")


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_every_form_of_ply_gives_points_colours_and_unit_normals(form: str, tmp_path: Path) -> None:
    cloud = read_scan(samples.ply(tmp_path / "cloud.ply", POINTS, form))
    assert np.array_equal(cloud.xyz_mm, POINTS)
    assert cloud.rgb is not None
    assert cloud.rgb.tolist() == [[at, 5, 6] for at in AT]
    assert cloud.normals is not None
    assert cloud.normals.tolist() == [[0.0, 0.0, 1.0]] * 40


@pytest.mark.parametrize("form", ["ascii", "binary", "binary_compressed"])
def test_every_form_of_pcd_gives_points_and_packed_colours(form: str, tmp_path: Path) -> None:
    cloud = read_scan(samples.pcd(tmp_path / "cloud.pcd", POINTS, form))
    assert np.array_equal(cloud.xyz_mm, POINTS[:-1])
    assert cloud.summary.invalid_count == 1
    assert cloud.rgb is not None
    assert np.unique(cloud.rgb, axis=0).tolist() == [[0x10, 0x20, 0x30]]
    assert cloud.summary.stations[0].position_mm == (1.0, 2.0, 3.0)


def test_each_section_of_a_pts_file_is_a_station(tmp_path: Path) -> None:
    cloud = read_scan(samples.pts(tmp_path / "cloud.pts", POINTS))
    assert np.array_equal(cloud.xyz_mm, POINTS)
    assert [station.point_count for station in cloud.summary.stations] == [20, 20]
    assert cloud.rgb is not None
    assert cloud.rgb[0].tolist() == [1, 2, 3]


def test_a_table_with_named_columns_is_read_by_its_names(tmp_path: Path) -> None:
    cloud = read_scan(samples.xyz_text(tmp_path / "cloud.csv", POINTS), unit="in")
    assert np.allclose(cloud.xyz_mm, POINTS * 25.4, rtol=0, atol=1e-12)
    assert cloud.intensity is not None


def test_a_ptx_scan_is_turned_and_placed_and_knows_its_scanner(tmp_path: Path) -> None:
    cloud = read_scan(samples.ptx(tmp_path / "cloud.ptx", POINTS), unit="m")
    own = POINTS[1:]
    expected = (np.stack([-own[:, 1], own[:, 0], own[:, 2]], axis=1) + [10, 20, 30]) * 1000.0
    assert np.abs(cloud.xyz_mm - expected).max() < 1e-9
    assert cloud.summary.invalid_count == 1
    assert cloud.summary.stations[0].position_mm == (10_000.0, 20_000.0, 30_000.0)


def binary_ply(path: Path) -> Path:
    return samples.ply(path, POINTS)


CUTS: dict[str, Callable[[Path], Path]] = {
    "laz": lambda path: samples.las(path, POINTS),
    "las": lambda path: samples.las(path, POINTS),
    "ply": binary_ply,
    "pcd": lambda path: samples.pcd(path, POINTS, "binary_compressed"),
    "pts": lambda path: samples.pts(path, POINTS),
    "ptx": lambda path: samples.ptx(path, POINTS),
}


@pytest.mark.parametrize("suffix", CUTS)
def test_a_file_that_was_cut_in_half_is_refused(suffix: str, tmp_path: Path) -> None:
    path = CUTS[suffix](tmp_path / f"cut.{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert refusal(path)


def test_the_content_decides_the_format_and_not_the_name(tmp_path: Path) -> None:
    assert read_scan(binary_ply(tmp_path / "cloud.las")).summary.format == "PLY"


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scan.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    assert refusal(tmp_path / "scan.doc") == "scan.format"


@pytest.mark.parametrize("name", ["garbage_nVariableLength.las", "laz_truncated_autzen.laz"])
def test_known_bad_las_files_are_refused_in_time(name: str, shared_data: Path) -> None:
    start = time.monotonic()
    assert refusal(shared_data / "bad" / name).startswith("scan.las.")
    assert time.monotonic() - start < 10.0


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("las/autzen_trim.laz", 110_000),
        ("las/lone-star.copc.laz", 518_862),
        ("las/autzen-utm.pcd", 1065),
        ("las/1.2-with-color.ptx", 1065),
        ("ply/industrial_part_scan.ply", 82_075),
        ("ply/parasaurolophus_6700.ply", 6700),
        ("epochs_autzen_bmx/autzen-bmx-cc.txt", 103),
    ],
)
def test_real_files_are_read_to_the_count_that_others_found(name: str, count: int, shared_data: Path) -> None:
    cloud = read_scan(shared_data / name)
    assert len(cloud) == count
    assert np.isfinite(cloud.xyz_mm).all()
