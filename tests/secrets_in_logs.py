"""No secret in any log: what the tests make is known here, and what the appliance wrote meanwhile is searched for it.

Secrets come from a few places (random tokens, typed codes, passwords that tests choose), and each is noted where it is
made, as a hash.  Searched are the log records and the standard error of every test, and at the end every log file that
a server of the tests left.  A finding names test or file and line, never the secret.
"""

from __future__ import annotations

import os
import re
import secrets
from base64 import b32encode
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from appliance.core.logs import without_secrets
from appliance.crypto import typed

#: Shorter random texts are names, not secrets.
_SHORTEST = 12
_WORD = re.compile(r"[A-Za-z0-9_~.-]{12,}")
_PIECES = re.compile(r"[_.]")
_SEARCHED = ("Captured log", "Captured stderr")
#: Names of log files, those that were rotated away too.
_LOG = re.compile(r".*\.log(\.\d+)?")


class Known:
    """Secrets that the tests made, and where they were found."""

    def __init__(self) -> None:
        self._hashes: set[bytes] = set()
        self._phrases: set[str] = set()
        self.findings: list[str] = []

    def note(self, secret: str) -> str:
        """Remember a secret; returns it."""
        if " " in secret or len(_plain(secret)) < _SHORTEST:
            self._phrases.add(secret)
        else:
            self._hashes.add(_hash(secret))
        return secret

    def holds(self, line: str) -> bool:
        """Whether a secret stands in a line."""
        return any(phrase in line for phrase in self._phrases) or any(
            _hash(part) in self._hashes
            for word in _WORD.findall(line)
            for part in (word, *_PIECES.split(word))
            if len(part) >= _SHORTEST
        )

    def search(self, where: str, text: str) -> None:
        """Note every line of ``text`` that holds a secret."""
        for number, line in enumerate(text.splitlines(), 1):
            if self.holds(line):
                self.findings.append(f"{where}, line {number}")

    def search_files(self, folder: Path) -> None:
        """Search every log file below ``folder``."""
        for path in sorted(folder.rglob("*.log*")):
            if _LOG.fullmatch(path.name) and path.is_file():
                self.search(str(path.relative_to(folder)), path.read_text(errors="replace"))


KNOWN = Known()


def known_secret(secret: str) -> str:
    """A secret that a test chose; it must not stand in any log from now on."""
    return KNOWN.note(secret)


def _plain(text: str) -> str:
    return text.replace("-", "").lower()


def _hash(text: str) -> bytes:
    return blake2b(_plain(text).encode(), digest_size=16).digest()


def _noting(make: Callable[..., Any], spell: Callable[[Any], list[str]]) -> Callable[..., Any]:
    def made(*arguments: Any, **named: Any) -> Any:
        result = make(*arguments, **named)
        for secret in spell(result):
            if len(_plain(secret)) >= _SHORTEST:
                KNOWN.note(secret)
        return result

    return made


def watch_the_makers() -> None:
    """Note what is made from now on; before any module of the appliance takes the makers by name."""
    secrets.token_urlsafe = _noting(secrets.token_urlsafe, lambda text: [text])
    secrets.token_bytes = _noting(secrets.token_bytes, lambda data: [b32encode(data).decode().rstrip("=")])
    typed.new_code = _noting(typed.new_code, lambda text: [text])
    for name in ("D2R_KEY", "D2R_PASSPHRASE"):
        if os.environ.get(name):
            KNOWN.note(os.environ[name])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Search what was captured of a test, as the appliance's own formatter would have written it."""
    for title, text in report.sections:
        if title.startswith(_SEARCHED):
            KNOWN.search(f"{report.nodeid} ({title})", without_secrets(text))


@pytest.fixture(scope="session", autouse=True)
def search_logs_at_the_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search the files when every server has ended."""
    yield
    KNOWN.search_files(tmp_path_factory.getbasetemp())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in whose logs a secret stands has failed, whatever its tests say."""
    if KNOWN.findings and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where, without what else the test has written there."""
    if KNOWN.findings:
        terminalreporter.section("secrets stand in logs", red=True)
        for finding in sorted(set(KNOWN.findings)):
            terminalreporter.line(finding)
