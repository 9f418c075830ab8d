"""A log that lost its end says so: witnesses then say what was lost, and nobody can hide a rewriting behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.audit.book import Book
from appliance.audit.entry import Entry, read_entry
from appliance.audit.epochs import open_epoch
from appliance.audit.judgement import judge_log
from appliance.audit.verify import Finding, judge_record
from appliance.audit.witness import Witness
from appliance.errors import Conflict, InvalidInput, Modified, NotProvable
from tests.audit_books import MOMENT, ORIGIN, SIGNER, connect, open_book

NEXT = f"{ORIGIN}/epoch-2"


def fill(book: Book, count: int, mark: str = "a") -> None:
    book.log.append_many(
        Entry("scan.received", MOMENT, {"scan": mark * 64}, {"number": number}) for number in range(count)
    )


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness.init(tmp_path / "wit", "audit.example/w", SIGNER.verifier)


@pytest.fixture
def restored(tmp_path: Path, witness: Witness) -> tuple[Book, bytes]:
    """A log of 300 entries of which a backup held 280; the witness saw 200, 270 and 300. And its last checkpoint."""
    book = open_book(tmp_path / "a.db")
    signed = b""
    for more in (200, 70, 10, 20):
        fill(book, more)
        if more == 10:
            connect(tmp_path / "a.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(tmp_path / "a.db", tmp_path / "backup.db")
        else:
            signed = witness.cosign(book.log.update_since(witness.seen(ORIGIN).size))
            book.log.add_anchor(signed, [witness.signer.verifier])
    return open_book(tmp_path / "backup.db"), signed


def test_a_log_that_goes_on_after_a_loss_as_if_nothing_was_is_a_rollback_and_then_a_fork(
    restored: tuple[Book, bytes], witness: Witness
) -> None:
    book, _ = restored
    with pytest.raises(Modified, match="ROLLBACK"):
        witness.cosign(book.log.update_since(0))
    fill(book, 20, "b")
    with pytest.raises(Modified, match="FORK"):
        witness.cosign(book.log.update_since(300))


def test_a_new_epoch_says_what_is_left_and_what_it_can_prove(restored: tuple[Book, bytes]) -> None:
    book, signed = restored
    index = open_epoch(book, "restored from the backup of 03:00", lost=signed)
    said = read_entry(book.log.entry(index))
    assert (index, said.kind, book.log.origin) == (280, "log.epoch", NEXT)
    assert {name: said.facts[name] for name in ("epoch", "kept", "previous", "base_size", "lost_size")} == {
        "epoch": 2, "kept": 280, "previous": ORIGIN, "base_size": 270, "lost_size": 300,
    }  # fmt: skip
    fill(book, 5)
    state = book.log.validate_for_export()
    assert (state.origin, state.size) == (NEXT, 286)
    assert book.log.validate() == state
    assert open_epoch(book, "once more") == 286
    assert book.log.origin == f"{ORIGIN}/epoch-3"


def test_a_witness_says_what_was_lost_and_goes_on(restored: tuple[Book, bytes], witness: Witness) -> None:
    book, signed = restored
    open_epoch(book, "restored from a backup", lost=signed)
    with pytest.raises(Conflict, match="200, 270, 300"):
        witness.cosign(book.log.update_since(280))
    anchor = witness.cosign(book.log.update_since(270))
    book.log.add_anchor(anchor, [witness.signer.verifier])
    [loss] = Witness.open(witness.folder).memory().losses
    assert (loss.origin, loss.seen, loss.kept, loss.now) == (ORIGIN, 300, 270, NEXT)
    assert str(loss).endswith("of 300 entries that this witness saw, 270 are proven to be there")
    fill(book, 3)
    witness.cosign(book.log.update_since(281))
    assert witness.seen(NEXT).size == 284
    assert len(witness.memory().losses) == 1
    trusted = [SIGNER.verifier, witness.signer.verifier]
    assert judge_record(None, book.log.refresh_proof(5), trusted).finding is Finding.UNMODIFIED


def test_what_was_seen_of_the_lost_end_is_not_provable_and_no_accusation(restored: tuple[Book, bytes]) -> None:
    book, signed = restored
    assert judge_log(book.log, [], [signed]).finding is Finding.MODIFIED
    open_epoch(book, "restored from a backup")
    verdict = judge_log(book.log, [], [signed])
    assert verdict.finding is Finding.NOT_PROVABLE
    assert "lost its end then, and says so in entry 280" in verdict.reason
    with pytest.raises(NotProvable, match="lost its end"):
        book.log.add_anchor(signed, [])


def test_a_rewritten_log_hides_nothing_behind_a_new_epoch(
    restored: tuple[Book, bytes], witness: Witness, tmp_path: Path
) -> None:
    other = open_book(tmp_path / "b.db")
    fill(other, 280, "c")
    open_epoch(other, "restored from a backup")
    for old in (200, 270):
        with pytest.raises(Modified, match="rewritten"):
            witness.cosign(other.log.update_since(old))
    witness.cosign(other.log.update_since(0))
    [loss] = witness.memory().losses
    assert (loss.seen, loss.kept) == (300, 0)


def test_an_epoch_wants_a_reason_and_a_loss(restored: tuple[Book, bytes]) -> None:
    book, _ = restored
    with pytest.raises(InvalidInput):
        open_epoch(book, " ")
    note = bytes(book.log.checkpoint())
    with pytest.raises(Conflict, match="still holds"):
        open_epoch(book, "by mistake", lost=note)
    assert book.log.origin == ORIGIN


def test_an_epoch_that_nobody_declared_is_a_finding(restored: tuple[Book, bytes]) -> None:
    book, _ = restored
    for size in (20, 280):
        book.rows.fetch("SAVEPOINT s")
        book.rows.write("INSERT INTO audit_epoch VALUES (2, ?, x'00', '')", [(size,)])
        with pytest.raises(Modified, match=r"Epoch 2|another log"):
            book.log.validate()
        book.rows.fetch("ROLLBACK TO s")
        book.rows.fetch("RELEASE s")


def test_a_witness_watches_all_logs_of_an_appliance_and_of_no_other(tmp_path: Path, witness: Witness) -> None:
    first, second = open_book(tmp_path / "a.db"), open_book(tmp_path / "b.db", origin="plant.example/7/control")
    for book, count in ((first, 3), (second, 5)):
        fill(book, count)
        witness.cosign(book.log.update_since(0))
    again = Witness.open(tmp_path / "wit")
    assert [again.seen(name).size for name in (ORIGIN, "plant.example/7/control", "plant.example/7")] == [3, 5, 0]
    for foreign in ("plant.example/70/control", "plant.example", "other/7"):
        stranger = open_book(tmp_path / f"{foreign.replace('/', '-')}.db", origin=foreign)
        fill(stranger, 1)
        update = stranger.log.update_since(0)
        with pytest.raises(Modified, match="another log"):
            witness.cosign(update)
