"""The master key: what it wraps opens for it alone, in its context alone, and through every rotation."""

from __future__ import annotations

import hmac
import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from appliance.crypto import aead, sodium
from appliance.crypto.master import MasterKey
from appliance.crypto.recovery import RecoveryKey, parse_recovery_key
from appliance.errors import Conflict, Denied, InvalidInput, Misconfigured, Modified, NotFound


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "master.key"


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "PASSPHRASE_PASSES", 1)
    monkeypatch.setattr(sodium, "PASSPHRASE_MEMORY_BYTES", 8192)


def test_a_wrapped_key_opens_after_the_appliance_started_again(path: Path) -> None:
    made, _ = MasterKey.create(path)
    wrapped = made.wrap(b"k" * 32, "wsp_1")
    assert MasterKey.open(path).unwrap(wrapped, "wsp_1") == b"k" * 32
    assert b"k" * 8 not in wrapped


def test_the_file_is_for_its_owner_only_and_made_once(path: Path) -> None:
    MasterKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Conflict):
        MasterKey.create(path)
    path.chmod(0o640)
    with pytest.raises(Misconfigured):
        MasterKey.open(path)


def test_a_missing_file_is_not_found(path: Path) -> None:
    with pytest.raises(NotFound):
        MasterKey.open(path)


def test_a_key_does_not_open_in_another_workspace(path: Path) -> None:
    master, _ = MasterKey.create(path)
    with pytest.raises(Modified):
        master.unwrap(master.wrap(b"k" * 32, "wsp_1"), "wsp_2")


def test_a_key_of_another_appliance_does_not_open(path: Path, tmp_path: Path) -> None:
    master, _ = MasterKey.create(path)
    other, _ = MasterKey.create(tmp_path / "other" / "master.key")
    with pytest.raises(Modified, match="another master key"):
        other.unwrap(master.wrap(b"k" * 32, "w"), "w")


def test_every_flipped_bit_of_a_wrapped_key_is_found(path: Path) -> None:
    master, _ = MasterKey.create(path)
    wrapped = master.wrap(b"k" * 32, "w")
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        with pytest.raises(Modified):
            master.unwrap(bytes(changed), "w")
    for length in range(len(wrapped)):
        with pytest.raises(Modified):
            master.unwrap(wrapped[:length], "w")


def test_a_passphrase_locks_the_file(path: Path) -> None:
    master, _ = MasterKey.create(path, "correct horse")
    wrapped = master.wrap(b"k" * 32, "w")
    assert MasterKey.open(path, "correct horse").unwrap(wrapped, "w") == b"k" * 32
    for wrong in (None, "", "wrong"):
        with pytest.raises(Denied):
            MasterKey.open(path, wrong)


def test_no_secret_stands_in_a_sealed_file_nor_in_a_repr(path: Path) -> None:
    master, text = MasterKey.create(path, "correct horse")
    key = dict(master._ring.keys)
    record = json.loads(path.read_text())
    assert set(record) == {"format", "recovery", "sealing", "secrets"}
    for secret in key.values():
        assert secret not in path.read_bytes()
        assert str(secret) not in repr(master)
    assert "correct horse" not in repr(master)
    assert text not in path.read_text()


def test_the_recovery_key_opens_a_file_whose_passphrase_is_lost(path: Path) -> None:
    master, text = MasterKey.create(path, "lost")
    wrapped = master.wrap(b"k" * 32, "w")
    typed = text.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert MasterKey.recover(path, typed, "new").unwrap(wrapped, "w") == b"k" * 32
    assert MasterKey.open(path, "new").unwrap(wrapped, "w") == b"k" * 32
    with pytest.raises(Denied):
        MasterKey.open(path, "lost")


def test_the_recovery_key_still_opens_after_rotation_and_a_new_passphrase(path: Path) -> None:
    master, text = MasterKey.create(path, "one")
    master.rotate()
    master.change_passphrase("two")
    wrapped = master.wrap(b"k" * 32, "w")
    assert MasterKey.recover(path, text, None).unwrap(wrapped, "w") == b"k" * 32


