"""The pair of keys for archives: one half seals, the other opens, and neither is taken for another key."""

from __future__ import annotations

import pytest

from appliance.crypto.archive_key import ArchiveKey, parse_archive_key, parse_archive_lock
from appliance.crypto.recovery import RecoveryKey, parse_recovery_key
from appliance.errors import Denied, InvalidInput


def test_what_is_sealed_to_the_lock_opens_with_the_key_alone() -> None:
    key = ArchiveKey.generate()
    sealed = key.lock.seal(b"k" * 32)
    assert key.open(sealed) == b"k" * 32
    for other, data in ((ArchiveKey.generate(), sealed), (key, sealed[:-1]), (key, b"")):
        with pytest.raises(Denied, match="does not open this archive"):
            other.open(data)


def test_both_halves_are_read_back_as_they_were_written() -> None:
    key = ArchiveKey.generate()
    assert parse_archive_key(key.text.lower().replace("-", " ")) == key
    assert parse_archive_lock(key.lock.text) == key.lock
    assert key.text not in repr(key)


def test_one_kind_of_key_is_not_taken_for_another() -> None:
    key = ArchiveKey.generate()
    for text, parse in (
        (key.text, parse_archive_lock), (key.lock.text, parse_archive_key), (key.text, parse_recovery_key),
        (RecoveryKey(key.secret).text, parse_archive_key),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match="another kind of key"):
            parse(text)


def test_a_lock_with_a_mistyped_sign_is_refused() -> None:
    text = ArchiveKey.generate().lock.text
    for position in range(0, 7):
        other = "0" if text[position] != "0" else "1"
        with pytest.raises(InvalidInput):
            parse_archive_lock(text[:position] + other + text[position + 1 :])
    with pytest.raises(InvalidInput, match="56 letters"):
        parse_archive_lock(text[:-1])
