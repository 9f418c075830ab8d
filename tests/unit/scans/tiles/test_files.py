"""The file of tiles: what it keeps, what it refuses, and that no byte of it changes unnoticed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from appliance.errors import InvalidInput, Unavailable
from appliance.scans.tiles import levels
from appliance.scans.tiles.reader import TileFile
from appliance.scans.tiles.writer import write_tiles

Array = npt.NDArray[Any]


def sheet(count: int, seed: int = 1) -> Array:
    """A wavy sheet of 300 mm x 200 mm with 20 um of noise."""
    rng = np.random.default_rng(seed)
    x, y = rng.random(count) * 300, rng.random(count) * 200
    return np.column_stack([x, y, 30 + 10 * np.sin(x / 30) * np.cos(y / 25) + rng.normal(0, 0.02, count)])


def all_attributes(count: int, seed: int = 2) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    deviation = rng.normal(0, 0.02, count)
    deviation[::7] = np.nan
    return {
        "deviation_mm": deviation,
        "intensity": rng.random(count).astype(np.float32),
        "rgb": rng.integers(0, 256, (count, 3)).astype(np.uint8),
        "station": rng.integers(0, 65_536, count).astype(np.uint16),
    }


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many tiles and levels from few points."""
    monkeypatch.setattr(levels, "TILE_POINTS", 200)
    monkeypatch.setattr(levels, "COARSEST_POINTS", 100)


def matched(xyz: Array, back: dict[str, Array]) -> Array:
    """The number of the given point behind each returned one (places on the lattice must be distinct)."""
    wanted = np.rint(xyz * 100).astype(np.int64)
    found = np.rint(back["xyz_mm"] * 100).astype(np.int64)
    order, rank = np.lexsort(wanted.T), np.lexsort(found.T)
    assert np.array_equal(wanted[order], found[rank])
    numbers = np.empty(len(xyz), np.int64)
    numbers[rank] = order
    return numbers


@pytest.mark.usefixtures("small_tiles")
def test_every_attribute_stays_with_its_point(tmp_path: Path) -> None:
    xyz, attributes = sheet(5000), all_attributes(5000)
    summary = write_tiles(tmp_path / "a.d2rt", xyz, attributes)
    assert summary.tile_count > 25
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        back = tiles.points()
        assert tiles.info == summary
    numbers = matched(xyz, back)
    assert np.allclose(back["deviation_mm"], attributes["deviation_mm"][numbers], rtol=0, atol=5.001e-5, equal_nan=True)
    for name in ("intensity", "rgb", "station"):
        assert back[name].dtype == attributes[name].dtype
        assert np.array_equal(back[name], attributes[name][numbers])


def test_intensities_that_are_not_numbers_or_not_whole_are_kept(tmp_path: Path) -> None:
    given = np.array([0.0, 1.0, 65_535.0, 65_536.0, -1.0, 0.5, np.nan, np.inf], np.float32)
    xyz = np.column_stack([np.arange(8.0)] * 3)
    for values in (given, given[:3], given[3:]):
        write_tiles(tmp_path / "a.d2rt", xyz[: len(values)], {"intensity": values})
        with TileFile.open(tmp_path / "a.d2rt") as tiles:
            assert np.array_equal(tiles.points()["intensity"], values, equal_nan=True)


def test_a_deviation_beyond_the_range_of_32_bits_is_kept(tmp_path: Path) -> None:
    given = np.array([250_000.00004, -214_748.3648, 214_748.3647, np.nan, 0.0, -3.25])
    write_tiles(tmp_path / "a.d2rt", np.column_stack([np.arange(6.0)] * 3), {"deviation_mm": given})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        back = tiles.points()["deviation_mm"]
    assert np.allclose(
        back, [250_000.0, -214_748.3648, 214_748.3647, np.nan, 0.0, -3.25], rtol=0, atol=1e-9, equal_nan=True
    )


