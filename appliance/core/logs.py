"""One line of JSON for each thing that a process says about itself, without secrets.

Processes write to standard error; who started them keeps the files (``appliance.supervise.logs``).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

#: API keys (``d2r_<prefix>_<secret>``), tokens of devices (``d2rd_...``), and whatever follows such a name in a URL, a
#: header or a setting.
_NAMED: Final = r"(?i)((?:passphrase|password|secret|token)[\"']?\s*[:=]\s*)"
_SECRETS: Final = (
    (re.compile(r"(d2r_[A-Za-z0-9]{4,})_[A-Za-z0-9_-]{8,}"), r"\1_***"),
    (re.compile(r"(d2rd_)[A-Za-z0-9_]{8,}"), r"\1***"),
    (re.compile(_NAMED + r"([\"'])(?:(?!\2).)*\2"), r"\1\2***\2"),
    (re.compile(_NAMED + r"[^\s\"',;}]+"), r"\1***"),
    (re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1***"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), r"\1***@"),
)


def without_secrets(text: str) -> str:
    """``text`` with keys, passphrases and passwords replaced by ``***``."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """Log records as JSON objects: ``at, level, process, logger, message``, the names of ``extra={"fields": ...}``,
    and ``error`` with a traceback.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        fields: dict[str, Any] = {
            "at": at, "level": record.levelname, "process": self._process, "pid": record.process,
            "logger": record.name, "message": without_secrets(record.getMessage()), **getattr(record, "fields", {}),
        }  # fmt: skip
        if record.exc_info:
            fields["error"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)


def write_logs(process: str, level: str = "INFO") -> None:
    """Send everything that this process logs to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
