"""A first look at a file: it begins as its format does, or it is not that format."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import InvalidInput
from appliance.scans.formats import FORMATS, HEAD_BYTES, check_head

HEADS = {
    "e57": b"ASTM-E57\x01\x00\x00\x00",
    "las": b"LASF\x00\x00",
    "laz": b"LASF\x00\x00",
    "ply": b"ply\nformat ascii 1.0\n",
    "pcd": b"# .PCD v0.7 - Point Cloud Data\n",
    "xyz": b"1.0 2.0 3.0\n",
    "pts": b"1000\r\n1.0 2.0 3.0 -20 1 2 3\r\n",
    "ptx": b"10\n10\n0 0 0\n",
    "csv": b"\xef\xbb\xbfx,y,z\n",
    "asc": b"# comment\n1 2 3\n",
    "txt": "# Größe\n1 2 3\n".encode(),
}


def test_every_format_knows_its_own_beginning() -> None:
    assert set(HEADS) == set(FORMATS)
    for scan_format, head in HEADS.items():
        check_head(scan_format, head)


@pytest.mark.parametrize("scan_format", FORMATS)
def test_no_format_takes_an_archive_or_an_image_for_its_own(scan_format: str) -> None:
    for head in (b"PK\x03\x04\x14\x00\x00\x00", b"\x89PNG\r\n\x1a\n\x00\x00", b"%PDF-1.7\n\x00", b"", b" \n"):
        with pytest.raises(InvalidInput, match="does not begin"):
            check_head(scan_format, head)


def test_binary_formats_are_not_taken_for_each_other() -> None:
    for scan_format in ("e57", "las", "ply", "pcd"):
        for other in ("e57", "las", "ply", "pcd"):
            if scan_format != other:
                with pytest.raises(InvalidInput):
                    check_head(scan_format, HEADS[other])


def test_real_files_begin_as_they_should(shared_data: Path) -> None:
    looked = 0
    for path in shared_data.rglob("*"):
        suffix = path.suffix.lower().removeprefix(".")
        if suffix in FORMATS and path.is_file() and "bad" not in str(path).lower() and path.stat().st_size:
            if suffix not in ("e57", "las", "laz"):
                continue
            with path.open("rb") as file:
                check_head(suffix, file.read(HEAD_BYTES))
            looked += 1
    assert looked
