"""Logs: one JSON object a line whatever was written, rotated, without secrets, and never in the way."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from appliance.core.logs import JsonLines, without_secrets
from appliance.supervise.logs import LINE_BYTES, LogFile, last_message


def lines(log: LogFile) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_a_line_of_json_stays_as_it_is(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web")
    log.feed(b'{"level": "INFO", "message": "hello"}\n')
    assert log.path.read_text() == '{"level": "INFO", "message": "hello"}\n'


@pytest.mark.parametrize("data", [b"plain words", b"{half", b"[1]", b'"text"', b"{'a': 1}", b"\xff\xfe"])
def test_what_is_no_json_object_becomes_the_message_of_one(tmp_path: Path, data: bytes) -> None:
    log = LogFile(tmp_path, "redis")
    log.feed(data + b"\n")
    (line,) = lines(log)
    assert line["process"] == "redis"
    assert line["message"] == data.decode(errors="replace")
    assert set(line) == {"at", "level", "process", "message"}


def test_lines_come_together_from_pieces(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web")
    for piece in (b"one and", b" the same\nano", b"ther\n\n", b"not yet"):
        log.feed(piece)
    assert [line["message"] for line in lines(log)] == ["one and the same", "another"]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web")
    log.feed(b"x" * (LINE_BYTES + 1))
    assert len(lines(log)[0]["message"]) == LINE_BYTES


def test_files_rotate_and_the_oldest_goes(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web", rotate_bytes=150, kept=3)
    for number in range(10):
        log.feed(b'{"message": "%d", "filler": "%s"}\n' % (number, b"." * 70))
    kept = {
        path.name: [json.loads(text)["message"] for text in path.read_text().splitlines()]
        for path in tmp_path.iterdir()
    }
    newest_first = {"web.log": ["8", "9"], "web.log.1": ["6", "7"], "web.log.2": ["4", "5"], "web.log.3": ["2", "3"]}
    assert kept == newest_first


def test_others_may_not_read_it(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web")
    log.say("hello")
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "missing", "web")
    log.feed(b"hello\n")
    assert log.last_line == "hello"


def test_the_last_message_is_found(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "web")
    assert last_message(log.path) == "it said nothing."
    log.say("first")
    log.say("second")
    assert last_message(log.path) == "second"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key d2r_ab12cd_S3cretS3cretS3cret used", "key d2r_ab12cd_*** used"),
        ("Authorization: Bearer eyJhbGciOi.x-y", "Authorization: Bearer ***"),
        ("D2R_PASSPHRASE=correct-horse and on", "D2R_PASSPHRASE=*** and on"),
        ('{"passphrase": "correct horse", "a": "b"}', '{"passphrase": "***", "a": "b"}'),
        ("redis://user:pa55@host/0 failed", "redis://user:***@host/0 failed"),
        ("GET /api/v1/scans?token=abcdef&x=1", "GET /api/v1/scans?token=***"),
        ("inspection ins_01 recorded", "inspection ins_01 recorded"),
        ("https://example.org/a:b", "https://example.org/a:b"),
    ],
)
def test_secrets_are_not_written(text: str, clean: str) -> None:
    assert without_secrets(text) == clean


def test_a_record_with_an_error_carries_its_traceback_without_secrets() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("worker"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        raise RuntimeError("password=hunter2")
    except RuntimeError:
        logger.exception("job %s failed", "j-1")
    line = json.loads(stream.getvalue())
    assert (line["process"], line["level"], line["message"]) == ("worker", "ERROR", "job j-1 failed")
    assert line["error"].startswith("Traceback")
    assert "hunter2" not in stream.getvalue()
