"""``d2r doctor isolation``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.config.settings import load_settings
from appliance.isolation import check
from appliance.tenancy.site import Site


@pytest.fixture
def data(tmp_path: Path) -> Path:
    Site.open(load_settings(tmp_path / "d", {}), create=True).close()
    return tmp_path / "d"


def test_it_says_what_it_tried_and_how_that_ended(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "isolation", "--data", str(data), "--attempts", "80", "--seed", "5"]) == 0
    said = capsys.readouterr().out
    assert "statements in the own database" in said
    assert "80 attempts (seed 5), 0 leaks" in said
    assert run(["doctor", "isolation", "--data", str(data), "--attempts", "80", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["leaks"] == 0


def test_a_leak_decides_the_exit_code(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(check.KINDS, "the other's door", lambda ground, dice: ground.marker)  # type: ignore[misc]
    assert run(["doctor", "isolation", "--data", str(data), "--attempts", "60"]) == 3
    assert "LEAK" in capsys.readouterr().out


def test_the_doctor_still_examines_without_a_word_more(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--data", str(data), "--json"]) in (0, 3)
    assert any(one["check"] == "signing keys" for one in json.loads(capsys.readouterr().out))
