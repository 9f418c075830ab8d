"""``d2r keys``: show, rotate, trust."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.crypto.vkey import Signer, parse_vkey

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("D2R_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("D2R_PASSPHRASE", raising=False)
    monkeypatch.delenv("D2R_PASSPHRASE_FILE", raising=False)
    return tmp_path / "home"


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert run(["keys", "show", "--json"]) == 0
    record: dict[str, object] = json.loads(capsys.readouterr().out)
    return record


def test_the_first_show_makes_the_keys_and_every_other_shows_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    first = shown(capsys)
    assert first == shown(capsys)
    assert parse_vkey(first["current"]["vkey"]).name == first["name"]  # type: ignore[index]
    assert run(["keys", "show"]) == 0
    assert first["current"]["vkey"] in capsys.readouterr().out  # type: ignore[index]


def test_a_rotation_retires_the_key_and_is_an_entry_of_the_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = shown(capsys)["current"]
    assert run(["keys", "rotate", "--record", str(tmp_path / "record")]) == 0
    assert "logged as entry 0" in capsys.readouterr().out
    after = shown(capsys)
    assert after["retired"][0]["vkey"] == before["vkey"]  # type: ignore[index]
    assert after["current"] != before
    assert (tmp_path / "record").stat().st_size > 0


def test_a_key_is_trusted_once(capsys: pytest.CaptureFixture[str]) -> None:
    key = str(Signer.generate("plant.example/8").verifier)
    assert run(["keys", "trust", "add", key]) == 0
    assert shown(capsys)["trusted"][0]["vkey"] == key  # type: ignore[index]
    assert run(["keys", "trust", "add", key]) == 3
    assert "trusted already" in capsys.readouterr().err


def test_nonsense_is_not_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "trust", "add", "nonsense"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_an_open_key_file_is_refused_with_the_remedy(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys)
    (home / "keys.json").chmod(0o644)
    assert run(["keys", "show"]) == 3
    assert "chmod" in capsys.readouterr().err
