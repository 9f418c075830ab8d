"""Stored fields and skins: there and back, in part, and never something else."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from appliance.errors import Modified
from appliance.twin.files import ReadRange, decode_field, decode_skin, encode_field, encode_skin, read_means
from tests.unit.twin.conftest import CELLS, flat_field, plate


def reading(data: bytes) -> ReadRange:
    return lambda start, length: data[start:] if length is None else data[start : start + length]


def test_a_field_comes_back_as_it_was() -> None:
    field = flat_field(np.where(np.arange(CELLS) == 4, np.nan, 0.25))
    found = decode_field(encode_field(field))
    np.testing.assert_array_equal(found.mean_nm, field.mean_nm)
    np.testing.assert_array_equal(found.u_mm, field.u_mm)
    np.testing.assert_array_equal(read_means(reading(encode_field(field)), CELLS), field.mean_nm)


def test_a_skin_comes_back_as_it_was() -> None:
    skin = plate()
    found = decode_skin(reading(encode_skin(skin)))
    for one in fields(skin):
        if one.name != "zones":
            np.testing.assert_array_equal(getattr(found, one.name), getattr(skin, one.name))
    assert {name: member.tolist() for name, member in found.zones.items()} == {
        name: member.tolist() for name, member in skin.zones.items()
    }


def test_a_summary_reads_areas_and_zones_alone() -> None:
    data, asked = encode_skin(plate()), []

    def read(start: int, length: int | None) -> bytes:
        asked.append(length)
        return reading(data)(start, length)

    found = decode_skin(read, whole=False)
    assert found.area_mm2.tolist() == [1.0] * CELLS
    assert found.zones["left"].sum() == CELLS / 2
    assert asked == [4096, 4 * CELLS + 2 * 3]
    assert len(found.cell_of_facet) == 0


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d + b"x", lambda d: b"x" + d[1:], lambda d: d[:20]])
def test_a_field_that_is_none_is_refused(damage: object) -> None:
    with pytest.raises(Modified):
        decode_field(damage(encode_field(flat_field(0.0))))  # type: ignore[operator]


def test_a_skin_that_is_none_is_refused() -> None:
    data = encode_skin(plate())
    for broken in (b"", data[:-1], b"\0" * len(data)):
        with pytest.raises(Modified):
            decode_skin(reading(broken))
