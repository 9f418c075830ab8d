"""The log in a database: joined to its caller's transaction, only ever growing, and provable from stored hashes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import NO_PREVIOUS, Entry, read_entry
from appliance.audit.interface import Log
from appliance.audit.log import FileLog
from appliance.audit.note import parse_note
from appliance.audit.proof import parse_proof, verify_proof
from appliance.audit.rows import FileRows
from appliance.audit.tiles import tiles_of, unbundle_entries
from appliance.audit.tree import leaf_hash, root_of, verify_consistency
from appliance.audit.verify import Finding, judge_record
from appliance.audit.witness import Witness
from appliance.crypto.vkey import Signer
from appliance.errors import InvalidInput, Modified, NotFound, NotProvable
from tests.audit_books import MOMENT, ORIGIN, SIGNER, connect, open_log

ROOT = Path(__file__).resolve().parents[3]


def entry(number: int = 0, at: int = 0) -> Entry:
    moment = MOMENT + timedelta(seconds=at)
    return Entry("scan.judged", moment, {"scan": f"{number:064x}"}, {"verdict": "pass", "number": number})


def filled(path: Path, count: int) -> DatabaseLog:
    log = open_log(path)
    assert log.append_many(entry(number) for number in range(count)) == range(count)
    return log


@pytest.fixture
def log(tmp_path: Path) -> DatabaseLog:
    return filled(tmp_path / "a.db", 5)


def test_both_logs_have_the_same_verbs(tmp_path: Path) -> None:
    logs: list[Log] = [open_log(tmp_path / "a.db"), FileLog(tmp_path / "log", SIGNER, (SIGNER.verifier,))]
    for one in logs:
        index = one.append(entry())
        assert verify_proof(parse_proof(one.proof_file(index)), one.entry(index), [SIGNER.verifier]).size == 1
    assert [one.origin for one in logs] == [ORIGIN, SIGNER.name]


def test_entries_form_a_chain_and_a_tree(log: DatabaseLog) -> None:
    entries = [log.entry(index) for index in range(5)]
    previous = NO_PREVIOUS
    for number, data in enumerate(entries):
        read = read_entry(data)
        assert (read.kind, read.facts["number"], read.prev) == ("scan.judged", number, previous)
        previous = leaf_hash(data).hex()
    state = log.validate()
    assert (state.origin, state.size, state.root) == (ORIGIN, 5, root_of([leaf_hash(one) for one in entries]))


def test_an_entry_that_looks_like_two_is_read_as_the_one_that_it_is(log: DatabaseLog, tmp_path: Path) -> None:
    other = FileLog(tmp_path / "log", SIGNER, (SIGNER.verifier,))
    inner = {"prev": "e" * 64, "subjects": {}, "time": "2026-03-01T12:00:00Z"}
    for one in (log, other):
        for name in ("a{b}", "prev", '","prev":"'):
            one.append(Entry("scan.judged", MOMENT, {name: "d" * 64}, {"z": inner}, {"prev": "f" * 64}))
    assert (log.validate().size, other.validate().size) == (8, 3)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 1000])
def test_the_root_from_stored_hashes_is_that_of_the_leaves(tmp_path: Path, size: int) -> None:
    log = filled(tmp_path / "a.db", size)
    leaves = [leaf_hash(log.entry(index)) for index in range(size)]
    assert log.validate().root == log.validate_since().root == root_of(leaves)
    for index in {0, size // 2, size - 1}:
        assert verify_proof(parse_proof(log.proof_file(index)), log.entry(index), [SIGNER.verifier]).size == size
    for old in {0, 1, size // 2, size}:
        root = root_of(leaves[:old])
        verify_consistency(old, size, root, root_of(leaves), log.consistency(old))


@pytest.mark.parametrize("joined", [600, 7])
def test_appending_one_by_one_or_at_once_makes_the_same_log(tmp_path: Path, joined: int) -> None:
    one_by_one = open_log(tmp_path / "b.db")
    for start in range(0, 600, joined):
        with one_by_one.tables.rows.transaction():
            assert [one_by_one.append(entry(number)) for number in range(start, min(start + joined, 600))]
    assert one_by_one.validate() == filled(tmp_path / "a.db", 600).validate()


def test_a_tree_of_two_levels_of_stored_hashes_is_proven(tmp_path: Path) -> None:
    """65,536 entries complete a hash over 256 hashes; the entries are written as text, for the sake of time."""
    log, rows, previous = open_log(tmp_path / "a.db"), [], NO_PREVIOUS
    form = '{"facts":{},"kind":"a.b","personal":{},"prev":"%s","subjects":{},"time":"2026-03-01T12:00:00Z"}'
    for index in range(65_536 + 300):
        data = (form % previous).encode()
        leaf = leaf_hash(data)
        rows.append((index, data, leaf))
        previous = leaf.hex()
    with log.tables.rows.transaction():
        log.tables.add_entries(rows)
    assert log.tables.node_count(1) == 257
    assert log.tables.node_count(2) == 1
    leaves = [leaf for _, _, leaf in log.tables.entries(0, log.size)]
    assert log.validate().root == root_of(leaves)
    for index in (0, 65_535, 65_536, 65_835):
        verify_proof(parse_proof(log.proof_file(index)), log.entry(index), [SIGNER.verifier])


def test_an_append_is_durable_with_its_callers_transaction_or_not_at_all(log: DatabaseLog) -> None:
    def fail() -> None:
        with log.tables.rows.transaction():
            assert log.append(entry(5)) == 5
            assert log.size == 6
            raise InvalidInput("test", "The caller changes its mind.")

    with pytest.raises(InvalidInput):
        fail()
    assert log.size == 5
    assert log.append(entry(6)) == 5
    assert log.validate().size == 6


def test_nothing_is_signed_inside_an_open_transaction(log: DatabaseLog, tmp_path: Path) -> None:
    with log.tables.rows.transaction():
        log.append(entry(5))
        asks = (log.checkpoint, log.validate_for_export, lambda: log.proof_file(0), lambda: log.update_since(0))
        for ask in (*asks, lambda: log.publish(tmp_path / "tiles")):
            with pytest.raises(RuntimeError, match="committed"):
                ask()
    assert log.checkpoint().text.split("\n")[1] == "6"


def test_a_state_is_signed_once_and_can_be_proven_against_later(log: DatabaseLog) -> None:
    printed = log.checkpoint()
    assert bytes(log.checkpoint()) == bytes(printed)
    assert len(log.tables.checkpoints()) == 1
    log.append(entry(5))
    assert log.validate_for_export().size == 6
    assert bytes(parse_proof(log.proof_at(2, 5)).note) == bytes(printed)
    assert parse_proof(log.proof_at(1, 4)).checkpoint.size == 4
    for index, size in ((5, 5), (0, 7), (-1, 5)):
        with pytest.raises(NotFound):
            log.proof_at(index, size)


def test_there_is_no_entry_beyond_the_end(log: DatabaseLog) -> None:
    for ask in (log.entry, log.proof_file, log.inclusion, log.refresh_proof):
        with pytest.raises(NotFound):
            ask(5)
    for size in (6, -1):
        with pytest.raises(NotFound):
            log.consistency(size)
        with pytest.raises(NotFound):
            log.update_since(size)


def test_a_time_before_that_of_the_last_entry_becomes_that_of_the_last_entry(log: DatabaseLog) -> None:
    log.append(entry(5, at=60))
    log.append(entry(6, at=30))
    log.append_many([entry(7, at=90), entry(8, at=89)])
    times = [read_entry(log.entry(index)).time[-6:] for index in range(5, 9)]
    assert times == ["01:00Z", "01:00Z", "01:30Z", "01:30Z"]


ATTEMPTS = [
    "UPDATE audit_entry SET entry = x'7b7d' WHERE position = 2",
    "UPDATE OR REPLACE audit_entry SET position = 1 WHERE position = 2",
    "DELETE FROM audit_entry WHERE position = 4",
    "DELETE FROM audit_entry",
    "INSERT INTO audit_entry VALUES (7, x'7b7d', zeroblob(32))",
    "INSERT INTO audit_entry VALUES (2, x'7b7d', zeroblob(32))",
    "INSERT INTO audit_entry VALUES (NULL, x'7b7d', zeroblob(32))",
    "REPLACE INTO audit_entry VALUES (2, x'7b7d', zeroblob(32))",
    "REPLACE INTO audit_entry VALUES (4, x'7b7d', zeroblob(32))",
    "INSERT OR IGNORE INTO audit_entry VALUES (6, x'7b7d', zeroblob(32))",
    "INSERT INTO audit_entry VALUES (4, x'7b7d', zeroblob(32)) ON CONFLICT DO UPDATE SET leaf = excluded.leaf",
    "INSERT INTO audit_entry VALUES (5, x'7b7d', x'00')",
    "UPDATE audit_checkpoint SET size = 1",
    "DELETE FROM audit_checkpoint",
    "REPLACE INTO audit_checkpoint VALUES (0, 1, x'00', '')",
    "INSERT INTO audit_checkpoint VALUES (9, 1, x'00', '')",
    "UPDATE audit_node SET hash = zeroblob(32)",
    "DELETE FROM audit_node",
    "INSERT INTO audit_node VALUES (1, 0, zeroblob(32))",
    "INSERT INTO audit_node VALUES (1, 5, zeroblob(32))",
    "INSERT INTO audit_anchor VALUES (1, 1, x'00', '')",
    "INSERT INTO audit_epoch VALUES (1, 1, x'00', '')",
]


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize("sql", ATTEMPTS)
def test_the_tables_refuse_every_change_but_growth(tmp_path: Path, sql: str, recursive: str) -> None:
    log = filled(tmp_path / "a.db", 260)
    log.checkpoint()
    before = log.validate()
    connection = connect(tmp_path / "a.db")
    connection.execute(f"PRAGMA recursive_triggers={recursive}")
    sql = sql.replace("(7,", "(262,").replace("(5,", "(260,").replace("(6,", "(261,")
    changed = connection.total_changes
    try:
        connection.execute(sql)
    except sqlite3.IntegrityError:
        pass
    else:
        assert connection.total_changes == changed, sql
    assert log.validate() == before


def test_the_tables_still_take_the_next_row_after_all_attempts(log: DatabaseLog) -> None:
    for sql in ATTEMPTS:
        with suppress(sqlite3.IntegrityError):  # statements that find nothing to change, or ignore, do not fail
            log.tables.rows.write(sql, [()])
    assert log.append(entry(5)) == 5


def test_entries_that_another_process_appended_are_seen_at_once(log: DatabaseLog, tmp_path: Path) -> None:
    first = log.checkpoint()
    other = open_log(tmp_path / "a.db")
    other.append_many(entry(number) for number in range(5, 300))
    assert log.size == 300
    assert log.append(entry(300)) == 300
    assert log.validate() == other.validate()
    assert parse_note(bytes(first)).text != log.checkpoint().text


SCRIPT = """
import sys
from pathlib import Path
from tests.audit_books import open_log
from tests.unit.audit.test_database_log import entry
log = open_log(Path(sys.argv[1]))
log.tables.rows._connection.execute("PRAGMA busy_timeout=120000")
for number in range(int(sys.argv[2])):
    log.append(entry(number))
