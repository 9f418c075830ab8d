"""A log that came from another appliance: what was proven stays proven, and nobody can pretend that a log did."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.audit.adoption import adopt
from appliance.audit.book import Book
from appliance.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint, verify_checkpoint
from appliance.audit.cosignature import cosign
from appliance.audit.entry import Entry, read_entry
from appliance.audit.epochs import open_epoch
from appliance.audit.eras import Era, deed
from appliance.audit.judgement import judge_log
from appliance.audit.proof import parse_proof, verify_proof
from appliance.audit.tables import Epoch
from appliance.audit.verify import Finding
from appliance.crypto.vkey import ALG_COSIGNATURE, ALG_ED25519, Signer
from appliance.errors import Modified, NotProvable
from appliance.tenancy.records import SYSTEM
from tests.audit_books import MOMENT, ORIGIN, SIGNER, open_book, open_log

THERE = Signer("elsewhere.example/2", ALG_ED25519, bytes(range(50, 82)))
CALLED = "elsewhere.example/2/ws_9"
WITNESS = Signer("auditor.example/w", ALG_COSIGNATURE, bytes(range(60, 92)))
NEXT = f"{CALLED}/epoch-2"


def fill(book: Book, count: int, mark: str = "a") -> None:
    book.log.append_many(Entry("scan.received", MOMENT, {"scan": mark * 64}, {"n": number}) for number in range(count))


def book_there(path: Path) -> Book:
    """The book of the other appliance, under its own key and name."""
    here = open_book(path)
    return Book(open_log(path, THERE, origin=CALLED), SYSTEM, here.wrap, here.unwrap)


def brought(source: Book, target: Book) -> None:
    """Copy what an archive carries of a log."""
    rows = source.rows.fetch("SELECT position, entry, leaf FROM audit_entry ORDER BY position")
    with target.rows.transaction():
        target.log.tables.add_entries([tuple(row) for row in rows])
        for table in ("audit_checkpoint", "audit_anchor", "audit_epoch"):
            found = source.rows.fetch(f"SELECT * FROM {table} ORDER BY number")
            target.rows.write(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", found)


def came_over(source: Book, target: Book, keys: Signer = SIGNER) -> int:
    brought(source, target)
    state = source.log.validate_for_export()
    return adopt(target, state, Era(source.log.first_origin, (keys.verifier,)), {"reason": "a move"}, SYSTEM)


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Book, Book]:
    """A log of 300 entries with checkpoints and an anchor; and the same on another appliance."""
    source, target = open_book(tmp_path / "a.db"), book_there(tmp_path / "b.db")
    fill(source, 270)
    note = source.log.checkpoint()
    source.log.add_anchor(bytes(note.adding(cosign(note.text, WITNESS, MOMENT))), [WITNESS.verifier])
    fill(source, 30)
    source.log.checkpoint()
    came_over(source, target)
    return source, target


def test_it_goes_on_under_a_name_of_the_new_appliance_and_verifies_whole(moved: tuple[Book, Book]) -> None:
    _, target = moved
    assert target.log.promises.origins() == [ORIGIN, NEXT]
    said = read_entry(target.log.entry(300))
    assert (said.kind, said.facts["previous"], said.facts["kept"]) == ("log.epoch", ORIGIN, 300)
    fill(target, 5)
    state = target.log.validate_for_export()
    assert (state.origin, state.size) == (NEXT, 306)
    assert target.log.validate() == state
    assert verify_checkpoint(bytes(target.log.checkpoint()), [THERE.verifier]) == state


def test_what_the_first_appliance_proved_holds_and_is_proven_here_too(moved: tuple[Book, Book]) -> None:
    source, target = moved
    then, entry = source.log.proof_file(7), source.log.entry(7)
    assert verify_proof(parse_proof(then), entry, [SIGNER.verifier]).origin == ORIGIN
    assert verify_proof(parse_proof(target.log.proof_file(7)), entry, [THERE.verifier]).origin == NEXT
    anchored = target.log.refresh_proof(7, [WITNESS.verifier])
    assert verify_proof(parse_proof(anchored), entry, [SIGNER.verifier]).size == 270
    assert target.log.require_state(bytes(source.log.checkpoint())).size == 300


def test_the_witness_of_the_first_appliance_still_counts(moved: tuple[Book, Book]) -> None:
    verdict = judge_log(moved[1].log, [WITNESS.verifier])
    assert (verdict.finding, verdict.since) == (Finding.UNMODIFIED, MOMENT)
    assert judge_log(moved[1].log, []).finding is Finding.NOT_PROVABLE


def test_a_changed_entry_of_before_is_found(moved: tuple[Book, Book]) -> None:
    _, target = moved
    target.rows.write("DROP TRIGGER audit_entry_no_update", [()])
    changed = target.log.entry(20).replace(b'"n":20', b'"n":21')
    target.rows.write("UPDATE audit_entry SET entry = ? WHERE position = 20", [(changed,)])
    with pytest.raises(Modified, match="Entry 20"):
        target.log.validate()


def test_entries_that_are_not_those_that_were_sent_are_not_adopted(tmp_path: Path) -> None:
    source, target = open_book(tmp_path / "a.db"), book_there(tmp_path / "b.db")
    fill(source, 10)
    fill(target, 10, "b")
    with pytest.raises(Modified, match="not the 10 that were sent"):
        adopt(target, source.log.validate_for_export(), Era(ORIGIN, (SIGNER.verifier,)), {}, SYSTEM)
    assert target.log.size == 10


def test_the_first_appliance_signs_nothing_that_was_written_here(moved: tuple[Book, Book]) -> None:
    _, target = moved
    fill(target, 5)
    state = target.log.validate_for_export()
    forged = sign_checkpoint(Checkpoint(ORIGIN, state.size, state.root), SIGNER)
    with pytest.raises(NotProvable, match="reaches beyond"):
        target.log.require_state(bytes(forged))
    with target.rows.transaction():
        target.log.tables.add_checkpoint(state.size, bytes(forged), "now")
    with pytest.raises(Modified, match="had less than"):
        target.log.validate_since()


def test_a_rewritten_log_cannot_pretend_to_come_from_elsewhere(tmp_path: Path) -> None:
    """Somebody who writes the database, and has a key of his own but none of this appliance."""
    book, thief = book_there(tmp_path / "b.db"), Signer.generate("thief.example")
    fill(book, 10, "c")
    tree = book.log.tables.tree(10)
    claim = deed(NEXT, 10, tree.root(), Era("thief.example/x", (thief.verifier,)))
    own = sign_checkpoint(Checkpoint("thief.example/x", 10, tree.root()), thief)
    with book.rows.transaction():
        book.log.append(Entry("log.epoch", MOMENT, {}, {"epoch": 2}))
        book.log.tables.add_epoch(Epoch(2, 10, bytes(sign_checkpoint(claim, thief)), "now"))
        book.log.tables.add_checkpoint(10, bytes(own), "now")
    for work in (book.log.validate, book.log.validate_since, book.log.checkpoint):
        with pytest.raises((Modified, NotProvable)):
            work()


def test_a_deed_over_other_entries_is_found(moved: tuple[Book, Book]) -> None:
    _, target = moved
    target.rows.write("DROP TRIGGER audit_epoch_no_update", [()])
    target.rows.write("UPDATE audit_epoch SET size = 299", [()])
    with pytest.raises(Modified, match="over other entries than came"):
        target.log.promises.eras()


def test_a_log_moves_twice_and_may_lose_its_end_in_between(moved: tuple[Book, Book], tmp_path: Path) -> None:
    _, there = moved
    open_epoch(there, "restored from a backup")
    fill(there, 3)
    there.log.checkpoint()
    back = open_book(tmp_path / "c.db", origin="plant.example/7/ws_2")
    assert came_over(there, back, THERE) == there.log.size
    names = [ORIGIN, NEXT, f"{CALLED}/epoch-3", "plant.example/7/ws_2/epoch-4"]
    assert back.log.promises.origins() == names
    state = back.log.validate_for_export()
    assert back.log.validate() == state
    assert [read_checkpoint(row.note)[0].origin for row in back.log.tables.checkpoints()] == [
        ORIGIN, ORIGIN, NEXT, f"{CALLED}/epoch-3", names[-1], names[-1],
    ]  # fmt: skip
