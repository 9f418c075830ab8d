"""Reports in the log of a workspace: its name lies below the name of the key, and a foreign name proves nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.audit.checkpoint import owner_of, sign_checkpoint, verify_checkpoint
from appliance.audit.proof import parse_proof
from appliance.crypto.vkey import ALG_COSIGNATURE, Signer, VerifierKey
from appliance.errors import Modified
from appliance.reports.pack import constant_files
from appliance.reports.verification import verify_path
from tests.sample_report import SEEN_AT, SampleReport, issue_sample, new_witness

NAME = "d2r.example/plant-1"
ORIGIN = f"{NAME}/wsp_1"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return issue_sample(tmp_path_factory.mktemp("origins"), origin=ORIGIN)


def other_people(path: Path, *keys: object) -> tuple[int, str]:
    """Exit code and words of the single-file verifier."""
    program = path.parent / "check.py"
    program.write_bytes(constant_files()["verify.py"])
    trust = [word for key in keys for word in ("--trust", str(key))]
    done = subprocess.run(
        [sys.executable, str(program), str(path), *trust], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", ["report.json", "report.pdf", "evidence.zip", ""])
def test_a_report_of_a_workspace_verifies(sample: SampleReport, name: str) -> None:
    found = verify_path(sample.folder / name, [sample.keys.signer().verifier])
    assert found.logged
    assert found.logged.origin == ORIGIN


def test_the_single_file_verifier_accepts_the_log_of_a_workspace(sample: SampleReport) -> None:
    code, said = other_people(sample.issued.pack, sample.vkey)
    assert code == 0, said
    assert f"of the log {ORIGIN}" in said


def test_a_later_anchor_is_found_beside_a_report(sample: SampleReport, tmp_path: Path) -> None:
    witness = new_witness()
    for part in ("report.json", "report.tlog-proof"):
        (tmp_path / part).write_bytes((sample.folder / part).read_bytes())
    (tmp_path / "report.tlog-proof").write_bytes(sample.anchored_proof(witness))
    found = verify_path(
        tmp_path / "report.json", [sample.keys.signer().verifier, witness.verifier], require_anchor=True
    )
    assert found.logged
    assert found.logged.anchors[0].time == SEEN_AT
    assert "anchored since 2026-03-02" in other_people(tmp_path / "report.json", sample.vkey, witness.verifier)[1]


@pytest.mark.parametrize("origin", ["d2r.example/plant-10", "d2r.example", "d2r.example/plant-1x/wsp_1", "other/wsp_1"])
def checkpoint_called(origin: str, sample: SampleReport) -> bytes:
    """The sample's proof under the same root, which its key signed as that of a log called ``origin``."""
    proof = parse_proof(sample.issued.proof.read_bytes())
    note = sign_checkpoint(replace(proof.checkpoint, origin=origin), sample.keys.signer())
    return bytes(replace(proof, note=note))


@pytest.mark.parametrize("origin", ["d2r.example/plant-10", "d2r.example", "d2r.example/plant-1x/wsp_1", "other/wsp_1"])
def test_a_log_that_is_not_the_keys_own_is_refused_by_both_verifiers(
    sample: SampleReport, tmp_path: Path, origin: str
) -> None:
    envelope = tmp_path / "report.json"
    envelope.write_bytes(sample.issued.envelope.read_bytes())
    (tmp_path / "report.tlog-proof").write_bytes(checkpoint_called(f"{NAME}/wsp_2", sample))
    assert verify_path(envelope, [sample.keys.signer().verifier]).logged, "any log below its name is the key's own"
    assert other_people(envelope, sample.vkey)[0] == 0
    (tmp_path / "report.tlog-proof").write_bytes(checkpoint_called(origin, sample))
    with pytest.raises(Modified, match="another log"):
        verify_path(envelope, [sample.keys.signer().verifier])
    code, said = other_people(envelope, sample.vkey)
    assert (code, "that of another log" in said) == (1, True)


def test_a_name_below_anothers_name_belongs_to_the_longer_one(sample: SampleReport) -> None:
    """The key ``plant-1`` cannot speak for the appliance ``plant-1/wsp_1``, where that one is known too."""
    longer = Signer.generate(ORIGIN).verifier
    with pytest.raises(Modified, match="another log"):
        verify_path(sample.issued.envelope, [sample.keys.signer().verifier, longer])
    assert other_people(sample.issued.envelope, sample.vkey, longer)[0] == 1


def test_only_keys_of_logs_own_names() -> None:
    def key(name: str, algorithm: int = 1) -> VerifierKey:
        return replace(Signer.generate("x").verifier, name=name, algorithm=algorithm)

    assert owner_of("a/b/c", [key("a"), key("a/b"), key("a/bc")]) == "a/b"
    assert owner_of("a", [key("a")]) == "a"
    assert owner_of("a/b", [key("a", ALG_COSIGNATURE)]) is None
    assert owner_of("ab", [key("a"), key("b")]) is None


def test_who_wants_one_log_gets_no_other(sample: SampleReport) -> None:
    note = bytes(parse_proof(sample.issued.proof.read_bytes()).note)
    assert verify_checkpoint(note, [sample.keys.signer().verifier], ORIGIN).origin == ORIGIN
    with pytest.raises(Modified):
        verify_checkpoint(note, [sample.keys.signer().verifier], f"{NAME}/wsp_2")
