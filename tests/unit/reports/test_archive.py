"""The evidence pack's ZIP: one spelling, streamed, readable by others."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from appliance.errors import InvalidInput, Modified
from appliance.reports import archive
from appliance.reports.archive import Digest, digest_of, member_blocks, read_pack, write_pack
from appliance.reports.pack import safe_name

FILES = {"README.txt": b"hello\n", "evidence/scan/a.e57": bytes(range(256)) * 700, "empty": b"", "näme.txt": b"1"}


def pack_of(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    write_pack(sink, [(name, digest_of([data]), [data]) for name, data in files.items()])
    return sink.getvalue()


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.zip"
    path.write_bytes(pack_of(FILES))
    return path


def test_what_is_written_is_read_back(pack: Path) -> None:
    assert {m.name: b"".join(member_blocks(pack, m)) for m in read_pack(pack)} == FILES


def test_pythons_own_zip_reader_agrees(pack: Path) -> None:
    with zipfile.ZipFile(pack) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == FILES
        assert {info.date_time for info in other.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_members_give_the_same_bytes() -> None:
    assert pack_of(FILES) == pack_of(dict(FILES))


def test_every_flipped_bit_outside_of_the_data_is_found(tmp_path: Path) -> None:
    whole = pack_of({"a.txt": b"alpha", "b.txt": b""})
    path = tmp_path / "evidence.zip"
    for position in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[position] ^= 1 << bit
            path.write_bytes(data)
            with pytest.raises(Modified):
                [list(member_blocks(path, member)) for member in read_pack(path)]


@pytest.mark.parametrize("change", ["appended", "prepended", "cut", "between", "comment"])
def test_bytes_that_hide_in_the_structure_are_found(tmp_path: Path, change: str) -> None:
    whole = pack_of(FILES)
    second = whole.index(b"PK\x03\x04", 4)
    altered = {
        "appended": whole + b"\0",
        "prepended": b"\0" + whole,
        "cut": whole[:-1],
        "between": whole[:second] + b"hidden" + whole[second:],
        "comment": whole[:-2] + b"\x02\x00hi",
    }[change]
    (tmp_path / "evidence.zip").write_bytes(altered)
    with pytest.raises(Modified):
        read_pack(tmp_path / "evidence.zip")


def test_a_zip_of_another_maker_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("README.txt", "hello\n")
    with pytest.raises(Modified):
        read_pack(tmp_path / "other.zip")


def test_an_entry_that_points_past_the_end_is_modified(tmp_path: Path) -> None:
    whole = bytearray(pack_of({"a.txt": b"alpha"}))
    at = whole.index(b"PK\x01\x02") + 24
    whole[at : at + 4] = b"\xf0\xff\xff\x7f"
    (tmp_path / "evidence.zip").write_bytes(whole)
    with pytest.raises(Modified):
        read_pack(tmp_path / "evidence.zip")


def test_an_input_that_changes_while_it_is_packed_is_refused() -> None:
    with pytest.raises(InvalidInput, match="changed while"):
        write_pack(io.BytesIO(), [("scan", digest_of([b"before"]), [b"after!"])])


def test_members_beyond_4_gib_use_zip64_as_pythons_reader_understands_it(tmp_path: Path) -> None:
    """The headers of a member of 5 GiB, over a sparse file that takes no room on the disk."""
    size, crc = 5 << 30, 0x1234
    member = archive.Member("large.e57", crc, size, 0)
    later = archive.Member("later.txt", 0, 0, member.data_start + size)
    path = tmp_path / "evidence.zip"
    with path.open("wb") as file:
        file.write(archive._local_header(member))
        file.seek(later.offset)
        file.write(archive._local_header(later))
        file.write(archive._directory([member, later], later.data_start))
    assert read_pack(path) == (member, later)
    with zipfile.ZipFile(path) as other:
        assert [(info.filename, info.file_size, info.header_offset) for info in other.infolist()] == [
            ("large.e57", size, 0),
            ("later.txt", 0, later.offset),
        ]


def test_members_are_streamed_in_blocks() -> None:
    """Blocks go to the sink one by one: nothing asks for the whole member."""
    seen: list[int] = []

    class Sink(io.BytesIO):
        def write(self, data: object) -> int:
            seen.append(len(bytes(data)))  # type: ignore[call-overload]
            return super().write(data)  # type: ignore[arg-type]

    def blocks() -> Iterable[bytes]:
        for _ in range(50):
            yield b"x" * 1000

    write_pack(Sink(), [("scan", Digest(**vars(digest_of(blocks()))), blocks())])
    assert max(seen) == 1000


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plate 0042.e57", "evidence/scan/plate_0042.e57"),
        ("../../etc/passwd", "evidence/scan/_.._etc_passwd"),
        (".hidden", "evidence/scan/hidden"),
        ("a\\b:c\nd.e57", "evidence/scan/a_b_c_d.e57"),
        ("零件.e57", "evidence/scan/_.e57"),
        ("", "evidence/scan/unnamed"),
        ("..", "evidence/scan/unnamed"),
        ("x" * 300 + ".e57", "evidence/scan/" + "x" * 76 + ".e57"),
    ],
)
def test_names_of_strangers_never_leave_their_folder(given: str, expected: str) -> None:
    assert safe_name("scan", given) == expected