"""


def test_processes_that_append_at_the_same_time_share_one_chain(log: DatabaseLog, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.db"), "60"]
    running = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(3)]
    assert [one.wait(240) for one in running] == [0, 0, 0]
    assert log.validate().size == 5 + 3 * 60


def test_old_checkpoints_stay_verifiable_after_a_rotation_of_the_key(log: DatabaseLog, tmp_path: Path) -> None:
    printed = log.checkpoint()
    new = Signer.generate(SIGNER.name)
    rotated = open_log(tmp_path / "a.db", new, SIGNER)
    rotated.append(entry(5))
    assert rotated.validate().size == 6
    assert bytes(parse_proof(rotated.proof_at(0, 5)).note) == bytes(printed)
    verify_proof(parse_proof(rotated.proof_file(5)), rotated.entry(5), [new.verifier])
    with pytest.raises(NotProvable):
        open_log(tmp_path / "a.db", new).validate()


def test_the_same_state_is_signed_again_by_a_new_key(log: DatabaseLog, tmp_path: Path) -> None:
    log.checkpoint()
    new = Signer.generate(SIGNER.name)
    rotated = open_log(tmp_path / "a.db", new, SIGNER)
    assert verify_proof(parse_proof(rotated.proof_file(0)), rotated.entry(0), [new.verifier]).size == 5
    assert rotated.validate().size == 5


def test_a_checkpoint_of_another_log_of_the_same_key_is_refused(tmp_path: Path) -> None:
    other = open_log(tmp_path / "b.db", origin="plant.example/7/ws_2")
    other.append(entry())
    log = filled(tmp_path / "a.db", 5)
    log.tables.add_checkpoint(1, bytes(other.checkpoint()), "2026-03-01T12:00:00Z")
    with pytest.raises(Modified, match="another log"):
        log.validate()
    log.append(entry(5))
    with pytest.raises(Modified, match="another log"):
        log.checkpoint()


def test_a_record_is_unmodified_since_a_witness_saw_it(log: DatabaseLog, tmp_path: Path) -> None:
    witness = Witness.init(tmp_path / "wit", "audit.example/w", SIGNER.verifier)
    signed = witness.cosign(log.update_since(0))
    [found] = log.add_anchor(signed, [witness.signer.verifier])
    log.append_many(entry(number) for number in range(5, 9))
    assert log.anchored_sizes() == (5,)
    proof = log.refresh_proof(2, [witness.signer.verifier])
    verdict = judge_record(None, proof, [SIGNER.verifier, witness.signer.verifier])
    assert (verdict.finding, verdict.since) == (Finding.UNMODIFIED, found.time)
    assert judge_record(None, log.refresh_proof(7), [SIGNER.verifier]).finding is Finding.NOT_PROVABLE


def test_cosignatures_of_one_state_add_up(log: DatabaseLog, tmp_path: Path) -> None:
    update = log.update_since(0)
    witnesses = [Witness.init(tmp_path / name, f"audit.example/{name}", SIGNER.verifier) for name in ("v", "w")]
    for one in witnesses:
        log.add_anchor(one.cosign(update), [one.signer.verifier])
    [(state, note)] = log.promises.anchors()
    assert (state.size, len(note.signatures)) == (5, 3)


def test_published_tiles_hold_the_leaf_hashes_and_entries(tmp_path: Path) -> None:
    log = filled(tmp_path / "a.db", 600)
    state = log.publish(tmp_path / "site")
    assert state.size == 600
    bundles = [(tmp_path / "site" / tile.path).read_bytes() for tile in tiles_of(600) if tile.level is None]
    entries = [one for bundle in bundles for one in unbundle_entries(bundle)]
    assert entries == [log.entry(index) for index in range(600)]
    leaves = b"".join((tmp_path / "site" / tile.path).read_bytes() for tile in tiles_of(600) if tile.level == 0)
    assert leaves == b"".join(map(leaf_hash, entries))
    upper = (tmp_path / "site" / "tile" / "1" / "000.p" / "2").read_bytes()
    assert upper == root_of([leaf_hash(one) for one in entries[:256]]) + root_of(
        [leaf_hash(one) for one in entries[256:512]]
    )


def test_a_reader_beside_the_writer_sees_the_log_of_a_running_appliance(log: DatabaseLog, tmp_path: Path) -> None:
    with FileRows.reading(tmp_path / "a.db") as rows:
        beside = DatabaseLog(rows, ORIGIN, SIGNER, (SIGNER.verifier,))
        assert beside.validate().size == 5
        log.append(entry(5))
        assert beside.validate().size == 6
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            beside.append(entry(6))
