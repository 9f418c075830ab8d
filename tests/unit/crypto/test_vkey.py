"""Verifier keys: one spelling, and an ID that binds name and key."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from appliance.crypto.vkey import (
    ALG_COSIGNATURE,
    ALG_ED25519,
    Signer,
    format_trust,
    parse_trust,
    parse_vkey,
    read_trust,
)
from appliance.errors import InvalidInput

#: The key of the Go checksum database, from the Go source tree (cmd/go/internal/modfetch/key.go).
GO_SUM_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_the_key_of_the_go_checksum_database_reads_and_writes_the_same() -> None:
    key = parse_vkey(GO_SUM_KEY)
    assert (key.name, key.key_id.hex(), key.algorithm) == ("sum.golang.org", "033de0ae", ALG_ED25519)
    assert str(key) == GO_SUM_KEY


@pytest.mark.parametrize("algorithm", [ALG_ED25519, ALG_COSIGNATURE])
def test_the_key_id_binds_name_kind_and_key(algorithm: int) -> None:
    signer = Signer("audit.example/one", algorithm, bytes(range(32)))
    material = b"audit.example/one\n" + bytes([algorithm]) + signer.verifier.public_key
    assert signer.verifier.key_id == sha256(material).digest()[:4]
    assert parse_vkey(str(signer.verifier)) == signer.verifier


def test_the_public_key_is_that_of_rfc_8032_test_1() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signer = Signer("rfc", ALG_ED25519, seed)
    assert signer.verifier.public_key.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_every_changed_character_of_a_key_is_refused_or_is_another_key() -> None:
    key = parse_vkey(GO_SUM_KEY)
    for position in range(len(GO_SUM_KEY)):
        for sign in "Aa0+ /=\n":
            changed = GO_SUM_KEY[:position] + sign + GO_SUM_KEY[position + 1 :]
            if changed == GO_SUM_KEY:
                continue
            with pytest.raises(InvalidInput):
                assert parse_vkey(changed) != key


@pytest.mark.parametrize("name", ["", "two words", "plus+sign", "tab\there", "non breaking", "\x7f", "x" * 201])
def test_a_name_that_a_signature_line_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        Signer.generate(name)


def test_a_seed_never_shows() -> None:
    signer = Signer("quiet", ALG_ED25519, b"\x07" * 32)
    assert "7" not in repr(signer).replace("quiet", "")
    assert repr(b"\x07" * 32) not in repr(signer)


def test_a_trust_file_holds_one_key_a_line_and_comments(tmp_path: Path) -> None:
    keys = tuple(Signer.generate(f"log/{number}").verifier for number in range(3))
    text = "# plant 7\n\n" + format_trust(keys[:2]) + "  # end\n" + str(keys[2])
    assert parse_trust(text) == keys
    path = tmp_path / "trust"
    path.write_text(text)
    assert read_trust(path) == keys


@pytest.mark.parametrize("content", [b"nonsense", b"\xff\xfe", None])
def test_a_trust_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "trust"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput):
        read_trust(path)


def test_the_published_bad_keys_are_refused(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "checkpoint" / "checkpoint_vectors.json").read_text())
    assert vectors["bad_vkeys"]
    for text in vectors["bad_vkeys"]:
        with pytest.raises(InvalidInput):
            parse_vkey(text)
