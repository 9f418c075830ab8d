"""The file log: durable, chained, and honest about what a crash can leave and what it cannot."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.audit.entry import ENTRY_LIMIT_BYTES, NO_PREVIOUS, Entry, read_entry
from appliance.audit.log import FileLog
from appliance.audit.proof import parse_proof, verify_proof
from appliance.audit.tree import leaf_hash, root_of
from appliance.crypto.vkey import ALG_ED25519, Signer
from appliance.errors import InvalidInput, Modified, NotFound

ROOT = Path(__file__).resolve().parents[3]
SIGNER = Signer("plant.example/7", ALG_ED25519, bytes(range(32)))
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(number: int = 0) -> Entry:
    return Entry("scan.judged", MOMENT, {"scan": f"{number:064x}"}, {"verdict": "pass", "number": number})


def opened(folder: Path) -> FileLog:
    return FileLog(folder, SIGNER, (SIGNER.verifier,))


@pytest.fixture
def log(tmp_path: Path) -> FileLog:
    made = opened(tmp_path / "log")
    for number in range(5):
        assert made.append(entry(number)) == number
    return made


def test_entries_form_a_chain_and_a_tree(log: FileLog) -> None:
    entries = [log.entry(index) for index in range(5)]
    previous = NO_PREVIOUS
    for number, data in enumerate(entries):
        read = read_entry(data)
        assert (read.kind, read.facts["number"], read.prev) == ("scan.judged", number, previous)
        previous = leaf_hash(data).hex()
    state = log.validate()
    assert (state.size, state.root) == (5, root_of([leaf_hash(one) for one in entries]))


def test_every_entry_is_provable_and_no_other_entry_is(log: FileLog) -> None:
    for index in range(5):
        proof = parse_proof(log.proof_file(index))
        assert verify_proof(proof, log.entry(index), [SIGNER.verifier]).size == 5
        with pytest.raises(Modified):
            verify_proof(proof, log.entry((index + 1) % 5), [SIGNER.verifier])


def test_a_state_signed_earlier_can_be_proven_against_later(log: FileLog) -> None:
    printed = log.checkpoint()
    log.append(entry(5))
    assert bytes(parse_proof(log.proof_at(2, 5)).note) == bytes(printed)
    with pytest.raises(NotFound):
        log.proof_at(5, 5)


def test_there_is_no_entry_beyond_the_end(log: FileLog) -> None:
    for ask in (log.entry, log.proof_file, log.inclusion, log.refresh_proof):
        with pytest.raises(NotFound):
            ask(5)
    with pytest.raises(NotFound):
        log.consistency(6)
    with pytest.raises(NotFound):
        log.update_since(6)


@pytest.mark.parametrize("target", range(5))
def test_a_changed_entry_is_named(log: FileLog, target: int) -> None:
    path = log.folder / "entries.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[target] = lines[target].replace(b"pass", b"fail")
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(Modified, match=f"Entry {target} "):
        opened(log.folder).validate()


def test_a_rewritten_log_contradicts_the_checkpoint_that_it_signed(log: FileLog, tmp_path: Path) -> None:
    signed = bytes(log.checkpoint())
    other = opened(tmp_path / "other")
    for number in range(5):
        other.append(entry(number + 10))
    (other.folder / "checkpoint").write_bytes(signed)
    with pytest.raises(Modified, match="not those that the log signed"):
        other.validate()


def test_a_shortened_log_contradicts_the_checkpoint_that_it_signed(log: FileLog) -> None:
    log.checkpoint()
    lines, index = log.folder / "entries.jsonl", log.folder / "index"
    lines.write_bytes(b"\n".join(lines.read_bytes().split(b"\n")[:4]) + b"\n")
    index.write_bytes(index.read_bytes()[: 4 * 40])
    with pytest.raises(Modified, match="holds 4 entries"):
        opened(log.folder).validate()


def test_a_swapped_pair_of_entries_is_found(log: FileLog) -> None:
    path = log.folder / "entries.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1], lines[2] = lines[2], lines[1]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(Modified, match="Entry 1 "):
        opened(log.folder).validate()


def test_a_crash_at_any_byte_of_an_append_loses_nothing_that_was_acknowledged(log: FileLog, tmp_path: Path) -> None:
    before = {name: (log.folder / name).read_bytes() for name in ("entries.jsonl", "index")}
    log.append(entry(5))
    after = {name: (log.folder / name).read_bytes() for name in ("entries.jsonl", "index")}
    line, record = (len(after[name]) - len(before[name]) for name in ("entries.jsonl", "index"))
    torn = [(cut, 0) for cut in range(line + 1)] + [(line, cut) for cut in range(record + 1)]
    for number, (in_line, in_record) in enumerate(torn):
        folder = tmp_path / f"crash{number}"
        folder.mkdir()
        (folder / "entries.jsonl").write_bytes(after["entries.jsonl"][: len(before["entries.jsonl"]) + in_line])
        (folder / "index").write_bytes(after["index"][: len(before["index"]) + in_record])
        crashed = opened(folder)
        assert crashed.size == (6 if in_line == line else 5)
        assert crashed.append(entry(7)) == crashed.size - 1
        assert crashed.validate().size == crashed.size
        shutil.rmtree(folder)


def test_an_index_record_that_was_allocated_but_not_written_is_dropped(log: FileLog) -> None:
    with (log.folder / "index").open("ab") as file:
        file.write(bytes(40))
    assert opened(log.folder).validate().size == 5


def test_a_cut_at_any_byte_of_acknowledged_entries_is_modified(log: FileLog) -> None:
    path = log.folder / "entries.jsonl"
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(Modified):
            opened(log.folder).validate()


APPEND_FOREVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from appliance.audit.entry import Entry
from appliance.audit.log import FileLog
from appliance.crypto.vkey import Signer
signer = Signer("plant.example/7", 1, bytes(range(32)))
log = FileLog(Path(sys.argv[1]), signer, (signer.verifier,))
for _ in range(int(sys.argv[2])):
    print(log.append(Entry("scan.judged", datetime.now(UTC), {"scan": "a" * 64})), flush=True)
"""


