"""The cryptography inside the single-file verifier, against published vectors and another implementation."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from appliance.reports.verifier import verify as loaded  # the very file that goes into packs

ORDER_OF_ED25519 = 2**252 + 27742317777372353535851937790883648493
#: RFC 8032, 7.1: public key, message, signature of TEST 1 and TEST 2.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    return loaded


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_verify(verifier: Any, public: str, message: str, signature: str) -> None:
    given = [bytes.fromhex(part) for part in (public, message, signature)]
    assert verifier.ed25519_verifies(*given)
    assert not verifier.ed25519_verifies(given[0], given[1] + b"x", given[2])


def test_a_signature_with_s_beyond_the_order_is_refused(verifier: Any) -> None:
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[0])
    larger = int.from_bytes(signature[32:], "little") + ORDER_OF_ED25519
    assert not verifier.ed25519_verifies(public, message, signature[:32] + larger.to_bytes(32, "little"))


def test_a_key_of_small_order_signs_nothing(verifier: Any) -> None:
    """The neutral point as key and as R, with S = 0, satisfies the bare equation for every message."""
    neutral = (1).to_bytes(32, "little")
    assert not verifier.ed25519_verifies(neutral, b"anything", neutral + bytes(32))


def test_all_vectors_of_wycheproof_agree(verifier: Any, shared_data: Path) -> None:
    record = json.loads((shared_data / "ed25519" / "wycheproof_ed25519_test.json").read_text())
    seen = 0
    for group in record["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            found = verifier.ed25519_verifies(public, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            assert found == (test["result"] == "valid"), test["tcId"]
            seen += 1
    assert seen == record["numberOfTests"]


def test_p_256_agrees_with_another_implementation(verifier: Any) -> None:
    for number in range(4):
        key = ec.derive_private_key(12345 + number, ec.SECP256R1())
        r, s = decode_dss_signature(key.sign(b"message", ec.ECDSA(hashes.SHA256())))
        public = key.public_key().public_numbers()
        point = (public.x, public.y)
        assert verifier.ecdsa_verifies(point, b"message", r, s)
        assert not verifier.ecdsa_verifies(point, b"massage", r, s)
        assert not verifier.ecdsa_verifies(point, b"message", r, s + 1)
        assert not verifier.ecdsa_verifies((public.x, public.y + 1), b"message", r, s)
        assert not verifier.ecdsa_verifies(point, b"message", 0, s)


def test_it_imports_nothing_but_the_standard_library(verifier: Any) -> None:
    tree = ast.parse(Path(verifier.__file__).read_text())
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_is_written_for_python_3_9(verifier: Any) -> None:
    ast.parse(Path(verifier.__file__).read_text(), feature_version=(3, 9))
