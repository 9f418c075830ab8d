"""Moments as text: one spelling out, RFC 3339 in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from appliance.core.clock import parse_rfc3339, rfc3339_us
from appliance.errors import InvalidInput


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    berlin = timezone(timedelta(hours=2))
    assert rfc3339_us(datetime(2026, 7, 1, 1, 2, 3, 45, berlin)) == "2026-06-30T23:02:03.000045Z"
    assert rfc3339_us(datetime(987, 1, 1, tzinfo=UTC)) == "0987-01-01T00:00:00.000000Z"


def test_a_moment_without_a_zone_is_none() -> None:
    with pytest.raises(ValueError, match="time zone"):
        rfc3339_us(datetime(2026, 7, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01t12:00:00z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5+01:30", datetime(2026, 3, 1, 10, 30, 0, 500_000, UTC)),
        ("2026-03-01T00:00:00.123456789-00:00", datetime(2026, 3, 1, 0, 0, 0, 123_456, UTC)),
    ],
)
def test_rfc_3339_is_read_whatever_its_offset(text: str, expected: datetime) -> None:
    assert parse_rfc3339(text) == expected
    assert parse_rfc3339(text).utcoffset() == timedelta(0)


def test_what_is_written_is_read_back() -> None:
    moment = datetime(2026, 12, 31, 23, 59, 59, 999_999, UTC)
    assert parse_rfc3339(rfc3339_us(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01 12:00:00Z", "2026-13-01T12:00:00Z", "2026-02-30T12:00:00Z",
        "2026-03-01T12:00:00,5Z", "２０２６-03-01T12:00:00Z", "0001-01-01T00:00:00+02:00", "2026-03-01T12:00:00Z\n",
        "2026-03-01T12:00:00+99:00",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_rfc3339(text)
