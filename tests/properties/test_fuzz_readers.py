"""Whatever happens to a file, reading it ends in points or in a refusal that says why.

``D2R_FUZZ_CASES`` sets the number of mutations a format; the cases are the same in every run.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.foreign import numbers
from appliance.scans.e57.pages import sealed_page
from tests import samples
from tests.fuzzing import Subject, run_cases

CASES = int(os.environ.get("D2R_FUZZ_CASES", "300"))
POINTS = samples.points(40)


def sealed_e57(data: bytes) -> bytes:
    """The file padded to whole pages, its length stated, its checksums right: damage gets past the door."""
    padded = bytearray(data + bytes(-len(data) % 1024))
    if len(padded) >= 24:
        struct.pack_into("<Q", padded, 16, len(padded))
    return b"".join(sealed_page(bytes(padded[at : at + 1020])) for at in range(0, len(padded), 1024))


def e57_seeds(folder: Path) -> list[bytes]:
    cartesian = samples.e57(folder / "cartesian.e57", POINTS)
    spherical = samples.e57(folder / "spherical.e57", POINTS, spherical=True)
    return [cartesian.read_bytes(), spherical.read_bytes()]


def las_seeds(folder: Path) -> list[bytes]:
    return [samples.las(folder / "seed.las", POINTS).read_bytes()]


def laz_seeds(folder: Path) -> list[bytes]:
    return [samples.las(folder / "seed.laz", POINTS).read_bytes()]


def ply_seeds(folder: Path) -> list[bytes]:
    forms = ("ascii", "binary_little_endian", "binary_big_endian")
    return [samples.ply(folder / "seed.ply", POINTS, form).read_bytes() for form in forms]


def pcd_seeds(folder: Path) -> list[bytes]:
    forms = ("ascii", "binary", "binary_compressed")
    return [samples.pcd(folder / "seed.pcd", POINTS, form).read_bytes() for form in forms]


def text_seeds(folder: Path) -> list[bytes]:
    return [
        samples.pts(folder / "seed.pts", POINTS).read_bytes(),
        samples.xyz_text(folder / "seed.xyz", POINTS).read_bytes(),
    ]


def ptx_seeds(folder: Path) -> list[bytes]:
    return [samples.ptx(folder / "seed.ptx", POINTS).read_bytes()]


def compile_from_the_first_byte() -> None:
    """Small files too go the way of large ones: through the compiled reader of numbers."""
    numbers.COMPILED_FROM_BYTES = 0  # type: ignore[misc]


WARM = ["appliance.scans.warm:warm_up", "tests.properties.test_fuzz_readers:compile_from_the_first_byte"]

#: format -> parser, seeds, repair of checksums
FORMATS: dict[str, tuple[str, Callable[[Path], list[bytes]], Callable[[bytes], bytes] | None]] = {
    "e57": ("appliance.scans.e57.reader:parse", e57_seeds, sealed_e57),
    "las": ("appliance.scans.las:parse", las_seeds, None),
    "laz": ("appliance.scans.las:parse", laz_seeds, None),
    "ply": ("appliance.scans.ply:parse", ply_seeds, None),
    "pcd": ("appliance.scans.pcd:parse", pcd_seeds, None),
    "xyz": ("appliance.scans.text:parse", text_seeds, None),
    "ptx": ("appliance.scans.ptx:parse", ptx_seeds, None),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_mutated_file_ends_in_points_or_in_a_reason(name: str, tmp_path: Path) -> None:
    parser, seeds, repair = FORMATS[name]
    subject = Subject(name, parser, f".{name}", seeds(tmp_path), repair, modules=WARM)
    endings = run_cases(subject, CASES, tmp_path)
    print(name, dict(endings.most_common()))
    assert sum(endings.values()) == CASES
    assert len(endings) > 2, "the mutations do not reach into the parser"
    let_through = [ending for ending in endings if ending.startswith("foreign.broken") or ending == "no reason"]
    assert not let_through, "a reader let an exception of a library through, or gave no reason"
