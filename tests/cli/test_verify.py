"""``d2r verify``: three verdicts, their exit codes and what they say."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.crypto.keystore import KeyStore
from appliance.crypto.vkey import Signer
from tests.sample_inspection import sample_inspection
from tests.sample_report import SampleReport, issue_sample, new_witness


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return issue_sample(tmp_path_factory.mktemp("verify"))


@pytest.fixture(autouse=True)
def own_home(sample: SampleReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2R_HOME", str(sample.keys.folder))


@pytest.fixture
def copy(sample: SampleReport, tmp_path: Path) -> Path:
    """A folder with the report that a test may change."""
    return Path(shutil.copytree(sample.folder, tmp_path / "report"))


@pytest.mark.parametrize("name", ["report.json", "report.pdf", "evidence.zip", ""])
def test_an_intact_report_is_unmodified_under_the_own_key(
    sample: SampleReport, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(sample.folder / name)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("UNMODIFIED")
    assert "not externally" in said


def test_a_sealed_key_store_is_enough_without_its_passphrase(
    sample: SampleReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = KeyStore.open_or_create(tmp_path / "sealed", passphrase="correct horse")
    monkeypatch.setenv("D2R_HOME", str(sealed.folder))
    monkeypatch.delenv("D2R_PASSPHRASE", raising=False)
    assert run(["verify", str(sample.folder / "report.json")]) == 2
    sealed.trust(sample.keys.signer().verifier)
    assert run(["verify", str(sample.folder / "report.json")]) == 0


def test_an_unpacked_pack_is_unmodified(sample: SampleReport, tmp_path: Path) -> None:
    shutil.unpack_archive(sample.issued.pack, tmp_path / "unpacked")
    assert run(["verify", str(tmp_path / "unpacked")]) == 0


def test_json_says_who_signed_and_where_it_stands(sample: SampleReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(sample.issued.pack), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["verdict"] == "UNMODIFIED"
    assert record["signed_by"] == sample.keys.signer().verifier.label
    assert record["decision"] == "fail"
    assert record["suspicions"] == []
    assert record["log"]["index"] == sample.issued.log_index


def test_what_spoke_against_a_report_when_it_was_signed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = "2026-02-04T12:00:00.000000Z"
    seen = [{"asset": f"bar {n}", "characteristic": "c0", "measured_at": at, "why": "beyond 3"} for n in range(5)]
    moved = {"instrument": "S5-0042", "revision": 2, "since": at, "seen": seen}
    context = {"suspect": {"since": at, "reason": "Found in hall 9"}, "suspect_instrument": moved}
    inspection = sample_inspection(tmp_path / "evidence")
    suspect = issue_sample(tmp_path, replace(inspection, result={**inspection.result, "context": context}))
    monkeypatch.setenv("D2R_HOME", str(suspect.keys.folder))
    assert run(["verify", str(suspect.issued.pdf), "--json"]) == 0
    scan, instrument = json.loads(capsys.readouterr().out)["suspicions"]
    assert scan == "Suspect scan: its device's key was in other hands since 2026-02-04T12:00:00Z. Found in hall 9"
    assert instrument.startswith("Suspect instrument: S5-0042, revision 2, moved after 2026-02-04T12:00:00Z")
    assert "bar 2 (c0): beyond 3, 2026-02-04T12:00:00Z; and 2 more." in instrument
    assert run(["verify", str(suspect.issued.envelope)]) == 0
    assert capsys.readouterr().out.count("  warning    Suspect ") == 2


@pytest.mark.parametrize("name", ["report.json", "report.pdf", "evidence.zip", "result.json", "report.tlog-proof"])
def test_a_changed_file_in_the_folder_is_modified(copy: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 4
    (copy / name).write_bytes(data)
    assert run(["verify", str(copy)]) == 1
    assert capsys.readouterr().out.startswith("MODIFIED")


def test_a_changed_evidence_file_is_named(
    sample: SampleReport, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.unpack_archive(sample.issued.pack, tmp_path / "unpacked")
    [scan] = (tmp_path / "unpacked" / "evidence" / "scan").iterdir()
    scan.write_bytes(scan.read_bytes() + b"\n")
    assert run(["verify", str(tmp_path / "unpacked"), "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert record["verdict"] == "MODIFIED"
    assert "evidence/scan/plate_0042.ply" in record["message"]


@pytest.mark.parametrize("name", ["report.json", "report.pdf", "report.tlog-proof", "result.json"])
def test_a_missing_part_is_not_provable(copy: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / name).unlink()
    assert run(["verify", str(copy)]) == 2
    said = capsys.readouterr().out
    assert said.startswith("NOT PROVABLE")
    assert name in said


def test_an_unknown_key_is_not_provable(sample: SampleReport, capsys: pytest.CaptureFixture[str]) -> None:
    stranger = str(Signer.generate("d2r.example/stranger").verifier)
    assert run(["verify", str(sample.issued.envelope), "--trust", stranger]) == 2
    assert sample.keys.name in capsys.readouterr().out


def test_no_key_at_all_is_not_provable(sample: SampleReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2R_HOME", str(tmp_path / "nowhere"))
    assert run(["verify", str(sample.issued.envelope)]) == 2
    assert run(["verify", str(sample.issued.envelope), "--trust", sample.vkey]) == 0


def test_keys_come_from_a_file_too(sample: SampleReport, tmp_path: Path) -> None:
    keys = tmp_path / "trusted.keys"
    keys.write_text(f"# the plant\n{sample.vkey}\n")
    assert run(["verify", str(sample.issued.pack), "--trust", str(keys)]) == 0


def test_a_required_anchor_that_is_missing_is_not_provable(sample: SampleReport) -> None:
    assert run(["verify", str(sample.issued.pack), "--require-anchor"]) == 2


def test_a_witness_anchors_the_report_from_the_time_it_saw_it(
    copy: Path, sample: SampleReport, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = new_witness()
    (copy / "report.tlog-proof").write_bytes(sample.anchored_proof(witness))
    trust = ["--trust", sample.vkey, "--trust", str(witness.verifier), "--require-anchor"]
    for path in (copy, copy / "report.json"):
        assert run(["verify", str(path), *trust]) == 0
        assert "since 2026-03-02T08:30:00Z by witness auditor.example/witness" in capsys.readouterr().out
    assert run(["verify", str(copy), "--trust", sample.vkey, "--require-anchor"]) == 2


def test_the_proof_of_another_report_is_modified(copy: Path, sample: SampleReport) -> None:
    from tests.sample_inspection import sample_inspection
    from tests.sample_report import ISSUED_AT, issue_report

    other = sample_inspection(copy.parent / "other evidence", "pass")
    issued = issue_report(other, copy.parent / "other", keys=sample.keys, log=sample.log, issued_at=ISSUED_AT)
    (copy / "report.tlog-proof").write_bytes(issued.proof.read_bytes())
    assert run(["verify", str(copy)]) == 1
    shutil.copy(sample.issued.proof, copy)
    shutil.copy(issued.pdf, copy)
    assert run(["verify", str(copy)]) == 1


def test_reports_stay_verifiable_after_the_keys_are_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = issue_sample(tmp_path)
    sample.keys.rotate()
    monkeypatch.setenv("D2R_HOME", str(sample.keys.folder))
    assert run(["verify", str(sample.folder)]) == 0


@pytest.mark.parametrize("arguments", [["nothing.json"], ["setup.cfg"], [], ["--nonsense"]])
def test_wrong_use_is_an_error_and_no_verdict(arguments: list[str]) -> None:
    assert run(["verify", *arguments]) == 3
