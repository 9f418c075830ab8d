"""The key store: private, whole at every moment, and able to verify what retired keys signed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key

from appliance.crypto import dsse, sodium
from appliance.crypto.keystore import KEY_FILE, KeyStore, trusted_keys
from appliance.crypto.rotation import verify_rotation
from appliance.crypto.vkey import Signer
from appliance.errors import Conflict, Denied, Misconfigured, Modified, NotFound, NotProvable

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store_is_for_its_owner_only(folder: Path) -> None:
    previous = os.umask(0)
    try:
        KeyStore.open_or_create(folder, "plant.example/7")
    finally:
        os.umask(previous)
    assert mode(folder) == 0o700
    assert mode(folder / KEY_FILE) == 0o600


def test_a_store_opens_to_the_same_keys(folder: Path) -> None:
    made = KeyStore.open_or_create(folder, "plant.example/7")
    opened = KeyStore.open_or_create(folder, "another/name")
    assert opened.name == "plant.example/7"
    assert opened.signer() == made.signer()
    assert opened.pdf_identity() == made.pdf_identity()


def test_two_stores_without_a_name_never_share_one(tmp_path: Path) -> None:
    names = {KeyStore.open_or_create(tmp_path / str(number)).name for number in range(4)}
    assert len(names) == 4


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o666])
def test_a_key_file_that_others_may_read_is_refused(folder: Path, bits: int) -> None:
    KeyStore.open_or_create(folder)
    (folder / KEY_FILE).chmod(bits)
    with pytest.raises(Misconfigured, match="open to other users"):
        KeyStore.open(folder)


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    KeyStore.open_or_create(folder)
    folder.chmod(0o750)
    with pytest.raises(Misconfigured):
        KeyStore.open(folder)
    with pytest.raises(Misconfigured):
        KeyStore.open_or_create(folder)


def test_a_missing_store_is_not_found(folder: Path) -> None:
    with pytest.raises(NotFound):
        KeyStore.open(folder)


@pytest.fixture
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "PASSPHRASE_PASSES", 1)
    monkeypatch.setattr(sodium, "PASSPHRASE_MEMORY_BYTES", 8192)


@pytest.mark.usefixtures("cheap_passphrases")
def test_a_passphrase_seals_both_private_keys(folder: Path) -> None:
    store = KeyStore.open_or_create(folder, passphrase="correct horse")
    data = (folder / KEY_FILE).read_bytes()
    assert store.signer().seed not in data
    assert json.loads(data)["sealing"]["kdf"] == "argon2id"
    assert KeyStore.open(folder, "correct horse").signer() == store.signer()
    for wrong in (None, "", "wrong"):
        with pytest.raises(Denied):
            KeyStore.open(folder, wrong)


@pytest.mark.usefixtures("cheap_passphrases")
def test_a_rotation_stays_sealed(folder: Path) -> None:
    store = KeyStore.open_or_create(folder, passphrase="correct horse")
    store.rotate()
    with pytest.raises(Denied):
        KeyStore.open(folder)
    assert KeyStore.open(folder, "correct horse").signer() == store.signer()


def test_the_default_cost_of_a_passphrase_is_hundreds_of_megabytes() -> None:
    assert sodium.PASSPHRASE_MEMORY_BYTES >= 256 << 20
    assert sodium.PASSPHRASE_PASSES >= 3


def test_a_rotation_keeps_old_signatures_verifiable_and_destroys_the_old_key(folder: Path) -> None:
    store = KeyStore.open_or_create(folder)
    old = store.signer()
    signed = dsse.sign_envelope(b"{}", "t", [old])
    gone = store.rotate()
    assert store.signer() != old
    assert gone.vkey == old.verifier
    for one in (store, KeyStore.open(folder)):
        assert dsse.verify_envelope(signed, one.trusted()).key == old.verifier
        assert one.own_keys() == (store.signer().verifier, old.verifier)
    secrets = json.loads((folder / KEY_FILE).read_bytes())["secrets"]
    assert b64encode(old.seed) not in b64decode(secrets)


def test_a_store_that_is_open_finds_what_another_process_rotated_and_stays_as_it_is(folder: Path) -> None:
    store = KeyStore.open_or_create(folder, "plant.example/7", "secret")
    assert store.latest() is store
    old = store.signer()
    KeyStore.open(folder, "secret").rotate()
    assert store.signer() == old
    latest = store.latest()
    assert latest.own_keys()[1] == old.verifier
    assert latest.signer() != old
    assert store.latest() is latest
    latest.rotate()
    assert len(store.latest().own_keys()) == 3
    assert latest.latest() is latest


def test_an_auditor_follows_a_chain_of_rotations(folder: Path) -> None:
    store = KeyStore.open_or_create(folder)
    held = store.own_keys()[0]
    store.rotate()
    store.rotate()
    for gone in store.retired():
        held = verify_rotation(gone.rotation, held)
    assert held == store.own_keys()[0]


def test_the_rotation_of_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    gone = KeyStore.open_or_create(folder).rotate()
    with pytest.raises(NotProvable):
        verify_rotation(gone.rotation, Signer.generate("other").verifier)
    with pytest.raises(Modified):
        verify_rotation(gone.rotation[:-3] + b"x" + gone.rotation[-2:], gone.vkey)


def test_the_pdf_certificate_signs_documents_and_can_be_its_own_anchor(folder: Path) -> None:
    identity = KeyStore.open_or_create(folder, "plant.example/7").pdf_identity()
    certificate = x509.load_der_x509_certificate(identity.certificate_der)
    key = load_der_private_key(identity.key_der, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert key.public_key() == certificate.public_key()
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert usage.key_cert_sign
    assert not usage.key_encipherment
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    assert certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    years = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days / 365.25
    assert years == pytest.approx(10, abs=0.01)
    certificate.verify_directly_issued_by(certificate)
    assert x509.load_pem_x509_certificate(identity.certificate_pem) == certificate


def test_a_key_of_somebody_else_is_trusted_once_it_was_added(folder: Path) -> None:
    store, other = KeyStore.open_or_create(folder), Signer.generate("plant.example/8")
    signed = dsse.sign_envelope(b"{}", "t", [other])
    with pytest.raises(NotProvable):
        dsse.verify_envelope(signed, store.trusted())
    store.trust(other.verifier)
    assert dsse.verify_envelope(signed, KeyStore.open(folder).trusted()).key == other.verifier
    with pytest.raises(Conflict):
        store.trust(other.verifier)


@pytest.mark.parametrize("field", ["format", "vkey", "certificate", "secrets", "retired", "sealing"])
def test_a_broken_key_file_is_named_as_such(folder: Path, field: str) -> None:
    KeyStore.open_or_create(folder)
    path = folder / KEY_FILE
    record = json.loads(path.read_bytes())
    for broken in (json.dumps({**record, field: "broken"}), json.dumps(record)[:-5], "[]"):
        path.write_text(broken)
        with pytest.raises(Misconfigured):
            KeyStore.open(folder, "any passphrase")


def test_the_halves_of_two_stores_do_not_go_together(tmp_path: Path) -> None:
    KeyStore.open_or_create(tmp_path / "a", "same")
    KeyStore.open_or_create(tmp_path / "b", "same")
    one, other = (json.loads((tmp_path / name / KEY_FILE).read_bytes()) for name in "ab")
    (tmp_path / "a" / KEY_FILE).write_text(json.dumps({**one, "secrets": other["secrets"]}))
    with pytest.raises(Misconfigured):
        KeyStore.open(tmp_path / "a")


MAKE_AND_PRINT = """
import sys
from pathlib import Path
from appliance.crypto.keystore import KeyStore
print(KeyStore.open_or_create(Path(sys.argv[1])).own_keys()[0])
"""


def test_processes_that_start_together_make_one_key(folder: Path) -> None:
    command = [sys.executable, "-c", MAKE_AND_PRINT, str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(3)]
    printed = {process.communicate(timeout=30)[0] for process in running}
    assert len(printed) == 1
    assert b"+" in printed.pop()


def test_the_public_keys_of_a_sealed_store_are_read_without_its_passphrase(folder: Path) -> None:
    store = KeyStore.open_or_create(folder, "plant.example/7", passphrase="correct horse")
    store.rotate()
    store.rotate()
    store.trust(Signer.generate("other.example/1").verifier)
    with pytest.raises(Denied):
        KeyStore.open(folder)
    assert len(trusted_keys(folder)) == 4
    assert trusted_keys(folder) == KeyStore.open(folder, "correct horse").trusted()


def test_public_keys_are_refused_from_a_store_that_is_missing_open_or_broken(folder: Path) -> None:
    with pytest.raises(NotFound):
        trusted_keys(folder)
    KeyStore.open_or_create(folder, "plant.example/7")
    (folder / KEY_FILE).chmod(0o644)
    with pytest.raises(Misconfigured, match="open to other users"):
        trusted_keys(folder)
    (folder / KEY_FILE).chmod(0o600)
    for broken in (b"{}", b"[]", b'{"format":"d2r-keystore/1","vkey":7,"retired":[]}', b"\xff"):
        (folder / KEY_FILE).write_bytes(broken)
        with pytest.raises(Misconfigured, match="broken"):
            trusted_keys(folder)
