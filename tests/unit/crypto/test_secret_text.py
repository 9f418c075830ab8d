"""Random secrets as text: any that is shown has a hash, and people read them in groups."""

from __future__ import annotations

from hashlib import sha256

from appliance.crypto.secret_text import hash_of_secret, in_groups


def test_a_secret_is_kept_as_its_sha_256() -> None:
    assert hash_of_secret("abc") == sha256(b"abc").hexdigest()


def test_half_a_character_is_a_secret_like_another() -> None:
    assert len({hash_of_secret(text) for text in ("\ud800", "\udfff", "", "?")}) == 4


def test_groups_are_of_four_and_the_last_of_what_is_left() -> None:
    assert [in_groups(text) for text in ("", "abcd", "abcdefghij")] == ["", "abcd", "abcd-efgh-ij"]
