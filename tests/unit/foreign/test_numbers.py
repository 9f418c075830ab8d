"""Rows of numbers: all of them, or a refusal."""

from __future__ import annotations

import io

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.foreign.numbers import line_blocks, lines_of, rows_of


def test_separators_and_empty_lines_do_not_matter() -> None:
    assert rows_of(b"1 2,3\n\n4;5\t6\r\n").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_numbers_are_read_to_the_last_bit() -> None:
    values = np.random.default_rng(3).normal(0, 1e5, (50, 3))
    text = "".join(f"{float(x)!r} {float(y)!r} {float(z)!r}\n" for x, y, z in values)
    assert np.array_equal(rows_of(text.encode()), values)


@pytest.mark.parametrize(
    "text",
    [b"1 2 3\n4 5\n", b"1 2 3\n4 5 6 7\n1 2\n", b"1 x 3\n", b"1 2 0x3\n", b"1,,2,3\n", b"1 2 3-4\n", b"\xff 2 3\n"],
)
def test_a_row_that_is_not_numbers_of_equal_count_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        rows_of(text)


def test_blocks_end_with_lines_and_lose_nothing() -> None:
    text = b"".join(b"%d %d\n" % (number, -number) for number in range(500_000))
    blocks = list(line_blocks(io.BytesIO(text[:-1])))
    assert len(blocks) > 1
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks) == text


def test_a_line_without_end_is_refused() -> None:
    with pytest.raises(InvalidInput):
        list(line_blocks(io.BytesIO(b"1" * (9 << 20))))


def test_lines_are_taken_by_their_number_and_the_rest_is_left() -> None:
    file = io.BytesIO(b"1 2\n3 4\n5 6")
    assert lines_of(file, 2) == b"1 2\n3 4\n"
    assert lines_of(file, 2) == b"5 6"
    assert lines_of(file, 2) == b""


def test_many_lines_are_taken_in_pieces() -> None:
    text = b"1.5 -2.5\n" * 1_000_000
    file = io.BytesIO(text)
    pieces = list(iter(lambda: lines_of(file, 1_000_000), b""))
    assert len(pieces) > 2
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert b"".join(pieces) == text
