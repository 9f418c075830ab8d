"""``d2r log`` and ``d2r witness``: an operator and an auditor exchange files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from appliance.cli.main import run


class Exchange:
    """The operator's and the auditor's folders, and what they type."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def d2r(self, *words: object, code: int = 0) -> str:
        self._capsys.readouterr()
        assert run([str(word) for word in words]) == code, self._capsys.readouterr().err
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def vkey(self) -> str:
        return str(json.loads(self.d2r("keys", "show", "--json"))["current"]["vkey"])

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Exchange:
    monkeypatch.setenv("D2R_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("D2R_PASSPHRASE", raising=False)
    monkeypatch.delenv("D2R_PASSPHRASE_FILE", raising=False)
    made = Exchange(tmp_path, capsys)
    made.d2r("keys", "rotate")
    made.d2r("witness", "init", tmp_path / "wit", "--name", "audit.example/w", "--log", made.vkey())
    made.d2r("log", "export", "--out", tmp_path / "update")
    return made


def test_a_cosigned_checkpoint_anchors_the_entries_below_it(exchange: Exchange) -> None:
    exchange.d2r("log", "prove", 0, "--out", exchange / "before")
    assert "no trusted witness" in exchange.d2r("log", "check", exchange / "before", code=2)
    exchange.d2r("witness", "cosign", exchange / "wit", exchange / "update")
    assert "Trust its key" in exchange.d2r("log", "cosign-import", exchange / "update.cosigned", code=2)
    status = json.loads(exchange.d2r("witness", "status", exchange / "wit", "--json"))
    assert (status["size"], status["log"]) == (1, exchange.vkey())
    exchange.d2r("keys", "trust", "add", status["witness"])
    assert "anchored: audit.example/w" in exchange.d2r("log", "cosign-import", exchange / "update.cosigned")
    exchange.d2r("log", "prove", 0, "--out", exchange / "after")
    assert f"UNMODIFIED SINCE {status['time']}" in exchange.d2r("log", "check", exchange / "after")
    record = json.loads(exchange.d2r("log", "check", exchange / "after", "--json"))
    assert (record["finding"], record["since"]) == ("UNMODIFIED", status["time"])
    assert json.loads(exchange.d2r("log", "verify", "--json"))["anchored_sizes"] == [1]


def test_a_changed_proof_is_modified(exchange: Exchange) -> None:
    exchange.d2r("log", "prove", 0, "--out", exchange / "proof")
    data = (exchange / "proof").read_bytes()
    (exchange / "proof").write_bytes(data.replace(b"index 0", b"index 1"))
    assert "MODIFIED" in exchange.d2r("log", "check", exchange / "proof", code=1)


def test_a_changed_log_is_modified(exchange: Exchange) -> None:
    path = exchange / "home" / "log" / "entries.jsonl"
    path.write_bytes(path.read_bytes().replace(b"key.rotated", b"key.retired"))
    assert "Entry 0" in exchange.d2r("log", "verify", code=1)


def test_a_log_restored_from_an_old_backup_is_a_rollback(exchange: Exchange) -> None:
    exchange.d2r("keys", "rotate", "--record", exchange / "record")
    shutil.copytree(exchange / "home", exchange / "backup")
    exchange.d2r("log", "publish", exchange / "site")
    exchange.d2r("witness", "follow", exchange / "wit", exchange / "record")
    exchange.d2r("log", "export", "--out", exchange / "second")
    exchange.d2r("witness", "cosign", exchange / "wit", exchange / "second")
    lines, index = (exchange / "backup" / "log" / name for name in ("entries.jsonl", "index"))
    lines.write_bytes(lines.read_bytes().split(b"\n")[0] + b"\n")
    index.write_bytes(index.read_bytes()[:40])
    shutil.rmtree(exchange / "home")
    shutil.copytree(exchange / "backup", exchange / "home")
    exchange.d2r("log", "export", "--out", exchange / "third")
    assert "ROLLBACK" in exchange.d2r("witness", "cosign", exchange / "wit", exchange / "third", code=1)


def test_a_file_that_is_no_checkpoint_is_refused(exchange: Exchange) -> None:
    (exchange / "update").write_text("hello\n")
    assert "Traceback" not in exchange.d2r("witness", "cosign", exchange / "wit", exchange / "update", code=1)


def test_a_missing_witness_is_named(exchange: Exchange) -> None:
    assert "d2r witness init" in exchange.d2r("witness", "status", exchange / "nowhere", code=3)
