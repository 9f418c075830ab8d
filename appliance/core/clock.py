"""The only place that asks the machine for the time: UTC inside, RFC 3339 outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from appliance.errors import InvalidInput

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """``moment`` as RFC 3339 in UTC with whole seconds, such as ``2026-03-01T12:00:00Z``.

    Raises
    ------
    ValueError : ``moment`` carries no time zone
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is not a point in time")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_us(moment: datetime) -> str:
    """``moment`` as RFC 3339 in UTC with microseconds, always 27 characters: such texts sort as their moments do.

    Raises
    ------
    ValueError : ``moment`` carries no time zone
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is not a point in time")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def parse_rfc3339(text: str) -> datetime:
    """The moment that an RFC 3339 text names, in UTC; digits beyond the microsecond are cut off.

    Raises
    ------
    InvalidInput : it is no such text, names no day of the calendar, or lies outside of the years 1 to 9999
    """
    match = _MOMENT.fullmatch(text)
    if match is None:
        hint = "Write it like 2026-03-01T12:00:00Z, with its offset from UTC."
        raise InvalidInput("time.format", f"'{text[:40]}' is no RFC 3339 time.", hint)
    whole, fraction, offset = text[:19], (match[1] or "")[:7], match[2].upper().replace("Z", "+00:00")
    try:
        return datetime.fromisoformat(f"{whole}{fraction}{offset}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("time.range", f"'{text}' is no moment of the calendar: {error}.") from error