def test_the_least_32_bit_number_is_a_deviation_and_not_a_hole(tmp_path: Path) -> None:
    write_tiles(tmp_path / "a.d2rt", np.zeros((1, 3)), {"deviation_mm": np.array([-214_748.3648])})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        assert tiles.points()["deviation_mm"][0] == pytest.approx(-214_748.3648, abs=1e-9)


def test_a_thousand_points_at_one_place_are_a_thousand_points(tmp_path: Path, small_tiles: None) -> None:
    xyz = np.full((1000, 3), 12.34)
    summary = write_tiles(tmp_path / "a.d2rt", xyz, {})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        assert np.array_equal(tiles.points()["xyz_mm"], xyz)
        assert len(tiles.points(max_level=0)["xyz_mm"]) == 1
    assert summary.point_count == 1000


def test_geo_referenced_points_keep_5_um(tmp_path: Path) -> None:
    xyz = sheet(2000) + [5e8, -4.2e9, 1e5]
    write_tiles(tmp_path / "a.d2rt", xyz, {})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        back = tiles.points()
        least, greatest = tiles.bounds or ((), ())
    numbers = matched(xyz, back)
    assert np.abs(back["xyz_mm"] - xyz[numbers]).max() <= 0.005 + 1e-6
    assert np.array_equal(least, back["xyz_mm"].min(axis=0))
    assert np.array_equal(greatest, back["xyz_mm"].max(axis=0))


def test_a_part_in_the_middle_of_a_hall_is_sorted_and_read_by_box(tmp_path: Path) -> None:
    part = sheet(700_000) + 40_000
    hall = np.random.default_rng(5).random((3000, 3)) * 100_000
    xyz = np.vstack([part, hall])
    write_tiles(tmp_path / "a.d2rt", xyz, {})
    box = ((40_100.0, 40_050.0, 40_000.0), (40_110.5, 40_060.0, 40_100.0))
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        found = tiles.points(box)["xyz_mm"]
        assert len(tiles.points()["xyz_mm"]) == len(xyz)
    places = np.rint(xyz * 100) / 100
    wanted = places[((places >= box[0]) & (places <= box[1])).all(axis=1)]
    assert len(wanted) > 500
    assert np.array_equal(found[np.lexsort(found.T)], wanted[np.lexsort(wanted.T)])


def test_a_box_reads_only_the_tiles_that_it_touches(tmp_path: Path, small_tiles: None, monkeypatch: Any) -> None:
    summary = write_tiles(tmp_path / "a.d2rt", sheet(20_000), {})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        read: list[int] = []
        pread = os.pread
        monkeypatch.setattr(os, "pread", lambda fd, length, at: read.append(length) or pread(fd, length, at))
        tiles.points(((10.0, 10.0, 0.0), (20.0, 20.0, 100.0)))
    assert 0 < len(read) < 0.1 * summary.tile_count
    assert sum(read) < 0.1 * summary.size_bytes


@pytest.mark.usefixtures("small_tiles")
def test_tiles_one_by_one_are_the_same_points(tmp_path: Path) -> None:
    write_tiles(tmp_path / "a.d2rt", sheet(3000), all_attributes(3000))
    box = ((50.0, 50.0, 0.0), (250.0, 120.0, 100.0))
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        for query in ({}, {"max_level": 1}, {"box": box}, {"box": box, "attributes": ("rgb",)}):
            whole = tiles.points(**query)  # type: ignore[arg-type]
            parts = list(tiles.iter_tiles(**query))  # type: ignore[arg-type]
            assert len(whole["xyz_mm"]) > 0
            assert set(whole) == {"xyz_mm", *query.get("attributes", tiles.info.attributes)}
            for name, values in whole.items():
                assert np.array_equal(values, np.concatenate([part[name] for part in parts]), equal_nan=name != "rgb")


