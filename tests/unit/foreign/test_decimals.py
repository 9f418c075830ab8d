"""Compiled reading of numbers gives what ``float`` gives, for every token, and refuses what was refused."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.foreign import numbers
from appliance.foreign.decimals import read_rows
from appliance.foreign.numbers import even_rows, rows_of

COUNT = 20_000


@pytest.fixture(autouse=True)
def compiled_from_the_first_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "COMPILED_FROM_BYTES", 0)


def doubles() -> list[float]:
    """Doubles of every exponent, subnormal ones too."""
    bits = np.random.default_rng(5).integers(0, 0x7FEFFFFFFFFFFFFF, COUNT, dtype=np.int64)
    return bits.view(np.float64).tolist()


def ties() -> list[str]:
    """Numbers halfway between two doubles, written exactly, and their neighbours by the last digit."""
    chance, tokens = random.Random(1), []
    for _ in range(COUNT):
        odd, shift = 2 * chance.randrange(2**52, 2**53) + 1, chance.randint(0, 3)
        exact = odd * 5**shift
        tokens += [f"{exact + step}e-{shift}" for step in (-1, 0, 1)] if exact < 10**19 else []
        tokens.append(str(odd << chance.randint(0, 8)))
    assert len(tokens) > 2 * COUNT
    return tokens


def long_integers() -> list[str]:
    chance = random.Random(2)
    return [f"{chance.randrange(10**18, 10**19)}e{chance.randint(-330, 300)}" for _ in range(COUNT)]


def coordinates() -> list[str]:
    chance = random.Random(4)
    return [f"{chance.gauss(0, 1e4):.{chance.randint(0, 12)}f}" for _ in range(COUNT)]


def plain(text: str) -> list[str]:
    return text.split()


FORMS: dict[str, Callable[[], list[str]]] = {
    "shortest": lambda: [repr(value) for value in doubles()],
    "17 digits": lambda: [f"{value:.17g}" for value in doubles()],
    "19 digits": lambda: [f"{value:.18e}" for value in doubles()],
    "coordinates": coordinates,
    "long integers": long_integers,
    "ties": ties,
    "forms": lambda: plain("+1 -0 -0.0 .5 5. 1e5 1E+5 1e-5 0e9999 0e-9999 00012.50 1e0005 1e00005 9007199254740993"),
    "unusual": lambda: plain("inf -inf 1e400 4.9e-324 2e-324 123456789012345678901234567890 -Infinity"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_token_is_read_as_float_reads_it(form: str) -> None:
    tokens = FORMS[form]()
    rows = even_rows("\n".join(tokens).encode() + b"\n")
    assert rows is not None
    assert rows.shape == (len(tokens), 1)
    expected = np.array([float(token) for token in tokens])
    wrong = np.flatnonzero(rows[:, 0].view(np.int64) != expected.view(np.int64))
    assert not len(wrong), [tokens[at] for at in wrong[:5]]


def test_coordinates_need_no_second_reading() -> None:
    read = read_rows("\n".join(coordinates()).encode() + b"\n", None)
    assert read is not None
    assert len(read[1]) == 0


def test_nan_is_nan() -> None:
    rows = even_rows(b"nan NaN 1\n1 2 -nan\n")
    assert rows is not None
    assert np.isnan(rows).tolist() == [[True, True, False], [False, False, True]]


def ending(read: Callable[[bytes], np.ndarray], block: bytes) -> object:
    try:
        rows = read(block)
    except InvalidInput as refusal:
        return refusal.code, refusal.message
    return rows.shape, np.where(np.isnan(rows), 7.5, rows).tobytes()


def test_broken_blocks_end_as_they_do_without_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(3)
    pieces = [
        *(bytes([code]) for code in b"019.-+eE \n\t,;\r\x0b\x00x_\xff"), b"nan", b"inf", b"1.5", b"1" * 25, b", ,", b"#"
    ]  # fmt: skip
    seen = set()
    for _ in range(20_000):
        width = chance.randint(1, 3)
        line = b" ".join(chance.choice([b"1", b"-2.5", b"3e2"]) for _ in range(width)) + b"\n"
        block = bytearray(line * chance.randint(1, 3))
        for _ in range(chance.randint(0, 3)):
            at = chance.randrange(len(block) + 1)
            block[at : at + chance.randint(0, 2)] = chance.choice(pieces)
        monkeypatch.setattr(numbers, "COMPILED_FROM_BYTES", 1 << 30)
        expected = ending(rows_of, bytes(block))
        monkeypatch.setattr(numbers, "COMPILED_FROM_BYTES", 0)
        assert ending(rows_of, bytes(block)) == expected, bytes(block)
        seen.add(expected[0])  # type: ignore[index]
    assert {"text.number", "text.columns"} < seen
