"""Log files of the processes: lines of JSON, rotated by size, whatever the process wrote.

One writer a file: children write into a pipe, the supervisor reads it.  A line that is no JSON object (Redis, a
traceback) becomes the message of one.  A full disk loses lines and nothing else.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from appliance.core.logs import without_secrets

#: A file that has grown to this size is put aside; so many are kept beside the current one.
ROTATE_BYTES: Final = 10 << 20
KEPT_FILES: Final = 5
#: A line is cut at this length: nobody fills the disk with one.
LINE_BYTES: Final = 16 << 10


class LogFile:
    """The log of one process, in ``folder/<name>.log``; ``last_line`` is the last message of the process itself."""

    def __init__(self, folder: Path, name: str, *, rotate_bytes: int = ROTATE_BYTES, kept: int = KEPT_FILES) -> None:
        self.path = folder / f"{name}.log"
        self._name = name
        self._rotate_bytes = rotate_bytes
        self._kept = kept
        self._rest = b""
        self.last_line = ""

    def feed(self, data: bytes) -> None:
        """Take what the process wrote; whole lines go to the file."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if line.strip():
                self.last_line = self._write(line[:LINE_BYTES].decode(errors="replace"))

    def say(self, message: str, level: str = "INFO") -> None:
        """Write a line of the supervisor's own."""
        self._write(_line(self._name, level, message))

    def _write(self, text: str) -> str:
        """Write one line; returns its message."""
        clean = without_secrets(text)
        if not _is_object(clean):
            clean = _line(self._name, "INFO", clean)
        try:
            self._rotate_if_full()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, clean.encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError:  # a full disk must not stop those who can make room on it
            pass
        return str(json.loads(clean).get("message", clean))

    def _rotate_if_full(self) -> None:
        if not self.path.exists() or self.path.stat().st_size < self._rotate_bytes:
            return
        for number in range(self._kept - 1, 0, -1):
            older = Path(f"{self.path}.{number}")
            if older.exists():
                os.replace(older, f"{self.path}.{number + 1}")
        os.replace(self.path, f"{self.path}.1")


def last_message(path: Path) -> str:
    """The message of a log's last line."""
    try:
        lines = path.read_bytes().splitlines()
        return str(json.loads(lines[-1])["message"])
    except (OSError, ValueError, LookupError, TypeError):
        return "it said nothing."


def _is_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _line(process: str, level: str, message: str) -> str:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"at": at, "level": level, "process": process, "message": message}, ensure_ascii=False)