def test_a_renewed_recovery_key_opens_and_the_one_before_does_not(path: Path) -> None:
    made, first = MasterKey.create(path, "old")
    wrapped = made.wrap(b"k" * 32, "x")
    second = made.renew_recovery()
    with pytest.raises(Denied):
        MasterKey.recover(path, first, "new")
    assert MasterKey.recover(path, second, "new").unwrap(wrapped, "x") == b"k" * 32
    assert MasterKey.open(path, "new").unwrap(wrapped, "x") == b"k" * 32


def test_another_recovery_key_does_not_open(path: Path) -> None:
    MasterKey.create(path, "one")
    with pytest.raises(Denied):
        MasterKey.recover(path, RecoveryKey.generate().text, None)


def test_who_swaps_the_sealed_recovery_copy_gains_nothing_from_a_rotation(path: Path) -> None:
    _, text = MasterKey.create(path, "one")
    thief = RecoveryKey.generate()
    record = json.loads(path.read_text())
    record["recovery"] = "AAAA"
    path.write_text(json.dumps(record))
    MasterKey.open(path, "one").rotate()
    with pytest.raises(Denied):
        MasterKey.recover(path, thief.text, None)
    assert MasterKey.recover(path, text, None).is_current(MasterKey.open(path).wrap(b"x", "w"))


def test_a_mistyped_sign_of_the_recovery_key_is_named_so() -> None:
    text = RecoveryKey(bytes(range(32))).text
    assert parse_recovery_key(text).secret == bytes(range(32))
    assert [len(group) for group in text.split("-")] == [7] * 8
    for position, sign in enumerate(text):
        if sign == "-":
            continue
        other = "Z" if sign != "Z" else "Y"
        with pytest.raises(InvalidInput, match="mistyped"):
            parse_recovery_key(text[:position] + other + text[position + 1 :])
    with pytest.raises(InvalidInput, match="56"):
        parse_recovery_key(text[:-1])


def test_a_rotation_keeps_old_wraps_readable_until_they_are_wrapped_again(path: Path) -> None:
    master, _ = MasterKey.create(path)
    old = master.wrap(b"k" * 32, "w")
    master.rotate()
    assert not master.is_current(old)
    new = MasterKey.open(path).rewrap(old, "w")
    assert master.is_current(new)
    assert master.unwrap(old, "w") == master.unwrap(new, "w") == b"k" * 32
    assert master.retire_old() == 1
    assert MasterKey.open(path).unwrap(new, "w") == b"k" * 32
    with pytest.raises(Modified):
        MasterKey.open(path).unwrap(old, "w")


def test_a_process_that_runs_on_opens_what_a_rotation_in_another_one_wrapped(path: Path) -> None:
    running, _ = MasterKey.create(path)
    before = running.wrap(b"k" * 32, "w")
    rotating = MasterKey.open(path)
    rotating.rotate()
    assert running.unwrap(rotating.wrap(b"n" * 32, "w"), "w") == b"n" * 32
    assert running.unwrap(before, "w") == b"k" * 32


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b'{"format":"d2r-master-key/2"}',
        b'{"format":"d2r-master-key/1","sealing":null,"secrets":"e30="}',
    ],
)
def test_a_broken_file_is_misconfigured(path: Path, text: bytes) -> None:
    MasterKey.create(path)
    path.write_bytes(text)
    with pytest.raises(Misconfigured):
        MasterKey.open(path)


def test_derivation_is_hkdf_as_published() -> None:
    """RFC 5869 appendix A.1, its first 32 bytes of output, and A.3 for the empty salt."""
    key, salt = bytes.fromhex("0b" * 22), bytes.fromhex("000102030405060708090a0b0c")
    purpose = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    assert aead.derive(key, salt, purpose).hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert aead.derive(key, b"", b"").hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_a_small_secret_can_be_opened_by_hand() -> None:
    """The form, from its description, with HKDF written out in HMAC."""
    key = bytes(range(32))
    sealed = aead.seal_small(key, b"secret", "place")
    version, salt, body = sealed[:1], sealed[1:33], sealed[33:]
    extracted = hmac.new(salt, key, "sha256").digest()
    derived = HKDFExpand(SHA256(), 32, b"d2r/sealed-small/1").derive(extracted)
    assert version == b"\x01"
    assert AESGCM(derived).decrypt(bytes(12), body, b"place") == b"secret"
    assert aead.seal_small(key, b"secret", "place")[1:33] != salt
