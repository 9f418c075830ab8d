"""The only place that asks the machine for the time: UTC inside, RFC 3339 outside."""

from __future__ import annotations

from datetime import UTC, datetime


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