def test_no_points_make_an_empty_file(tmp_path: Path) -> None:
    summary = write_tiles(tmp_path / "a.d2rt", np.empty((0, 3)), {"rgb": np.empty((0, 3), np.uint8)})
    assert (summary.point_count, summary.tile_count, summary.bounds_mm) == (0, 0, None)
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        back = tiles.points()
        assert back["xyz_mm"].shape == (0, 3)
        assert back["rgb"].shape == (0, 3)
        assert list(tiles.iter_tiles()) == []
        tiles.verify()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e15])
def test_a_coordinate_that_is_no_place_is_refused_and_leaves_no_file(tmp_path: Path, bad: float) -> None:
    xyz = sheet(1000)
    xyz[777, 1] = bad
    with pytest.raises(InvalidInput) as refusal:
        write_tiles(tmp_path / "a.d2rt", xyz, {})
    assert refusal.value.code == "tiles.points"
    assert list(tmp_path.iterdir()) == []


def test_the_extent_ends_at_31_bits(tmp_path: Path) -> None:
    most = (2**31 - 1) / 100
    write_tiles(tmp_path / "a.d2rt", np.array([[0.0, 0, 0], [most, 1, 2]]), {})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        assert tiles.bounds == ((0.0, 0.0, 0.0), (most, 1.0, 2.0))
    with pytest.raises(InvalidInput, match=r"21\.5 km; a working set holds 21\.4 km") as refusal:
        write_tiles(tmp_path / "b.d2rt", np.array([[0.0, 0, 0], [most + 0.01, 1, 2]]), {})
    assert refusal.value.code == "tiles.extent"


