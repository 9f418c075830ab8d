"""The witness: it cosigns one history, whatever the log's operator and its key do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.audit import witness as module
from appliance.audit.checkpoint import Checkpoint, sign_checkpoint
from appliance.audit.cosignature import verify_cosignatures
from appliance.audit.entry import Entry
from appliance.audit.exchange import Update, parse_update, update_from
from appliance.audit.log import FileLog
from appliance.audit.note import parse_note
from appliance.audit.verify import Finding, judge_record, verify_record
from appliance.audit.witness import Witness
from appliance.crypto.rotation import sign_rotation
from appliance.crypto.vkey import ALG_ED25519, Signer
from appliance.errors import Conflict, Misconfigured, Modified, NotFound, NotProvable

SIGNER = Signer("plant.example/7", ALG_ED25519, bytes(range(32)))
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def grown(folder: Path, count: int, mark: str = "a") -> FileLog:
    log = FileLog(folder, SIGNER, (SIGNER.verifier,))
    for _ in range(count):
        log.append(Entry("scan.judged", MOMENT, {"scan": mark * 64}))
    return log


@pytest.fixture
def log(tmp_path: Path) -> FileLog:
    return grown(tmp_path / "log", 5)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    Witness.init(tmp_path / "wit", "audit.example/w", SIGNER.verifier)
    return Witness.open(tmp_path / "wit", clock=lambda: MOMENT)


def test_a_record_is_unmodified_since_the_witness_saw_it(log: FileLog, witness: Witness) -> None:
    keys = (SIGNER.verifier, witness.signer.verifier)
    assert judge_record(None, log.proof_file(2), keys).finding is Finding.NOT_PROVABLE
    log.add_anchor(witness.cosign(log.update_since(0)), keys)
    log.append(Entry("scan.judged", MOMENT, {}))
    verdict = judge_record(None, log.refresh_proof(2, keys), keys)
    assert (verdict.finding, verdict.since) == (Finding.UNMODIFIED, MOMENT)
    assert str(verdict).startswith("UNMODIFIED SINCE 2026-03-01T12:00:00Z")
    assert verify_record(None, log.refresh_proof(5, keys), keys).anchored_since is None
    with pytest.raises(NotProvable):
        verify_record(None, log.refresh_proof(5, keys), keys, require_anchor=True)


def test_the_earliest_anchor_that_covers_an_entry_is_taken(log: FileLog, tmp_path: Path, witness: Witness) -> None:
    keys = (SIGNER.verifier, witness.signer.verifier)
    log.add_anchor(witness.cosign(log.update_since(0)), keys)
    log.append(Entry("scan.judged", MOMENT, {}))
    later = Witness.open(tmp_path / "wit", clock=lambda: MOMENT + timedelta(days=1))
    log.add_anchor(later.cosign(log.update_since(5)), keys)
    for index, since in ((4, MOMENT), (5, MOMENT + timedelta(days=1))):
        assert verify_record(None, log.refresh_proof(index, keys), keys).anchored_since == since


def test_a_witness_follows_a_growing_log(log: FileLog, witness: Witness) -> None:
    for size in (5, 6, 7):
        signed = witness.cosign(log.update_since(witness.seen().size))
        assert witness.seen().size == size
        assert verify_cosignatures(parse_note(signed), [witness.signer.verifier])[0].time == MOMENT
        log.append(Entry("scan.judged", MOMENT, {}))


def test_the_state_is_on_the_disk_before_the_signature_exists(
    log: FileLog, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "cosign", power_cut)
    with pytest.raises(KeyboardInterrupt):
        witness.cosign(log.update_since(0))
    assert witness.seen().size == 5


def test_a_log_that_shrank_is_a_rollback(log: FileLog, witness: Witness, tmp_path: Path) -> None:
    witness.cosign(log.update_since(0))
    with pytest.raises(Modified, match="ROLLBACK"):
        witness.cosign(grown(tmp_path / "old", 3).update_since(0))
    assert witness.seen().size == 5


def test_a_second_tree_of_one_size_is_a_fork_and_leaves_evidence(
    log: FileLog, witness: Witness, tmp_path: Path
) -> None:
    first = log.update_since(0)
    witness.cosign(first)
    second = grown(tmp_path / "fork", 5, "b").update_since(0)
    with pytest.raises(Modified, match="FORK"):
        witness.cosign(second)
    kept = {path.read_bytes() for path in (tmp_path / "wit" / "evidence").iterdir()}
    assert kept == {bytes(parse_update(one).note) for one in (first, second)}


def test_a_longer_log_with_another_past_is_refused(log: FileLog, witness: Witness, tmp_path: Path) -> None:
    witness.cosign(log.update_since(0))
    with pytest.raises(Modified, match="rewritten"):
        witness.cosign(grown(tmp_path / "fork", 9, "b").update_since(5))
    assert witness.seen().size == 5


def test_an_update_from_another_size_names_the_size_to_ask_for(log: FileLog, witness: Witness) -> None:
    witness.cosign(log.update_since(0))
    log.append(Entry("scan.judged", MOMENT, {}))
    with pytest.raises(Conflict, match="--since 5"):
        witness.cosign(log.update_since(3))


def test_another_log_or_another_key_is_not_cosigned(witness: Witness) -> None:
    other = Signer("plant.example/7", ALG_ED25519, bytes(32))
    strange = sign_checkpoint(Checkpoint("plant.example/7", 0, bytes(32)), other)
    with pytest.raises(NotProvable):
        witness.cosign(bytes(Update(0, (), strange)))
    misnamed = sign_checkpoint(Checkpoint("plant.example/8", 5, bytes(32)), SIGNER)
    with pytest.raises(Modified, match="another log"):
        witness.cosign(bytes(Update(0, (), misnamed)))


def test_every_changed_byte_of_an_update_is_refused(log: FileLog, witness: Witness) -> None:
    witness.cosign(log.update_since(0))
    log.append(Entry("scan.judged", MOMENT, {}))
    update = log.update_since(5)
    for position in range(len(update)):
        changed = bytearray(update)
        changed[position] ^= 1
        with pytest.raises((Modified, NotProvable, Conflict)):
            witness.cosign(bytes(changed))
    assert witness.seen().size == 5
    witness.cosign(update)


def test_a_clock_that_stepped_back_stops_the_witness(log: FileLog, witness: Witness, tmp_path: Path) -> None:
    witness.cosign(log.update_since(0))
    late = Witness.open(tmp_path / "wit", clock=lambda: MOMENT - timedelta(hours=1))
    with pytest.raises(Misconfigured, match="clock"):
        late.cosign(log.update_since(5))


def test_a_witness_without_its_state_refuses_to_begin_again(log: FileLog, witness: Witness, tmp_path: Path) -> None:
    (tmp_path / "wit" / "state.json").unlink()
    with pytest.raises(Misconfigured):
        witness.cosign(log.update_since(0))


def test_a_witness_follows_the_rotation_of_the_log_key(log: FileLog, witness: Witness, tmp_path: Path) -> None:
    witness.cosign(log.update_since(0))
    new = Signer.generate(SIGNER.name)
    rotated = FileLog(log.folder, new, (new.verifier, SIGNER.verifier))
    rotated.append(Entry("key.rotated", MOMENT, {}))
    with pytest.raises(NotProvable):
        witness.cosign(rotated.update_since(5))
    witness.follow(sign_rotation(SIGNER, new, "2026-03-01T12:00:00Z"))
    Witness.open(tmp_path / "wit", clock=lambda: MOMENT).cosign(rotated.update_since(5))


def test_a_bare_checkpoint_is_enough_at_first_sight(log: FileLog, witness: Witness) -> None:
    witness.cosign(bytes(update_from(bytes(log.checkpoint()))))
    assert witness.seen().size == 5


def test_there_is_one_witness_in_a_folder(witness: Witness, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        Witness.init(tmp_path / "wit", "audit.example/w", SIGNER.verifier)
    with pytest.raises(NotFound):
        Witness.open(tmp_path / "nowhere")


def test_the_log_keeps_no_anchor_of_a_stranger_or_of_another_history(
    log: FileLog, witness: Witness, tmp_path: Path
) -> None:
    signed = witness.cosign(log.update_since(0))
    with pytest.raises(NotProvable):
        log.add_anchor(signed, [SIGNER.verifier])
    with pytest.raises(Modified):
        grown(tmp_path / "fork", 5, "b").add_anchor(signed, [witness.signer.verifier])
