"""The header of a PLY file, which scans and CAD share: what it declares, and what makes no sense."""

from __future__ import annotations

import io

import pytest

from appliance.errors import InvalidInput
from appliance.foreign.ply import PlyElement, PlyProperty, read_header

GOOD = b"""ply\r
format binary_big_endian 1.0
comment made by hand
element vertex 4
property float32 x
property double y

obj_info scanner 7
element face 2
property list uchar int vertex_indices
end_header
REST"""


def test_a_header_says_order_elements_and_properties_and_ends_at_the_first_row() -> None:
    file = io.BytesIO(GOOD)
    header = read_header(file)
    vertex = PlyElement("vertex", 4, (PlyProperty("x", "f4"), PlyProperty("y", "f8")))
    face = PlyElement("face", 2, (PlyProperty("vertex_indices", "i4", "u1"),))
    assert (header.order, header.elements) == (">", (vertex, face))
    assert (vertex.has_lists, face.has_lists) == (False, True)
    assert (vertex.kind_of("y"), vertex.kind_of("z")) == ("f8", "")
    assert header.row_type(vertex).itemsize == 12
    assert file.read() == b"REST"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ply\r", b"plyx"),
        (b"binary_big_endian", b"binary_middle_endian"),
        (b"format binary_big_endian 1.0\n", b""),
        (b"format", b"format ascii 1.0\nformat"),
        (b"vertex 4", b"vertex four"),
        (b"vertex 4", b"vertex 99999999999999999"),
        (b"property double y", b"property float x"),
        (b"property double y", b"property real y"),
        (b"property double y", b"property list float int y"),
        (b"element vertex 4", b"property int z\nelement vertex 4"),
        (b"element face 2", b"element vertex 2"),
        (b"property list uchar int vertex_indices\n", b""),
        (b"comment made", b"remark made"),
        (b"end_header\nREST", b""),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(old: bytes, new: bytes) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(InvalidInput) as caught:
        read_header(io.BytesIO(GOOD.replace(old, new, 1)))
    assert caught.value.code == "ply.structure"
    assert caught.value.hint
