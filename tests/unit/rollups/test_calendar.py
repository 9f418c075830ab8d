"""Buckets of time on the clock of a site, changes of that clock included."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.errors import InvalidInput, Misconfigured
from appliance.rollups.calendar import Calendar, moment_of, seconds_of
from appliance.rollups.records import DAY, HOUR, LIFE, MONTH, WEEK

BERLIN = Calendar("Europe/Berlin")


def bucket(calendar: Calendar, grain: int, text: str) -> datetime:
    return moment_of(calendar.start_of(grain, datetime.fromisoformat(text)))


@pytest.mark.parametrize(
    ("grain", "text", "start"),
    [
        (HOUR, "2026-03-01T12:34:56Z", "2026-03-01T12:00:00Z"),
        (DAY, "2026-03-01T23:30:00Z", "2026-03-01T23:00:00Z"),  # the second of March has begun
        (DAY, "2026-07-01T21:59:59Z", "2026-06-30T22:00:00Z"),
        (WEEK, "2026-11-29T12:00:00Z", "2026-11-22T23:00:00Z"),  # a Sunday, and the Monday before
        (MONTH, "2026-10-31T23:30:00Z", "2026-10-31T23:00:00Z"),  # November
        (MONTH, "2026-10-31T22:30:00Z", "2026-09-30T22:00:00Z"),
    ],
)
def test_a_moment_belongs_to_the_bucket_that_the_clock_of_the_site_shows(grain: int, text: str, start: str) -> None:
    assert bucket(BERLIN, grain, text) == datetime.fromisoformat(start)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_lasts_as_long_as_its_clock_says(day: str, hours: int) -> None:
    start = BERLIN.start_of(DAY, datetime.fromisoformat(f"{day}T12:00:00Z"))
    assert BERLIN.end_of(DAY, start) - start == hours * 3600


def test_the_hour_that_is_shown_twice_is_two_hours() -> None:
    first, second = (bucket(BERLIN, HOUR, f"2026-10-25T0{hour}:30:00Z") for hour in (0, 1))
    assert (second - first).total_seconds() == 3600


def test_a_day_whose_midnight_the_clock_skips_begins_when_it_does() -> None:
    cairo = Calendar("Africa/Cairo")  # 24 April 2026, 00:00 becomes 01:00
    assert bucket(cairo, DAY, "2026-04-24T12:00:00Z") == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_hours_of_half_offsets_begin_when_the_clock_of_the_site_does() -> None:
    assert bucket(Calendar("Asia/Kolkata"), HOUR, "2026-03-01T12:10:00Z") == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("grain", [HOUR, DAY, WEEK, MONTH])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"])
def test_every_bucket_ends_where_the_next_begins(grain: int, zone: str) -> None:
    calendar = Calendar(zone)
    at = calendar.start_of(grain, datetime(2018, 10, 1, tzinfo=UTC))
    for _ in range(24 * 60 if grain == HOUR else 60):
        end = calendar.end_of(grain, at)
        assert calendar.start_of(grain, moment_of(end)) == end
        assert calendar.start_of(grain, moment_of(end - 60)) == at
        at = end


def test_many_moments_have_the_buckets_that_each_has() -> None:
    moments = [f"2026-10-25T{hour:02}:{minute:02}:07.000001Z" for hour in range(24) for minute in (0, 29, 59)]
    found = BERLIN.starts(moments)
    for grain, starts in found.items():
        assert starts.tolist() == [seconds_of(bucket(BERLIN, grain, moment)) for moment in moments]


def test_a_zone_that_is_none_a_moment_without_bucket_and_a_life_without_end_are_refused() -> None:
    with pytest.raises(Misconfigured):
        Calendar("Europe/Atlantis")
    with pytest.raises(InvalidInput):
        BERLIN.starts(["0001-01-01T00:00:00.000000Z"])
    with pytest.raises(InvalidInput):
        BERLIN.end_of(LIFE, 0)