def appender(folder: Path, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", APPEND_FOREVER, str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)


def test_a_killed_process_leaves_every_entry_that_it_acknowledged(tmp_path: Path) -> None:
    process = appender(tmp_path / "log", 1_000_000)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    printed = process.communicate(timeout=30)[0].split(b"\n")
    acknowledged = int(printed[-2]) + 1 if len(printed) > 1 else 1
    assert acknowledged <= opened(tmp_path / "log").validate().size <= acknowledged + 1


def test_processes_that_append_together_never_share_an_index(tmp_path: Path) -> None:
    running = [appender(tmp_path / "log", 20) for _ in range(3)]
    indices = [int(line) for process in running for line in process.communicate(timeout=60)[0].split()]
    assert sorted(indices) == list(range(60))
    assert opened(tmp_path / "log").validate().size == 60


@pytest.mark.parametrize(
    "bad",
    [
        Entry("scan", MOMENT, {}),
        Entry("Scan.Judged", MOMENT, {}),
        Entry("scan.judged", MOMENT, {"scan": "A" * 64}),
        Entry("scan.judged", MOMENT, {}, {"deviation": 0.1}),
        Entry("scan.judged", MOMENT, {}, {"nested": [{"deep": float("nan")}]}),
        Entry("scan.judged", MOMENT, {}, {"number": 2**53}),
        Entry("scan.judged", MOMENT, {}, {}, {"operator": "Ann"}),
        Entry("scan.judged", MOMENT, {}, {"text": "x" * ENTRY_LIMIT_BYTES}),
    ],
)
def test_an_entry_of_another_form_never_reaches_the_log(log: FileLog, bad: Entry) -> None:
    with pytest.raises(InvalidInput):
        log.append(bad)
    assert log.validate().size == 5


def test_published_tiles_hold_the_leaf_hashes_and_entries(log: FileLog, tmp_path: Path) -> None:
    log.publish(tmp_path / "site")
    hashes = (tmp_path / "site" / "tile" / "0" / "000.p" / "5").read_bytes()
    assert hashes == b"".join(leaf_hash(log.entry(index)) for index in range(5))
    assert (tmp_path / "site" / "checkpoint").read_bytes() == bytes(log.checkpoint())


def test_an_entry_that_does_not_follow_the_one_before_is_found_although_the_index_agrees(log: FileLog) -> None:
    path, index = log.folder / "entries.jsonl", log.folder / "index"
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"pass", b"fail")
    path.write_bytes(b"\n".join(lines))
    records = bytearray(index.read_bytes())
    records[40 + 8 : 80] = leaf_hash(lines[1])
    index.write_bytes(records)
    with pytest.raises(Modified, match="Entry 2 "):
        opened(log.folder).validate()
