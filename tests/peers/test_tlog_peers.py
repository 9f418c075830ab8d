"""Other people's programs read our notes, proofs, cosignatures and envelopes: they accept ours and refuse changed ones.

Go's checksum database (``golang.org/x/mod/sumdb``), sigstore and securesystemslib were written by others, from the
same specifications; where they agree with us, an auditor does not have to trust this code.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.audit.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from appliance.audit.cosignature import cosign
from appliance.audit.tree import HashTree, leaf_hash
from appliance.core.canonical import canonical_bytes
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.vkey import ALG_COSIGNATURE, ALG_ED25519, Signer, parse_vkey
from appliance.errors import Modified, NotProvable
from tests.services import require

LOG = Signer("plant.example/7", ALG_ED25519, bytes(range(32)))
ENTRIES = [b'{"n":%d}' % number for number in range(70)]
TREE = HashTree(map(leaf_hash, ENTRIES))


@pytest.fixture(scope="session")
def go_peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program of this folder, built once."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    require("Go", go is not None, "there is no go command")
    program = tmp_path_factory.mktemp("tlog") / "tlogpeer"
    source = Path(__file__).parent / "tlog"
    built = subprocess.run([str(go), "build", "-o", str(program), "."], cwd=source, capture_output=True, text=True)
    require("golang.org/x/mod", built.returncode == 0, built.stderr.strip()[-200:])
    return program


def accepts(program: Path, *arguments: object) -> bool:
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def test_go_accepts_our_note_and_refuses_a_changed_one(go_peer: Path, tmp_path: Path) -> None:
    note = bytes(sign_checkpoint(Checkpoint(LOG.name, TREE.size, TREE.root()), LOG))
    path = tmp_path / "note"
    path.write_bytes(note)
    assert accepts(go_peer, "note", LOG.verifier, path)
    for position in range(0, len(note), 5):
        changed = note[:position] + bytes([note[position] ^ 1]) + note[position + 1 :]
        path.write_bytes(changed)
        assert not accepts(go_peer, "note", LOG.verifier, path), position


def test_go_accepts_our_inclusion_proofs_and_refuses_changed_ones(go_peer: Path) -> None:
    for size, index in [(1, 0), (2, 1), (7, 6), (8, 3), (64, 63), (65, 64), (70, 0), (70, 41), (70, 69)]:
        root, leaf, path = TREE.root(size), TREE.leaf(index), [b64(one) for one in TREE.inclusion(index, size)]
        assert accepts(go_peer, "inclusion", size, index, b64(root), b64(leaf), *path)
        assert not accepts(
            go_peer, "inclusion", size, index, b64(root), b64(TREE.leaf(index + 1 if index < 69 else 0)), *path
        )
        if path:
            assert not accepts(go_peer, "inclusion", size, index, b64(root), b64(leaf), *path[:-1])


def test_go_accepts_our_consistency_proofs_and_refuses_changed_ones(go_peer: Path) -> None:
    for new, old in [(2, 1), (7, 3), (8, 4), (8, 7), (64, 32), (65, 64), (70, 1), (70, 6), (70, 69)]:
        roots = b64(TREE.root(new)), b64(TREE.root(old))
        path = [b64(one) for one in TREE.consistency(old, new)]
        assert accepts(go_peer, "consistency", new, old, *roots, *path)
        assert not accepts(go_peer, "consistency", new, old, roots[0], b64(TREE.root(old - 1)), *path)
        assert not accepts(go_peer, "consistency", new, old, *roots, *path[:-1])


def test_go_accepts_our_cosignature_and_refuses_another_time(go_peer: Path, tmp_path: Path) -> None:
    witness = Signer("audit.example/w", ALG_COSIGNATURE, bytes(range(1, 33)))
    checkpoint, moment = Checkpoint(LOG.name, TREE.size, TREE.root()), datetime(2026, 3, 1, 12, tzinfo=UTC)
    blob = cosign(checkpoint.text, witness, moment).blob
    path = tmp_path / "checkpoint"
    path.write_text(checkpoint.text)
    key, seconds = b64(witness.verifier.public_key), int.from_bytes(blob[:8], "big")
    assert seconds == 1772366400
    assert accepts(go_peer, "cosignature", key, seconds, b64(blob[8:]), path)
    assert not accepts(go_peer, "cosignature", key, seconds + 1, b64(blob[8:]), path)


def test_sigstore_accepts_our_inclusion_proofs_and_refuses_changed_ones() -> None:
    merkle = pytest.importorskip("sigstore._internal.merkle")
    errors = pytest.importorskip("sigstore.errors")

    def entry(index: int, body: bytes) -> SimpleNamespace:
        proof = SimpleNamespace(
            log_index=index, tree_size=TREE.size, hashes=list(TREE.inclusion(index)), root_hash=TREE.root()
        )
        return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=body))

    for index in range(TREE.size):
        merkle.verify_merkle_inclusion(entry(index, ENTRIES[index]))
        with pytest.raises(errors.VerificationError):
            merkle.verify_merkle_inclusion(entry(index, ENTRIES[index] + b" "))


def test_securesystemslib_accepts_our_envelope_and_refuses_a_changed_one() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    errors = pytest.importorskip("securesystemslib.exceptions")
    label = LOG.verifier.label
    key = signer.SSlibKey(label, "ed25519", "ed25519", {"public": LOG.verifier.public_key.hex()})
    record = sign_envelope(b'{"verdict":"pass"}', "application/vnd.in-toto+json", [LOG])
    assert set(dsse.Envelope.from_dict(json.loads(record)).verify([key], 1)) == {label}
    changed = json.loads(record)
    changed["payloadType"] = "application/json"
    with pytest.raises(errors.VerificationError):
        dsse.Envelope.from_dict(changed).verify([key], 1)


def test_we_accept_the_checkpoint_of_the_go_checksum_database(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "checkpoint" / "checkpoint_vectors.json").read_text())
    for vector in vectors["signed_checkpoints"]:
        key, note = parse_vkey(vector["vkey"]), vector["note"].encode()
        assert verify_checkpoint(note, [key], vector["origin"]).size == vector["size"]
        for position in range(len(note)):
            changed = note[:position] + bytes([note[position] ^ 1]) + note[position + 1 :]
            with pytest.raises((Modified, NotProvable)):
                verify_checkpoint(changed, [key], vector["origin"])
    for vector in vectors["checkpoint_bodies"]:
        assert Checkpoint(vector["origin"], vector["size"], vector["hash_utf8"].encode()).text == vector["body"]


def test_our_canonical_json_is_that_of_the_published_vectors(shared_data: Path) -> None:
    folder = shared_data / "jcs"
    names = sorted(path.stem for path in (folder / "input").glob("*.json"))
    assert names
    for name in names:
        given = json.loads((folder / "input" / f"{name}.json").read_text("utf-8"))
        assert canonical_bytes(given) == bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())


def test_leaf_hashes_are_those_of_the_rfc() -> None:
    assert leaf_hash(b"x") == hashlib.sha256(b"\0x").digest()
