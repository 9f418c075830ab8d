"""Other people's programs read what the log in a database hands out: notes, and proofs from stored hashes."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import Entry
from appliance.audit.epochs import open_epoch
from appliance.audit.exchange import parse_update
from appliance.audit.proof import parse_proof
from appliance.audit.tree import leaf_hash
from tests.audit_books import SIGNER, open_book
from tests.services import require

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = 700


@pytest.fixture(scope="module")
def go_peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program of this folder, built once."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
    require("Go", go is not None, "there is no go command")
    program = tmp_path_factory.mktemp("tlog") / "tlogpeer"
    source = Path(__file__).parent / "tlog"
    built = subprocess.run([str(go), "build", "-o", str(program), "."], cwd=source, capture_output=True, text=True)
    require("golang.org/x/mod", built.returncode == 0, built.stderr.strip()[-200:])
    return program


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> DatabaseLog:
    """A log in its second epoch, with complete and incomplete blocks of 256 entries."""
    book = open_book(tmp_path_factory.mktemp("peers") / "a.db")
    book.log.append_many(Entry("scan.judged", MOMENT, {"scan": f"{n:064x}"}, {"n": n}) for n in range(SIZE - 1))
    open_epoch(book, "restored from a backup")
    return book.log


def accepts(program: Path, *arguments: object) -> bool:
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def test_go_accepts_the_checkpoint_of_a_workspace_under_the_key_of_its_appliance(
    go_peer: Path, log: DatabaseLog, tmp_path: Path
) -> None:
    note, path = bytes(log.checkpoint()), tmp_path / "note"
    assert note.startswith(b"plant.example/7/ws_1/epoch-2\n700\n")
    path.write_bytes(note)
    assert accepts(go_peer, "note", SIGNER.verifier, path)
    # The last character of a signature holds bits that stand for nothing: Go reads it loosely.
    for position in range(0, len(note) - 4, 9):
        path.write_bytes(note[:position] + bytes([note[position] ^ 1]) + note[position + 1 :])
        assert not accepts(go_peer, "note", SIGNER.verifier, path), position


def test_go_accepts_our_stored_inclusion_proofs_and_refuses_changed_ones(go_peer: Path, log: DatabaseLog) -> None:
    for index in (0, 255, 256, 511, 512, 698, 699):
        proof = parse_proof(log.proof_file(index))
        root, leaf, path = b64(proof.checkpoint.root), b64(leaf_hash(proof.extra)), [b64(one) for one in proof.path]
        assert accepts(go_peer, "inclusion", SIZE, index, root, leaf, *path)
        assert not accepts(go_peer, "inclusion", SIZE, index, root, b64(leaf_hash(proof.extra + b" ")), *path)
        assert not accepts(go_peer, "inclusion", SIZE, index, root, leaf, *path[:-1])


def test_go_accepts_our_stored_consistency_proofs_and_refuses_changed_ones(go_peer: Path, log: DatabaseLog) -> None:
    new = log.checkpoint()
    root = new.text.split("\n")[2]
    for old in (1, 255, 256, 257, 600, 699):
        path = [b64(one) for one in parse_update(log.update_since(old)).path]
        before = parse_proof(log.proof_at(0, old)).checkpoint.root
        assert accepts(go_peer, "consistency", SIZE, old, root, b64(before), *path)
        assert not accepts(go_peer, "consistency", SIZE, old, root, b64(leaf_hash(b"")), *path)
        assert not accepts(go_peer, "consistency", SIZE, old, root, b64(before), *path[:-1])


def test_sigstore_accepts_our_stored_inclusion_proofs_and_refuses_changed_ones(log: DatabaseLog) -> None:
    merkle = pytest.importorskip("sigstore._internal.merkle")
    errors = pytest.importorskip("sigstore.errors")
    root = log.validate().root

    def entry(index: int, body: bytes) -> SimpleNamespace:
        path = list(log.inclusion(index))
        proof = SimpleNamespace(log_index=index, tree_size=SIZE, hashes=path, root_hash=root)
        return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=body))

    for index in (0, 1, 254, 255, 256, 512, 640, 699):
        merkle.verify_merkle_inclusion(entry(index, log.entry(index)))
        with pytest.raises(errors.VerificationError):
            merkle.verify_merkle_inclusion(entry(index, log.entry(index) + b" "))
