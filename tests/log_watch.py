"""No log line of the whole suite holds a secret: what the tests and their servers logged is looked through at the end.

The plugin remembers every secret that this process makes (whatever comes from ``secrets``) and the passwords that tests
use, keeps what is logged here, as the appliance would write it, and reads the log files of servers.  Keys of servers,
which are made elsewhere, are known by their spelling, passwords in addresses by their place.  A finding fails the run,
and says where, never what.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import threading
from base64 import b32encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pyotp
import pytest

from appliance.core.logs import JsonLines
from appliance.crypto import typed

_SPELLED: Final = re.compile(
    r"d2[rpt]_[a-z2-7]{8}_[a-z2-7]{20,}|d2rd_[0-9a-z]{26}_[a-z2-7]{20,}|eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}|://[^/\s:@\"']*:(?!\*\*\*@)[^/\s@\"'*]+@[\w.-]+"
)
_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{12,}")
_NAMES: Final = re.compile(r"PASSWORD|PASSPHRASE|SECRET")
#: Shorter ones would be found in other words.
_SHORTEST: Final = 8
#: Fewer random bytes are a name: the prefix of a key.
_FEWEST_BYTES: Final = 8
#: What tests say themselves, some of it on purpose.
OF_TESTS: Final = "d2r.test"
_LOGGERS: Final = ("appliance", "web", "worker", "d2r", "gunicorn")
_FILES: Final = re.compile(r".+\.log(\.\d+)?")


class Watch:
    """Secrets of one process, and what was logged while they were in use."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._said: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def keep(self, secret: str) -> str:
        """Remember a secret; gives it back."""
        if len(secret) >= _SHORTEST:
            self._secrets.add(secret)
        return secret

    def hear(self, where: str, lines: Iterable[str]) -> None:
        """Take lines of a log."""
        with self._lock:
            self._said += [(where, line) for line in lines]

    def read(self, folder: Path) -> None:
        """Take the log files below ``folder``."""
        for path in folder.rglob("*"):
            if _FILES.fullmatch(path.name) and path.is_file():
                self.hear(path.name, path.read_text(errors="replace").splitlines())

    def findings(self) -> list[str]:
        """Where a line holds a secret: the log, and the line without it and without its longer words."""
        phrases = [one for one in self._secrets if not _WORDS.fullmatch(one)]
        return sorted(set(self._found(phrases)))

    def _found(self, phrases: list[str]) -> Iterator[str]:
        for where, line in self._said:
            is_said = _SPELLED.search(line) or any(self._is_secret(word) for word in _WORDS.findall(line))
            spoken = [phrase for phrase in phrases if phrase in line]
            if is_said or spoken:
                for phrase in spoken:
                    line = line.replace(phrase, "...")
                yield f"{where}: {_WORDS.sub('...', _SPELLED.sub('...', line))[:300]}"

    def _is_secret(self, word: str) -> bool:
        """Whether a word is one, as it is or as people are given it, in groups and capitals."""
        return word in self._secrets or word.replace("-", "").lower() in self._secrets


WATCH: Final = Watch()


class _Hearing(logging.Handler):
    """Takes every record as the appliance would write it."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self.setFormatter(JsonLines("tests"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == OF_TESTS:
            return
        self._watch.hear(record.name, [self.format(record)])


def kept(make: Callable[..., Any], watch: Watch = WATCH) -> Callable[..., Any]:
    """``make``, whose secrets are remembered in the spellings that the appliance gives them."""

    def making(*arguments: Any, **named: Any) -> Any:
        made = make(*arguments, **named)
        if isinstance(made, bytes) and len(made) < _FEWEST_BYTES:
            return made
        if isinstance(made, bytes):
            watch.keep(made.hex())
            watch.keep(b32encode(made).decode().rstrip("=").lower())
        else:
            watch.keep(made)
        return made

    return making


def kept_code(make: Callable[[], str], watch: Watch) -> Callable[[], str]:
    """``make``, whose codes are remembered as they are compared: without groups and capitals."""

    def making() -> str:
        made = make()
        watch.keep(made.replace("-", "").lower())
        return made

    return making


def passwords_of_tests() -> Iterator[str]:
    """The passwords that stand in modules of tests."""
    for name, module in list(sys.modules.items()):
        if name.startswith("tests"):
            for each, value in vars(module).items():
                if _NAMES.search(each) and isinstance(value, str) and len(value) >= _SHORTEST:
                    yield value


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen, before anything of the appliance makes a secret."""
    for name in ("token_urlsafe", "token_hex", "token_bytes"):
        setattr(secrets, name, kept(getattr(secrets, name)))
    typed.new_code = kept_code(typed.new_code, WATCH)
    pyotp.random_base32 = kept(pyotp.random_base32)  # type: ignore[assignment]
    logging.getLogger().addHandler(_Hearing(WATCH))
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look through what was said; a worker hands its findings to whoever runs it."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is not None and factory._basetemp is not None:
        WATCH.read(factory._basetemp)
    for password in passwords_of_tests():
        WATCH.keep(password)
    found = WATCH.findings()
    handed = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed["secrets_in_logs"] = found
    _all.update(found)
    if _all:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of ours has ended."""
    _all.update(getattr(node, "workeroutput", {}).get("secrets_in_logs", []))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say where."""
    if _all:
        terminalreporter.section("secrets in logs")
        for one in sorted(_all):
            terminalreporter.line(one)


_all: set[str] = set()
