"""``d2r selftest statistics``: the table, the signed record, and what ``d2r verify`` says of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.keystore import KeyStore
from appliance.reports.selftest import VALIDATION_TYPE, selftest_statement
from appliance.reports.statement import PAYLOAD_TYPE
from appliance.spc import validation


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyStore:
    monkeypatch.setenv("D2R_HOME", str(tmp_path / "home"))
    return KeyStore.open_or_create(tmp_path / "home")


@pytest.fixture
def record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "statistics.json"
    assert run(["selftest", "statistics", "--out", str(path)]) == 0
    capsys.readouterr()
    return path


def test_the_table_names_source_both_numbers_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "statistics"]) == 0
    said = capsys.readouterr().out
    assert "74.00118" in said
    assert "74.001176" in said
    assert "all 8" in said
    assert "engine " in said


def test_json_is_the_statement_that_is_signed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selftest", "statistics", "--json"]) == 0
    statement = json.loads(capsys.readouterr().out)
    assert statement["predicateType"] == VALIDATION_TYPE
    assert statement["predicate"]["agrees"] is True
    assert all(isinstance(check["computed"], str) for check in statement["predicate"]["checks"])
    assert len(statement["subject"][0]["digest"]["sha256"]) == 64


def test_a_deviation_is_said_and_has_an_exit_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = validation.Check("centre", "x", "1.0", "2.0", 1.0, 0.05)
    monkeypatch.setattr(validation, "validation", lambda: (broken,))
    assert run(["selftest", "statistics"]) == 3
    assert "1 of 1 deviate: centre" in capsys.readouterr().out


def test_verify_accepts_the_signed_record(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(record)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("UNMODIFIED")
    assert "published numbers reproduced" in said
    assert run(["verify", str(record), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["selftest"]["deviating"] == []


def test_an_anchor_cannot_be_demanded_of_a_record_that_is_in_no_log(record: Path) -> None:
    assert run(["verify", str(record), "--require-anchor"]) == 2


def test_every_flipped_byte_of_the_record_is_found(record: Path) -> None:
    data = record.read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        record.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert run(["verify", str(record)]) in (1, 2), place


def test_a_record_of_a_stranger_is_not_provable(record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = KeyStore.open_or_create(tmp_path / "stranger")
    monkeypatch.setenv("D2R_HOME", str(stranger.folder))
    assert run(["verify", str(record)]) == 2


def test_a_record_whose_summary_is_not_that_of_its_checks_is_modified(home: KeyStore, tmp_path: Path) -> None:
    from appliance.core.canonical import canonical_bytes
    from appliance.core.clock import utc_now

    broken = validation.Check("centre", "x", "1.0", "2.0", 1.0, 0.05)
    statement = json.loads(selftest_statement((broken,), utc_now()))
    statement["predicate"]["agrees"] = True
    path = tmp_path / "lie.json"
    path.write_bytes(sign_envelope(canonical_bytes(statement), PAYLOAD_TYPE, (home.signer(),)))
    assert run(["verify", str(path)]) == 1
