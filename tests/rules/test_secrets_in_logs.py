"""The search for secrets in logs can fail: a small suite that writes one is caught, another is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secrets_in_logs import Known

ROOT = Path(__file__).resolve().parents[2]
_HEAD = """
import logging, secrets, sys
from pathlib import Path
from tests.secrets_in_logs import *
watch_the_makers()
from appliance.crypto.typed import new_code
from appliance.identity import api_keys

def key():
    return f"d2r_{api_keys._spell(5)}_{api_keys._spell(32)}"
"""
_CASES = {
    "a key in a file": "(tmp_path / 'web.log').write_text('fine\\n{\"message\": \"' + key() + '\"}\\n')",
    "a rotated file": "(tmp_path / 'web.log.2').write_text(secrets.token_urlsafe(32))",
    "a code in a record": "logging.getLogger('x').warning('the code is %s', new_code())",
    "a password in a record": "logging.getLogger('x').warning(known_secret('seven grey herons') + ' was tried')",
    "a token on standard error": "print('link=' + secrets.token_urlsafe(32), file=sys.stderr)",
    "a DSN": "(tmp_path / 'a.log').write_text('postgresql://d2r:' + secrets.token_urlsafe(18) + '@host/db')",
}


def run_of(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """A run of one small test that does this."""
    (folder / "conftest.py").write_text(_HEAD)
    (folder / "test_small.py").write_text(f"from conftest import *\n\ndef test_it(tmp_path):\n    {body}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "base"), "."]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("case", _CASES)
def test_a_secret_that_stands_in_a_log_fails_the_run_by_test_and_line(tmp_path: Path, case: str) -> None:
    run = run_of(tmp_path, f"global made; made = {_CASES[case]}")
    assert run.returncode == 1, run.stdout
    assert "secrets stand in logs" in run.stdout
    found = run.stdout.partition("secrets stand in logs")[2]
    assert ("line 2" if case == "a key in a file" else "line 1") in found
    assert "test_it" in found
    assert "seven grey herons" not in run.stdout


def test_what_is_masked_or_no_secret_fails_nothing(tmp_path: Path) -> None:
    body = "logging.getLogger('x').warning('%s %s', key(), 'dev_01jdp3k0w8e6x4t2m9a5r7y1zc')"
    assert run_of(tmp_path, body).returncode == 0


def test_a_finding_does_not_repeat_the_secret() -> None:
    known = Known()
    known.note("K7QM-2XR9-B4T6")
    known.search("a log", "fine\nthe code k7qm2xr9b4t6 was typed\n")
    assert known.findings == ["a log, line 2"]
