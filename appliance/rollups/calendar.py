"""Buckets of time on the clock of the site: which hour, day, week and month a moment belongs to.

A bucket is named by its first moment, in seconds since 1970.  A day begins at the first moment of its date on the
site's clock and lasts 23 or 25 hours where the clock is changed; the hour that the clock shows twice is two hours; an
hour begins when the clock's offset does, where that was within it.  Moments count by the minute: no clock was ever
changed within one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from appliance.errors import InvalidInput, Misconfigured
from appliance.rollups.records import DAY, HOUR, MONTH, WEEK
from appliance.spc.checks import Int64

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Digits of RFC 3339 up to the minute.
_MINUTE: Final = 16


class Calendar:
    """The buckets of one time zone, such as ``Europe/Berlin``.

    Raises
    ------
    Misconfigured : there is no such zone
    """

    def __init__(self, zone: str) -> None:
        self.zone = zone
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = "Name one as the IANA time zone database does, such as Europe/Berlin."
            raise Misconfigured("time_zone.unknown", f"There is no time zone '{zone}'.", hint) from error
        self._starts = lru_cache(maxsize=65_536)(self._starts_of)
        self._weeks = lru_cache(maxsize=16_384)(lambda day: self.start_of(WEEK, moment_of(day)))
        self._ends = lru_cache(maxsize=65_536)(self._end_of)

    def starts(self, moments: Sequence[str]) -> dict[int, Int64]:
        """The buckets of moments (n,), RFC 3339 in UTC, by HOUR, DAY and MONTH, int64 (n,) each.

        Raises
        ------
        InvalidInput : a moment lies at the very end of the calendar (years 1 and 9999)
        """
        found = [self._starts(moment[:_MINUTE]) for moment in moments]
        array = np.array(found, dtype=np.int64).reshape(len(found), 3)
        return {HOUR: array[:, 0], DAY: array[:, 1], MONTH: array[:, 2]}

    def start_of(self, grain: int, moment: datetime) -> int:
        """The bucket of ``moment``, aware, of an hour, a day, a week or a month."""
        local = moment.astimezone(self._zone)
        if grain == HOUR:
            return self._hour_of(seconds_of(moment), _offset(local))
        if grain == WEEK:
            return self._first_of(local.date() - timedelta(days=local.weekday()))
        return self._first_of(local.date() if grain == DAY else local.date().replace(day=1))

    def week_of(self, day: int) -> int:
        """The bucket of the week, from Monday on, that a day's bucket belongs to."""
        return self._weeks(day)

    def end_of(self, grain: int, bucket: int) -> int:
        """The first second behind a bucket.

        Raises
        ------
        InvalidInput : this grain has no end that the calendar knows
        """
        return self._ends(grain, bucket)

    def _end_of(self, grain: int, bucket: int) -> int:
        local = moment_of(bucket).astimezone(self._zone).date()
        if grain == HOUR:
            return self._hour_end(bucket)
        if grain == MONTH:
            return self._first_of((local.replace(day=1) + timedelta(days=32)).replace(day=1))
        if grain not in (DAY, WEEK):
            raise InvalidInput("rollup.grain", "A life has no end on the calendar.")
        return self._first_of(local + timedelta(days=1 if grain == DAY else 7))

    def _hour_of(self, second: int, offset: int) -> int:
        """The first moment of the hour, or that at which ``offset`` began to hold within it."""
        start = (second + offset) // 3600 * 3600 - offset
        while start < second and _offset(moment_of(start).astimezone(self._zone)) != offset:
            start += 60
        return start

    def _hour_end(self, bucket: int) -> int:
        """An hour ends after 60 minutes, or earlier where the clock is changed by less than an hour within it."""
        for minute in range(1, 60):
            if self.start_of(HOUR, moment_of(bucket + 60 * minute)) != bucket:
                return bucket + 60 * minute
        return bucket + 3600

    def _starts_of(self, minute: str) -> tuple[int, int, int]:
        moment = datetime.fromisoformat(minute).replace(tzinfo=UTC)
        if not 1 < moment.year < 9999:
            raise InvalidInput("rollup.moment", f"Nothing was measured at {minute}.", "Correct the time of measuring.")
        return self.start_of(HOUR, moment), self.start_of(DAY, moment), self.start_of(MONTH, moment)

    def _first_of(self, day: date) -> int:
        """The first moment of a date; where the clock skips midnight, that at which it does."""
        return seconds_of(datetime(day.year, day.month, day.day, tzinfo=self._zone))


@lru_cache(maxsize=16)
def calendar_of(zone: str) -> Calendar:
    """The calendar of a zone; raises as ``Calendar``."""
    return Calendar(zone)


def seconds_of(moment: datetime) -> int:
    """Whole seconds since 1970 of an aware moment, rounded down."""
    return (moment - _EPOCH) // timedelta(seconds=1)


def moment_of(seconds: int) -> datetime:
    """The moment, in UTC, of seconds since 1970."""
    return _EPOCH + timedelta(seconds=seconds)


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None  # the moment is aware
    return int(offset.total_seconds())
