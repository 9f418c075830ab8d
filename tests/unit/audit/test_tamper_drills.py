"""Drills: somebody with the database file, or even the key, changes the log; each time the right one of three verdicts.

The attacker drops the triggers and edits the file directly.  What an attacker without the key can do is found by the
log itself.  What one with the key can do is found by whoever kept a checkpoint, and honestly not provable to others.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import Entry
from appliance.audit.judgement import judge_log
from appliance.audit.tree import leaf_hash
from appliance.audit.verify import Finding
from appliance.audit.witness import Witness
from appliance.crypto.vkey import Signer
from appliance.errors import InvalidInput, Modified
from tests.audit_books import MOMENT, SIGNER, connect, open_log

COUNT = 600
#: An entry in a block of 256 that is complete, and one in the last block.
INSIDE, LATE = 300, 590

Attack = Callable[[sqlite3.Connection], object]


def entry(number: int, verdict: str = "pass") -> Entry:
    return Entry("scan.judged", MOMENT, {"scan": f"{number:064x}"}, {"verdict": verdict, "number": number})


def made(path: Path, verdict: str = "pass") -> DatabaseLog:
    log = open_log(path)
    log.append_many(entry(number) for number in range(INSIDE))
    log.append(entry(INSIDE, verdict))
    log.append_many(entry(number) for number in range(INSIDE + 1, COUNT - 100))
    log.checkpoint()
    log.append_many(entry(number) for number in range(COUNT - 100, COUNT))
    log.checkpoint()
    return log


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drills") / "a.db"
    made(path)
    connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def log(template: Path, tmp_path: Path) -> DatabaseLog:
    shutil.copy(template, tmp_path / "a.db")
    return open_log(tmp_path / "a.db")


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness.init(tmp_path / "wit", "audit.example/w", SIGNER.verifier)


def attacked(path: Path, attack: Attack) -> DatabaseLog:
    """The log after somebody with the file has been there."""
    connection = connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA ignore_check_constraints=ON")
    attack(connection)
    connection.close()
    return open_log(path)


def verdict(log: DatabaseLog, *held: bytes, witnesses: Sequence[Witness] = ()) -> tuple[Finding, str]:
    found = judge_log(log, [one.signer.verifier for one in witnesses], held)
    return found.finding, found.reason


def edit(index: int, *, leaf: bool = False, after: bool = False) -> Attack:
    """Turn a verdict; with ``leaf`` its leaf hash too, with ``after`` also the chain of all later entries."""

    def attack(connection: sqlite3.Connection) -> None:
        previous = ""
        connection.execute("BEGIN")
        for position, data in connection.execute("SELECT position, entry FROM audit_entry").fetchall():
            changed = data.replace(b'"pass"', b'"fail"') if position == index else data
            if after and position > index:
                changed = re.sub(rb'"prev":"[0-9a-f]{64}"', f'"prev":"{previous}"'.encode(), changed)
            hashed = leaf_hash(changed)
            previous = hashed.hex()
            if changed != data:
                connection.execute("UPDATE audit_entry SET entry = ? WHERE position = ?", (changed, position))
                if leaf:
                    connection.execute("UPDATE audit_entry SET leaf = ? WHERE position = ?", (hashed, position))
        connection.execute("COMMIT")

    return attack


def run(*statements: str) -> Attack:
    def attack(connection: sqlite3.Connection) -> None:
        for sql in statements:
            assert connection.execute(sql).rowcount != 0, sql

    return attack


def swap(columns: str) -> Attack:
    names = columns.split(", ")
    first, second = (
        ", ".join(f"(SELECT {name} FROM kept WHERE position = {position})" for name in names) for position in (301, 300)
    )
    return run(
        "CREATE TABLE kept AS SELECT * FROM audit_entry WHERE position IN (300, 301)",
        f"UPDATE audit_entry SET ({columns}) = ({first}) WHERE position = 300",
        f"UPDATE audit_entry SET ({columns}) = ({second}) WHERE position = 301",
    )


DRILLS: dict[str, tuple[Attack, str]] = {
    "edit": (edit(INSIDE), f"Entry {INSIDE} .*differs"),
    "edit late": (edit(LATE), f"Entry {LATE} .*differs"),
    "edit with its hash": (edit(INSIDE, leaf=True), f"Entry {INSIDE + 1} .*does not follow"),
    "edit the last with its hash": (edit(COUNT - 1, leaf=True), "not those that the log signed"),
    "edit and chain anew": (edit(INSIDE, leaf=True, after=True), "first 500 entries are not those that the log signed"),
    "edit early and chain anew": (edit(100, leaf=True, after=True), "stored hash"),
    "edit late and chain anew": (edit(LATE, leaf=True, after=True), "not those that the log signed"),
    "delete one": (run(f"DELETE FROM audit_entry WHERE position = {INSIDE}"), f"Entry {INSIDE} .*missing"),
    "delete the first": (run("DELETE FROM audit_entry WHERE position = 0"), "Entry 0 .*missing"),
    "delete and close up": (
        run(
            f"DELETE FROM audit_entry WHERE position = {INSIDE}",
            f"UPDATE audit_entry SET position = -position WHERE position > {INSIDE}",
            f"UPDATE audit_entry SET position = -position - 1 WHERE position < -{INSIDE}",
        ),
        "holds 599 entries, but it signed a state with 600",
    ),
    "insert one": (
        run(
            f"UPDATE audit_entry SET position = -position WHERE position >= {INSIDE}",
            f"UPDATE audit_entry SET position = 1 - position WHERE position <= -{INSIDE}",
            f"INSERT INTO audit_entry SELECT {INSIDE}, entry, leaf FROM audit_entry WHERE position = 1",
        ),
        f"Entry {INSIDE} .*does not follow",
    ),
    "swap two": (swap("entry, leaf"), "Entry 300 .*does not follow"),
    "swap two and leave their hashes": (swap("entry"), "Entry 300 .*differs"),
    "cut the tail": (run("DELETE FROM audit_entry WHERE position > 580"), "holds 581 entries, but it signed"),
    "cut the tail and the last checkpoint": (
        run("DELETE FROM audit_entry WHERE position >= 505", "DELETE FROM audit_checkpoint WHERE size > 505"),
        "hashes over 512",
    ),
    "empty the log": (run("DELETE FROM audit_entry"), "holds 0 entries, but it signed"),
    "change a stored hash": (run("UPDATE audit_node SET hash = zeroblob(32) WHERE position = 1"), "stored hash"),
    "drop a stored hash": (run("DELETE FROM audit_node WHERE position = 1"), "lacks the hash"),
    "change a checkpoint's size": (run("UPDATE audit_checkpoint SET size = 499 WHERE number = 0"), "filed under"),
    "forge a checkpoint": (
        run("UPDATE audit_checkpoint SET size = 501, note = CAST(replace(CAST(note AS TEXT), "
            "char(10) || '500' || char(10), char(10) || '501' || char(10)) AS BLOB) WHERE number = 0"),
        "differs from what",
    ),
    "write text for bytes": (run("UPDATE audit_entry SET entry = CAST(entry AS TEXT) WHERE position = 7"), "Entry 7 "),
    "write text for a note": (run("UPDATE audit_checkpoint SET note = CAST(note AS TEXT)"), "does not hold the bytes"),
    "write text for a number": (run("UPDATE audit_checkpoint SET size = 'many'"), "does not hold the number"),
    "claim a loss": (run("INSERT INTO audit_epoch VALUES (2, 400, x'00', '')"), "another log|not declared"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRILLS)
def test_whoever_lacks_the_key_is_found_by_the_log_itself(log: DatabaseLog, tmp_path: Path, name: str) -> None:
    attack, message = DRILLS[name]
    finding, reason = verdict(attacked(tmp_path / "a.db", attack))
    assert finding is Finding.MODIFIED
    assert re.search(message, reason), reason


@pytest.mark.parametrize("name", [name for name in DRILLS if name not in {"change a stored hash", "edit"}])
def test_a_log_that_was_changed_since_its_checkpoint_signs_nothing(log: DatabaseLog, tmp_path: Path, name: str) -> None:
    """What lies before the last checkpoint is left to the whole validation and to proofs; see the next test."""
    last = bytes(log.checkpoint())
    changed = attacked(tmp_path / "a.db", DRILLS[name][0])
    try:
        note = changed.checkpoint()
    except Modified:
        return
    assert bytes(note) == last, "only the state that was signed before"


def test_a_changed_entry_is_never_proven(log: DatabaseLog, tmp_path: Path) -> None:
    changed = attacked(tmp_path / "a.db", edit(INSIDE))
    assert changed.validate_since().size == COUNT
    for ask in (changed.proof_file, changed.refresh_proof, lambda index: changed.proof_at(index, 500)):
        with pytest.raises(Modified, match=f"Entry {INSIDE} "):
            ask(INSIDE)
    assert changed.proof_file(INSIDE + 1)


def test_a_log_that_nobody_touched_is_unmodified_since_a_witness_saw_it(log: DatabaseLog, witness: Witness) -> None:
    [anchor] = log.add_anchor(witness.cosign(log.update_since(0)), [witness.signer.verifier])
    log.append(entry(COUNT))
    found = judge_log(log, [witness.signer.verifier])
    assert (found.finding, found.since) == (Finding.UNMODIFIED, anchor.time)
    assert "600 of 601 entries" in found.reason
    assert "1 later ones are not provable yet" in found.reason


def test_a_log_that_nobody_outside_saw_is_not_provable(log: DatabaseLog, witness: Witness) -> None:
    assert verdict(log)[0] is Finding.NOT_PROVABLE
    log.add_anchor(witness.cosign(log.update_since(0)), [witness.signer.verifier])
    assert verdict(log)[0] is Finding.NOT_PROVABLE, "a witness that this auditor does not trust"


def test_a_checkpoint_on_paper_is_an_anchor_too(log: DatabaseLog) -> None:
    printed = bytes(log.checkpoint())
    log.append(entry(COUNT))
    assert verdict(log, printed) == (
        Finding.UNMODIFIED,
        "600 of 601 entries, as seen by whoever holds the checkpoint; 1 later ones are not provable yet.",
    )


def test_a_held_checkpoint_that_is_damaged_or_of_another_log_says_nothing_about_the_log(
    log: DatabaseLog, tmp_path: Path
) -> None:
    printed = bytes(log.checkpoint())
    other = open_log(tmp_path / "b.db", origin="plant.example/7/ws_2")
    other.append(entry(0))
    for held in (printed.replace(b"600", b"601"), printed[:-9], b"", bytes(other.checkpoint())):
        with pytest.raises(InvalidInput, match="cannot be used"):
            judge_log(log, [], [held])
    stranger = open_log(tmp_path / "c.db", Signer.generate(SIGNER.name))
    stranger.append(entry(0))
    assert verdict(log, bytes(stranger.checkpoint()))[0] is Finding.NOT_PROVABLE


def rewritten(path: Path) -> DatabaseLog:
    """All of history written anew with the right key: one verdict turned, everything signed."""
    return made(path, "fail")


def test_history_rewritten_with_the_right_key_is_not_provable_from_inside(tmp_path: Path) -> None:
    finding, reason = verdict(rewritten(tmp_path / "b.db"))
    assert (finding, "no trusted witness" in reason) == (Finding.NOT_PROVABLE, True)


def test_history_rewritten_with_the_right_key_is_found_by_a_held_checkpoint(log: DatabaseLog, tmp_path: Path) -> None:
    held = bytes(log.checkpoint())
    finding, reason = verdict(rewritten(tmp_path / "b.db"), held)
    assert finding is Finding.MODIFIED
    assert "first 600 entries are not those" in reason


def test_history_rewritten_with_the_right_key_is_found_by_a_witness(
    log: DatabaseLog, witness: Witness, tmp_path: Path
) -> None:
    signed = witness.cosign(log.update_since(0))
    other = rewritten(tmp_path / "b.db")
    assert verdict(other, signed, witnesses=(witness,))[0] is Finding.MODIFIED
    with pytest.raises(Modified, match="FORK"):
        witness.cosign(other.update_since(COUNT))
    other.append(entry(COUNT))
    with pytest.raises(Modified, match="rewritten"):
        witness.cosign(other.update_since(COUNT))
    with pytest.raises(Modified, match="not those"):
        other.add_anchor(signed, [witness.signer.verifier])


def test_a_tail_cut_with_all_traces_of_it_is_found_by_a_witness_and_by_nobody_inside(
    log: DatabaseLog, witness: Witness, tmp_path: Path
) -> None:
    signed = witness.cosign(log.update_since(0))
    cut = run("DELETE FROM audit_entry WHERE position >= 520", "DELETE FROM audit_checkpoint WHERE size > 520")
    shorter = attacked(tmp_path / "a.db", cut)
    assert verdict(shorter)[0] is Finding.NOT_PROVABLE
    assert verdict(shorter, signed) == (
        Finding.MODIFIED,
        "The log holds 520 entries, but it signed a state with 600.",
    )
    with pytest.raises(Modified, match="ROLLBACK"):
        witness.cosign(shorter.update_since(0))


def test_a_file_that_is_damaged_is_modified(log: DatabaseLog, tmp_path: Path) -> None:
    connect(tmp_path / "a.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray((tmp_path / "a.db").read_bytes())
    at = data.index(b'"number":450')
    data[at - 4096 : at + 4096] = bytes(8192)
    (tmp_path / "b.db").write_bytes(data)
    assert verdict(open_log(tmp_path / "b.db"))[0] is Finding.MODIFIED


def test_every_bit_of_an_entry_counts(log: DatabaseLog, tmp_path: Path) -> None:
    data = log.entry(LATE)
    for position in range(0, len(data), 7):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        one = attacked(
            tmp_path / "a.db",
            lambda connection, changed=changed: connection.execute(  # type: ignore[misc]
                "UPDATE audit_entry SET entry = ? WHERE position = ?", (changed, LATE)
            ),
        )
        assert verdict(one)[1].startswith(f"Entry {LATE} ")
