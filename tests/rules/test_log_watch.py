"""The watch over logs finds what it must find, says where, and repeats nothing of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from base64 import b32encode
from pathlib import Path

import pytest

from tests.log_watch import Watch, kept

ROOT = Path(__file__).resolve().parents[2]
KEY = "d2r_abcdefgh_abcdefghijklmnopqrstuvwxyz234567"
JWT = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJodHRwOi8vYWJjZGVmZ2hpamts.abcdefghijklmnopqrstuvwxyz"
LEAKING = """
import logging, secrets

PASSWORD = "a plain old password"

def test_leak():
    {statement}
"""


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize(
    "line",
    [
        KEY,
        JWT,
        KEY.replace("d2r", "d2p"),
        KEY.replace("d2r", "d2t"),
        f'{{"message": "used {KEY}."}}',
        "at postgresql://d2r:open-sesame@db/plant now",
    ],
)
def test_keys_and_passwords_in_addresses_are_known_by_their_looks(watch: Watch, line: str) -> None:
    watch.hear("web.log", [line])
    (found,) = watch.findings()
    assert found.startswith("web.log: ")
    assert "abcdefghijkl" not in found


@pytest.mark.parametrize(
    "line", ["d2r_abcdefgh_***", "redis://user:***@host", "http://host:8470/x", "key d2r_abcdefgh"]
)
def test_what_is_masked_is_no_secret(watch: Watch, line: str) -> None:
    watch.hear("web.log", [line])
    assert watch.findings() == []


def test_secrets_are_known_in_each_spelling_and_only_whole(watch: Watch) -> None:
    secret = kept(lambda count: bytes(range(count)), watch)(16)
    text = kept(lambda: "token-of_a-session-0123456789", watch)()
    watch.keep("seven grey herons")
    watch.hear("a", ["nothing", f"{text}longer", secret.hex()[:-1]])
    assert watch.findings() == []
    grouped = b32encode(secret).decode().rstrip("=").upper()
    grouped = "-".join(grouped[start : start + 5] for start in range(0, len(grouped), 5))
    for line in (f"x={secret.hex()}", f"cookie: {text};", "he said seven grey herons", f"his codes: {grouped}, ..."):
        watch.hear(line, [line])
    assert len(watch.findings()) == 4


def test_the_prefix_of_a_key_is_no_secret(watch: Watch) -> None:
    prefix = kept(lambda: b"12345", watch)()
    watch.hear("a", [b32encode(prefix).decode().lower()])
    assert watch.findings() == []


def test_log_files_of_servers_are_read_and_others_are_not(watch: Watch, tmp_path: Path) -> None:
    for name in ("logs/web.log", "logs/web.log.1", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"a line\n{KEY}\n")
    watch.read(tmp_path)
    shutil.rmtree(tmp_path / "logs")  # or this run would fail for them
    assert [found.partition(":")[0] for found in watch.findings()] == ["web.log.1", "web.log"]


LEAKS = "logging.getLogger('web').debug('for %s', PASSWORD)"
MAKES = "logging.getLogger('appliance.x').info('made %s', secrets.token_urlsafe(32))"
COUNTS = "logging.getLogger('web').info('for %s', len(PASSWORD))"


@pytest.mark.parametrize(("statement", "workers", "code"), [(LEAKS, "0", 1), (MAKES, "1", 1), (COUNTS, "0", 0)])
def test_a_run_whose_logs_hold_a_secret_fails(tmp_path: Path, statement: str, workers: str, code: int) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(LEAKING.format(statement=statement))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.log_watch", "-p", "no:cacheprovider", "-n", workers]
    command += ["--import-mode=importlib", "--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path / "tests")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert ("secrets in logs" in ran.stdout) == (code == 1)
    assert "a plain old password" not in ran.stdout
