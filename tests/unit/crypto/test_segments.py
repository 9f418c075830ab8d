"""Sealed parts: they open by hand, and nothing of them can be cut, moved, doubled or continued."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.crypto import segments
from appliance.crypto.segments import HEADER_BYTES, SEGMENT_BYTES, Part, PartOpener, PartSealer
from appliance.errors import Modified

KEY = bytes(range(32))


def seal(plain: bytes) -> tuple[Part, list[bytes]]:
    sealer = PartSealer(KEY)
    cuts = range(0, max(1, len(plain)), segments.SEGMENT_BYTES)
    out = [bytes(sealer.seal(plain[at : at + segments.SEGMENT_BYTES], last=at == cuts[-1])) for at in cuts]
    return Part(sealer.salt, len(plain)), out


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 16)
    monkeypatch.setattr(segments, "SEALED_SEGMENT_BYTES", 32)


def test_a_part_opens_by_hand_from_its_description() -> None:
    plain = b"a" * SEGMENT_BYTES + b"tail"
    part, sealed = seal(plain)
    extracted = hmac.digest(part.salt, KEY, "sha256")
    key = hmac.digest(extracted, b"d2r/sealed-part/1\x01", "sha256")
    cipher = AESGCM(key)
    assert part.header == b"\x01" + part.salt
    assert cipher.decrypt(bytes(12), sealed[0], None) == plain[:SEGMENT_BYTES]
    assert cipher.decrypt(bytes(10) + b"\x01\x01", sealed[1], None) == b"tail"
    assert part.sealed_bytes == HEADER_BYTES + sum(map(len, sealed))


@pytest.mark.parametrize(
    ("size", "count"), [(0, 1), (1, 1), (SEGMENT_BYTES, 1), (SEGMENT_BYTES + 1, 2), (3 * SEGMENT_BYTES, 3)]
)
def test_a_part_has_as_many_segments_as_it_needs_and_never_none(size: int, count: int) -> None:
    part = Part(bytes(32), size)
    assert part.segments == count
    assert part.sealed_bytes == 33 + size + 16 * count


def test_every_part_has_a_salt_of_its_own() -> None:
    parts = [seal(b"same") for _ in range(8)]
    assert len({part.salt for part, _ in parts}) == len({out[0] for _, out in parts}) == 8


@given(st.binary(max_size=100))
@settings(max_examples=30, deadline=None)
def test_what_was_sealed_opens(plain: bytes) -> None:
    part, sealed = seal(plain)
    opener = PartOpener(KEY, part)
    assert b"".join(opener.open(index, data) for index, data in enumerate(sealed)) == plain


@pytest.mark.usefixtures("short_segments")
class TestTampering:
    """A part of three segments of 16, 16 and 8 bytes."""

    plain = bytes(range(40))

    def test_segments_swapped_moved_or_doubled_are_refused(self) -> None:
        part, sealed = seal(self.plain)
        opener = PartOpener(KEY, part)
        for index in range(3):
            for other in range(3):
                if index == other:
                    assert opener.open(index, sealed[other])
                    continue
                with pytest.raises(Modified):
                    opener.open(index, sealed[other])

    def test_a_part_cut_at_a_segment_or_continued_is_refused(self) -> None:
        part, sealed = seal(self.plain)
        shorter, longer = Part(part.salt, 32), Part(part.salt, 56)
        with pytest.raises(Modified):
            PartOpener(KEY, shorter).open(1, sealed[1])
        with pytest.raises(Modified):
            PartOpener(KEY, longer).open(2, sealed[2])

    def test_a_segment_of_another_part_is_refused(self) -> None:
        part, _ = seal(self.plain)
        _, others = seal(self.plain)
        with pytest.raises(Modified):
            PartOpener(KEY, part).open(0, others[0])

    def test_another_key_opens_nothing(self) -> None:
        part, sealed = seal(self.plain)
        with pytest.raises(Modified):
            PartOpener(bytes(32), part).open(0, sealed[0])

    def test_every_flipped_bit_is_found(self) -> None:
        part, sealed = seal(self.plain)
        opener = PartOpener(KEY, part)
        for index, data in enumerate(sealed):
            for position in range(len(data)):
                changed = bytearray(data)
                changed[position] ^= 1 << position % 8
                with pytest.raises(Modified):
                    opener.open(index, bytes(changed))

    def test_sealing_out_of_turn_is_a_mistake_of_the_caller(self) -> None:
        sealer = PartSealer(KEY)
        with pytest.raises(RuntimeError):
            sealer.seal(b"short")
        sealer.seal(b"short", last=True)
        with pytest.raises(RuntimeError):
            sealer.seal(bytes(16), last=True)
        with pytest.raises(IndexError):
            PartOpener(KEY, Part(bytes(32), 40)).place(3)
