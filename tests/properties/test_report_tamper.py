"""Flip any byte of any file of a report: it is never called unmodified."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import Modified, NotProvable
from appliance.reports.pack import constant_files
from appliance.reports.verification import verify_path
from tests.sample_report import SampleReport, issue_sample, new_witness

#: Positions sampled in the larger files, besides every part of their structure.
SAMPLES = 150


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return issue_sample(tmp_path_factory.mktemp("tamper"))


def flipped(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def assert_found(sample: SampleReport, path: Path, positions: list[int]) -> None:
    whole = path.read_bytes()
    target = path.parent.parent / "tampered" / path.name
    target.parent.mkdir(exist_ok=True)
    for number, position in enumerate(positions):
        target.write_bytes(flipped(whole, position, number % 8))
        with pytest.raises(Modified):
            verify_path(target, sample.keys.trusted())


def test_every_byte_of_the_statement(sample: SampleReport) -> None:
    path = sample.issued.envelope
    whole = path.read_bytes()
    label = whole.index(b'"keyid":"') + 9, whole.index(b'","sig"')
    assert_found(sample, path, [at for at in range(0, len(whole), 3) if not label[0] <= at < label[1]])


def test_every_byte_of_the_signers_name(sample: SampleReport) -> None:
    """The name is not signed, but the key behind it is known: a renamed signature is a modification too."""
    whole = sample.issued.envelope.read_bytes()
    assert_found(sample, sample.issued.envelope, list(range(whole.index(b'"keyid":"') + 9, whole.index(b'","sig"'))))


def test_sampled_bytes_of_the_pdf(sample: SampleReport) -> None:
    size = sample.issued.pdf.stat().st_size
    assert_found(sample, sample.issued.pdf, random.Random(1).sample(range(size), SAMPLES))


def test_every_byte_of_the_gap_that_holds_the_pdf_signature(sample: SampleReport) -> None:
    whole = sample.issued.pdf.read_bytes()
    start = whole.rindex(b"/Contents <") + 10
    stop = whole.index(b">", start)
    assert_found(sample, sample.issued.pdf, list(range(start, stop + 1, 5)))


def test_sampled_bytes_of_the_pack(sample: SampleReport) -> None:
    size = sample.issued.pack.stat().st_size
    assert_found(sample, sample.issued.pack, random.Random(2).sample(range(size), SAMPLES))


def test_every_header_of_the_pack(sample: SampleReport) -> None:
    whole = sample.issued.pack.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    heads = [
        at + offset for at in range(directory) if whole[at : at + 4] == b"PK\x03\x04" for offset in range(0, 40, 3)
    ]
    assert_found(sample, sample.issued.pack, heads + list(range(directory, len(whole), 3)))


def test_the_proof_beside_the_statement_is_never_believed_when_changed(sample: SampleReport) -> None:
    whole = sample.issued.proof.read_bytes()
    folder = sample.folder.parent / "proof"
    folder.mkdir(exist_ok=True)
    (folder / "report.json").write_bytes(sample.issued.envelope.read_bytes())
    for position in range(0, len(whole), 2):
        (folder / "report.tlog-proof").write_bytes(flipped(whole, position, position % 8))
        with pytest.raises((Modified, NotProvable)):
            verify_path(folder / "report.json", sample.keys.trusted())


def test_bytes_appended_or_cut_are_found(sample: SampleReport) -> None:
    target = sample.folder.parent / "cut"
    target.mkdir(exist_ok=True)
    for path in (sample.issued.envelope, sample.issued.pdf, sample.issued.pack):
        for data in (
            path.read_bytes() + b"\n",
            path.read_bytes()[:-1],
            path.read_bytes()[: len(path.read_bytes()) // 2],
            b"",
        ):
            (target / path.name).write_bytes(data)
            with pytest.raises(Modified):
                verify_path(target / path.name, sample.keys.trusted())


def test_the_single_file_verifier_agrees(sample: SampleReport, tmp_path: Path) -> None:
    """Called as a program where it is slow to start, and in one process for many positions."""
    program = tmp_path / "verify.py"
    program.write_bytes(constant_files()["verify.py"])
    command = [sys.executable, "-I", str(program), str(sample.issued.pack), "--trust", sample.vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "UNMODIFIED"), done.stdout + done.stderr
    done = subprocess.run(command[:-1] + [str(new_witness().verifier)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(":")[0]) == (2, "NOT PROVABLE")
    verifier: dict[str, object] = {"__name__": "verifier"}
    exec(compile(program.read_text(), "verify.py", "exec"), verifier)
    keys = [verifier["Key"](sample.vkey)]  # type: ignore[operator]
    whole = sample.issued.pack.read_bytes()
    changed = tmp_path / "evidence.zip"
    for number, position in enumerate(random.Random(3).sample(range(len(whole)), 60)):
        changed.write_bytes(flipped(whole, position, number % 8))
        with pytest.raises(verifier["Modified"]):  # type: ignore[call-overload]
            verifier["verify_pack"](changed, keys)  # type: ignore[operator]