@pytest.mark.parametrize(
    "attributes",
    [
        {"colour": np.zeros(4)},
        {"intensity": np.zeros(4)},
        {"intensity": np.zeros(3, np.float32)},
        {"rgb": np.zeros((4, 4), np.uint8)},
        {"rgb": np.zeros(4, np.uint8)},
        {"station": np.zeros(4, np.int64)},
        {"deviation_mm": np.array([0.0, np.inf, 0, 0])},
        {"deviation_mm": np.array([0.0, 1e13, 0, 0])},
    ],
)
def test_an_attribute_of_another_form_is_refused(tmp_path: Path, attributes: dict[str, Array]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        write_tiles(tmp_path / "a.d2rt", sheet(4), attributes)
    assert refusal.value.code == "tiles.attribute"
    assert list(tmp_path.iterdir()) == []


def test_points_of_another_form_are_refused(tmp_path: Path) -> None:
    for xyz in (np.zeros((3, 2)), np.zeros(3), np.zeros((3, 3), np.float32)):
        with pytest.raises(InvalidInput, match=r"not float64 \(n, 3\)"):
            write_tiles(tmp_path / "a.d2rt", xyz, {})


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        write_tiles(tmp_path / "none" / "a.d2rt", sheet(4), {})


def test_the_bytes_do_not_depend_on_threads_or_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 600_000
    xyz, attributes = sheet(count), all_attributes(count)
    xyz[: count // 2] = np.rint(xyz[count // 2 :])
    found = []
    for threads, points in (("1", xyz), ("4", xyz), ("3", np.asfortranarray(xyz))):
        monkeypatch.setenv("D2R_THREADS", threads)
        write_tiles(tmp_path / "a.d2rt", points, attributes)
        found.append((tmp_path / "a.d2rt").read_bytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.usefixtures("small_tiles")
def test_a_changed_byte_anywhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.d2rt"
    write_tiles(path, sheet(600), all_attributes(600))
    good = path.read_bytes()
    for place in [*range(0, len(good), 7), *range(len(good) - 300, len(good)), *range(16)]:
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        with pytest.raises(InvalidInput) as refusal, TileFile.open(path) as tiles:
            tiles.verify()
        assert refusal.value.code in {"tiles.damaged", "tiles.format", "tiles.version"}


@pytest.mark.usefixtures("small_tiles")
def test_a_damaged_tile_is_named_and_the_others_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.d2rt"
    write_tiles(path, sheet(3000), {})
    data = bytearray(path.read_bytes())
    with TileFile.open(path) as tiles:
        row = tiles._index.tiles[3]
        other = tiles._index.tiles[5]
    data[int(row["offset"]) + 20] ^= 1
    path.write_bytes(data)
    with TileFile.open(path) as tiles:
        for read in (tiles.points, tiles.verify, lambda: list(tiles.iter_tiles())):
            with pytest.raises(InvalidInput, match=r"tile 3 is damaged: its hash differs"):
                read()
        assert len(tiles.points(max_level=0)["xyz_mm"]) == tiles.levels[0].point_count
        assert int(other["count"]) > 0


def test_a_file_cut_at_any_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.d2rt"
    write_tiles(path, sheet(50), {})
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        with pytest.raises(InvalidInput):
            TileFile.open(path)
    path.write_bytes(good + b"\0")
    with pytest.raises(InvalidInput):
        TileFile.open(path)


def test_a_file_that_lies_with_a_good_hash_is_refused(tmp_path: Path) -> None:
    from hashlib import sha256

    from appliance.scans.tiles import container

    path = tmp_path / "a.d2rt"
    write_tiles(path, sheet(500), {})
    with TileFile.open(path) as tiles:
        index = tiles._index
    payload = path.read_bytes()[: int(index.tiles[0]["offset"] + index.tiles[0]["sizes"].sum())]

    def refused(index: container.Index, payload: bytes) -> str:
        path.write_bytes(payload + container.index_and_foot(index, len(payload)))
        with pytest.raises(InvalidInput) as refusal, TileFile.open(path) as tiles:
            tiles.points()
        return refusal.value.code

    def row(**changes: Any) -> container.Index:
        table = index.tiles.copy()
        for name, value in changes.items():
            table[0][name] = value
        return dataclasses.replace(index, tiles=table)

    assert refused(row(count=501), payload) == "tiles.damaged"
    assert refused(row(count=0), payload) == "tiles.damaged"
    assert refused(row(level=1), payload) == "tiles.damaged"
    assert refused(row(offset=17), payload) == "tiles.damaged"
    assert refused(dataclasses.replace(index, shift=11), payload) == "tiles.damaged"
    assert refused(dataclasses.replace(index, origin_steps=(2**53 - 1, 0, 0)), payload) == "tiles.damaged"
    assert refused(dataclasses.replace(index, attributes=("rgb",)), payload) == "tiles.damaged"
    nonsense = bytes(16) + bytes(range(200, 240))
    digest = np.frombuffer(sha256(nonsense[16:]).digest(), np.uint8)
    assert refused(row(sizes=[40], sha256=digest), container.HEAD + nonsense[16:]) == "tiles.damaged"


def test_another_file_is_not_a_file_of_tiles(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ply\n" * 100)
    with pytest.raises(InvalidInput) as refusal:
        TileFile.open(tmp_path / "a")
    assert refusal.value.code == "tiles.format"
    with pytest.raises(InvalidInput) as refusal:
        TileFile.open(tmp_path / "b")
    assert refusal.value.code == "file.unreadable"


def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    write_tiles(tmp_path / "a.d2rt", sheet(50), {})
    with TileFile.open(tmp_path / "a.d2rt") as tiles:
        for query in (
            {"box": ((0, 0), (1, 1))},
            {"box": ((1, 0, 0), (0, 1, 1))},
            {"box": ((np.nan, 0, 0), (1, 1, 1))},
            {"max_level": -1},
            {"spacing_mm": float("nan")},
            {"spacing_mm": 1.0, "max_level": 0},
            {"attributes": ("rgb",)},
        ):
            with pytest.raises(InvalidInput) as refusal:
                tiles.points(**query)  # type: ignore[arg-type]
            assert refusal.value.code == "tiles.query"


def test_progress_rises_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    write_tiles(tmp_path / "a.d2rt", sheet(200_000), {}, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
