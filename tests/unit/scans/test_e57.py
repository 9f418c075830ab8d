"""E57: poses, spherical points, invalid states, colours; and pages that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.scans.e57.pages import verify_pages
from appliance.scans.reading import read_scan
from tests import samples

COUNT = 40
POINTS = samples.points(COUNT)
VALID = np.arange(COUNT) % 5 != 4


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return samples.e57(tmp_path_factory.mktemp("e57") / "two.e57", POINTS)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_scan(path)
    assert caught.value.hint
    return caught.value.code


def expected_mm() -> np.ndarray:
    """The second scan: a quarter turn about z takes (x, y) to (-y, x); then the place of the scanner."""
    own = POINTS[VALID]
    turned = np.stack([-own[:, 1], own[:, 0], own[:, 2]], axis=1) + samples.PLACE_M
    return np.concatenate([own, turned]) * 1000.0


@pytest.mark.parametrize("spherical", [False, True])
def test_every_scan_is_read_in_the_frame_of_the_file(spherical: bool, tmp_path: Path) -> None:
    cloud = read_scan(samples.e57(tmp_path / "scan.e57", POINTS, spherical=spherical))
    assert np.abs(cloud.xyz_mm - expected_mm()).max() < 1e-8
    assert cloud.xyz_mm.flags.writeable
    assert cloud.station.tolist() == [0] * 32 + [1] * 32
    assert cloud.summary.record_count == 80
    assert cloud.summary.invalid_count == 16
    low, high = cloud.summary.bounds_mm or ((), ())
    assert np.array_equal([low, high], [cloud.xyz_mm.min(axis=0), cloud.xyz_mm.max(axis=0)])


def test_points_without_a_pose_are_the_file_s_own_to_the_last_bit(file: Path) -> None:
    assert np.array_equal(read_scan(file).xyz_mm[:32], POINTS[VALID] * 1000.0)


def test_a_station_has_a_place_only_where_the_file_states_a_pose(file: Path) -> None:
    first, second = read_scan(file).summary.stations
    assert (first.name, first.point_count, first.position_mm) == ("station 0", 32, None)
    assert (second.name, second.position_mm) == ("station 1", (10_000.0, 20_000.0, 30_000.0))


def test_colours_and_intensity_stay_with_their_points(file: Path) -> None:
    cloud = read_scan(file)
    kept = np.arange(COUNT)[VALID]
    assert cloud.rgb is not None
    assert cloud.intensity is not None
    assert np.array_equal(cloud.rgb[:32], np.stack([kept, 2 * kept, 3 * kept], axis=1))
    assert np.array_equal(cloud.intensity[32:], (kept / COUNT).astype(np.float32))


def test_a_given_unit_overrides_metres(file: Path) -> None:
    assert np.array_equal(read_scan(file, unit="mm").xyz_mm[:32], POINTS[VALID])


def test_a_bit_flip_in_any_page_is_refused(file: Path, tmp_path: Path) -> None:
    good = file.read_bytes()
    verify_pages(file, lambda fraction: None)
    for page in range(len(good) // 1024):
        damaged = bytearray(good)
        damaged[page * 1024 + 700] ^= 4
        (tmp_path / "flip.e57").write_bytes(damaged)
        with pytest.raises(InvalidInput) as caught:
            verify_pages(tmp_path / "flip.e57", lambda fraction: None)
        assert f"page {page} " in caught.value.message


def test_a_page_that_no_scan_uses_is_checked_too(file: Path, tmp_path: Path) -> None:
    longer = bytearray(file.read_bytes() + bytes(1024))
    struct.pack_into("<Q", longer, 16, len(longer))
    target = tmp_path / "trailing.e57"
    target.write_bytes(samples.sealed(bytes(longer)))
    assert len(read_scan(target)) == 64
    target.write_bytes(samples.sealed(bytes(longer))[:-1] + b"\x00")
    assert refusal(target) == "scan.e57.checksum"


@pytest.mark.parametrize("stated", [b"41", b"99"])
def test_a_stated_count_beyond_the_points_is_refused(stated: bytes, file: Path, tmp_path: Path) -> None:
    lied = file.read_bytes().replace(b'recordCount="40"', b'recordCount="' + stated + b'"')
    assert lied != file.read_bytes()
    (tmp_path / "count.e57").write_bytes(samples.sealed(lied))
    assert refusal(tmp_path / "count.e57") in {"scan.e57.count", "scan.e57.structure"}


def restated(data: bytes, old: str, new: str) -> bytes:
    """The file with another text of its description in place of one of the same length."""
    assert len(old) == len(new)
    assert old.encode() in data
    return samples.sealed(data.replace(old.encode(), new.encode(), 1))


@pytest.mark.parametrize(("stated", "shown"), [("39", "39"), ("01", "1"), ("00", "0")])
def test_a_stated_count_below_the_points_is_refused(stated: str, shown: str, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "count.e57"
    target.write_bytes(restated(file.read_bytes(), 'recordCount="40"', f'recordCount="{stated}"'))
    with pytest.raises(InvalidInput) as caught:
        read_scan(target)
    assert caught.value.code == "scan.e57.count"
    assert caught.value.message == f"Scan 'station 0' states {shown} points and its data hold 40."


@pytest.mark.parametrize("offset", [1 << 45, (1 << 63) + 80, (1 << 64) - 1024])
def test_data_said_to_lie_beyond_the_file_are_refused_as_broken(offset: int, file: Path, tmp_path: Path) -> None:
    damaged = bytearray(file.read_bytes())
    struct.pack_into("<Q", damaged, 48 + 16, offset)  # the first section begins at 48, its data offset 16 later
    struct.pack_into("<Q", damaged, 48 + 8, (1 << 64) - 1)
    (tmp_path / "far.e57").write_bytes(samples.sealed(bytes(damaged)))
    assert refusal(tmp_path / "far.e57") == "scan.e57.structure"


def described(data: bytes, declared: bytes, name: bytes, encoding: str = "utf-8") -> bytes:
    """The file with a declaration in front of its description, and another name of its first scan."""
    content = b"".join(data[at : at + 1020] for at in range(0, len(data), 1024))
    offset, length = struct.unpack_from("<QQ", data, 24)
    start = offset // 1024 * 1020 + offset % 1024
    xml = content[start : start + length].replace(b"<![CDATA[station 0]]>", name, 1)
    first, _, rest = xml.partition(b"?>")
    xml = (first.replace(b"UTF-8", encoding.encode()) + b"?>" + declared + rest).decode().encode(encoding)
    content = content[:start] + xml
    pages = -(-len(content) // 1020)
    whole = b"".join(
        page.ljust(1024, b"\0") for page in (content[at : at + 1020] for at in range(0, pages * 1020, 1020))
    )
    header = struct.pack("<QQQ", len(whole), offset, len(xml))
    return samples.sealed(whole[:16] + header + whole[40:])


LAUGHS = b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"ha") for n in range(9))
DECLARATIONS = {
    "a file of this machine": (b'<!DOCTYPE e57Root [<!ENTITY a SYSTEM "file:///etc/passwd">]>', b"&a;"),
    "an address": (b'<!DOCTYPE e57Root SYSTEM "http://127.0.0.1:9/a.dtd">', b"a"),
    "a billion laughs": (b"<!DOCTYPE e57Root [" + LAUGHS + b"]>", b"&a8;"),
    "nothing": (b"<!DOCTYPE e57Root>", b"a"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037"])
@pytest.mark.parametrize("case", DECLARATIONS)
def test_a_description_that_declares_anything_is_refused(case: str, encoding: str, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "declares.e57"
    target.write_bytes(described(file.read_bytes(), *DECLARATIONS[case], encoding))
    assert refusal(target) == ("scan.e57.structure" if encoding == "cp037" else "scan.e57.declaration")


def test_a_description_without_declaration_is_read_whatever_its_name(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "named.e57"
    target.write_bytes(described(file.read_bytes(), b"", b"a &amp; b"))
    assert read_scan(target).summary.stations[0].name == "a & b"


def integers(folder: Path, count: int, bits: int) -> Path:
    """A scan of nothing but integers, which a writer pads to a register at the end."""
    import pye57
    from pye57 import libe57

    path = folder / f"{count}-{bits}.e57"
    file = pye57.E57(str(path), mode="w")
    image = file.image_file
    node, prototype = libe57.StructureNode(image), libe57.StructureNode(image)
    node.set("guid", libe57.StringNode(image, "{integers}"))
    columns = {name: np.arange(count, dtype=np.int64) % 2**bits for name in ("cartesianX", "cartesianY", "cartesianZ")}
    for name in columns:
        prototype.set(name, libe57.ScaledIntegerNode(image, 0, 0, 2**bits - 1, 0.001, 0.0))
    vector = libe57.CompressedVectorNode(image, prototype, libe57.VectorNode(image, True))
    node.set("points", vector)
    file.data3d.append(node)
    buffers = libe57.VectorSourceDestBuffer()
    for name, column in columns.items():
        buffers.append(libe57.SourceDestBuffer(image, name, column, count, True, False))
    writer = vector.writer(buffers)
    writer.write(count)
    writer.close()
    file.close()
    return path


@pytest.mark.parametrize("bits", [1, 3, 8, 9, 17, 19, 31, 33])
@pytest.mark.parametrize("count", [1, 7, 64, 50_003])
def test_the_padding_of_integers_holds_no_points(count: int, bits: int, tmp_path: Path) -> None:
    cloud = read_scan(integers(tmp_path, count, bits))
    assert cloud.summary.record_count == count


def test_a_count_of_integers_stated_too_low_is_refused(tmp_path: Path) -> None:
    path = integers(tmp_path, 50_003, 19)
    path.write_bytes(samples.sealed(path.read_bytes().replace(b'"50003"', b'"49990"')))
    assert refusal(path) == "scan.e57.count"


def test_a_cut_file_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.e57").write_bytes(file.read_bytes()[:-1024])
    assert refusal(tmp_path / "cut.e57") == "scan.e57.length"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("e57_bitflip_pump.e57", "scan.e57.checksum"),
        ("e57_corrupt_crc.e57", "scan.e57.checksum"),
        ("e57_empty_pc.e57", "scan.empty"),
        ("e57_invalid_cv_header.e57", "scan.empty"),
        ("e57_truncated_pump.e57", "scan.e57.length"),
    ],
)
def test_a_known_bad_file_is_refused_for_its_defect(name: str, code: str, shared_data: Path) -> None:
    assert refusal(shared_data / "bad" / name) == code


@pytest.mark.parametrize(
    ("name", "count", "field"),
    [
        ("bad/e57_no_ext_namespace.e57", 1, "classification"),
        ("e57/las2e57_no_images_tag.e57", 153, "las:pointSourceId"),
    ],
)
def test_an_unknown_field_is_left_out_and_named(name: str, count: int, field: str, shared_data: Path) -> None:
    cloud = read_scan(shared_data / name)
    assert len(cloud) == count
    assert field in cloud.summary.warnings[0]


@pytest.mark.parametrize(
    ("name", "count"),
    [("A_B", 6), ("ColouredCubeFloat", 7680), ("bunnyDouble", 30571), ("pumpAVisualReferenceImage", 155201)],
)
def test_real_files_are_read_to_the_count_that_others_found(name: str, count: int, shared_data: Path) -> None:
    cloud = read_scan(shared_data / "e57" / f"{name}.e57")
    assert len(cloud) + cloud.summary.invalid_count == count


def test_the_same_body_as_integers_and_as_doubles_agrees(shared_data: Path) -> None:
    double, integer = (read_scan(shared_data / "e57" / f"bunny{kind}.e57").xyz_mm for kind in ("Double", "Int19"))
    assert np.abs(double - integer).max() < 1e-3


def test_normals_of_the_extension_are_read(shared_data: Path) -> None:
    normals = read_scan(shared_data / "e57" / "testWithNormals.e57").normals
    assert normals is not None
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0)
