"""Capability per period: Pp and Ppk by the formula that the values allow.

Of at most ``MOST_VALUES`` values of a period, normality is checked and the formula chosen on the values themselves
(``spc.quantile_capability``): normal, a distribution that fits, their own quantiles, or none.  Distributions are fitted
where at most ``FITTED_PERIODS`` periods are asked for, which takes a second each.  Of more values the exact sums of the
roll-up give the normal figures, and its sketch the quantiles, where these are finer than a twentieth of the spread:
a sketch is exact to 1/256 of a *value*, so it says little of a length of 25 mm within 0.1 mm.

What was told of the same values and limits is remembered: the tally of a period has their fingerprint.

Limits are those of the newest measurement.  Memory: the values of 120 periods at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from appliance.core.clock import parse_rfc3339, rfc3339_us, utc_now
from appliance.errors import InvalidInput, NotFound
from appliance.rollups.calendar import Calendar, calendar_of, moment_of, seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, of_series, sketch_of
from appliance.rollups.records import GRAINS, Dimension, Tally
from appliance.spc.capability import Index, performance, performance_of
from appliance.spc.exact import NANO
from appliance.spc.fingerprint import fingerprint
from appliance.spc.normality import LEAST_VALUES, SIGNIFICANCE, anderson_darling
from appliance.spc.quantile_capability import LEAST_EMPIRICAL, by_sketch, study
from appliance.spc.sketch import RELATIVE_ERROR, QuantileSketch
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.history import text_of_day
from appliance.trends.records import Period
from appliance.trends.remembered import Remembered
from appliance.trends.unchanged import Unchanged

MOST_VALUES: Final = 2_000
FITTED_PERIODS: Final = 3
#: Values that one question to the database answers.
MOST_AT_ONCE: Final = 20_000
#: Periods of one answer.
MOST_PERIODS: Final = 120
#: Coarsest step of a sketch, as a share of the range of its outer quantiles.
_FINE: Final = 0.05
_OUTER: Final = (0.00135, 0.99865)
#: Those of the newest measurement of all assets, each of which has its newest one found by an index.
_LIMITS: Final = (
    "SELECT m.lower, m.upper FROM rollup_owner o CROSS JOIN measurement m WHERE m.id = (SELECT n.id FROM measurement n "
    "WHERE n.characteristic_id = ? AND n.asset_id = o.member AND n.superseded_by IS NULL AND n.value IS NOT NULL "
    "ORDER BY n.measured_at DESC, n.id DESC LIMIT 1) AND o.dimension = 'asset' AND o.part_id = ? "
    "ORDER BY m.measured_at DESC, m.id DESC LIMIT 1"
)
#: Of all assets, one after the other: an index by asset and time finds each one's values of a period.  ``CROSS`` holds
#: SQLite to that order; it would begin with all that was ever measured of the characteristic.
_VALUES: Final = (
    "SELECT m.value FROM rollup_owner o CROSS JOIN measurement m WHERE m.asset_id = o.member AND o.dimension = 'asset' "
    "AND o.part_id = ? AND m.characteristic_id = ? AND m.measured_at >= ? AND m.measured_at < ? "
    f"AND m.superseded_by IS NULL AND m.value IS NOT NULL LIMIT {MOST_VALUES}"
)
_VALUES_OF_ASSET: Final = (
    "SELECT value FROM measurement WHERE characteristic_id = ? AND asset_id = ? AND measured_at >= ? "
    f"AND measured_at < ? AND superseded_by IS NULL AND value IS NOT NULL LIMIT {MOST_VALUES}"
)
#: Pp and Ppk, each with the ends of its interval.
Figures: TypeAlias = tuple[float | None, float | None, float | None, float | None, float | None, float | None]
_NOTHING: Final[Figures] = (None, None, None, None, None, None)


@dataclass(frozen=True)
class _Told:
    """What is told of one period, and by which formula."""

    method: str
    reason: str
    normality_p: float | None
    figures: Figures


#: Periods, in all workspaces of this process: about 4 MB.
_remembered: Final = Remembered[_Told](4096)
_unchanged: Final = Unchanged[tuple[Period, ...]](128)


def capability_of(
    scope: WorkspaceScope,
    characteristic: str,
    grain: str,
    since: str | None = None,
    until: str | None = None,
    *,
    asset: str | None = None,
) -> tuple[Period, ...]:
    """Each period, ``grain`` long, that begins within a time (RFC 3339) and in which something was measured.

    ``characteristic`` and ``asset`` are ids; without an asset all of the part count.
    Remembered while nothing is changed (``trends.unchanged``).

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : it has no limits, or there are too many periods
    """
    end = utc_now() if until is None else parse_rfc3339(until)
    # all ends within one period are one question: what counts is when a period begins
    last = calendar_of(scope.settings.time_zone).start_of(GRAINS[grain], end) + 1 if until is None else seconds_of(end)
    question = characteristic, grain, since, last, asset
    return _unchanged.get(scope, question, lambda: _capability(scope, *question))


def _capability(
    scope: WorkspaceScope, characteristic: str, grain: str, since: str | None, last: int, asset: str | None
) -> tuple[Period, ...]:
    calendar, known = ensure_built(scope), find_characteristic(scope, characteristic)
    first = BEGINNING if since is None else calendar.start_of(GRAINS[grain], parse_rfc3339(since))
    dimension: Dimension = "part" if asset is None else "asset"
    member = known.part_id if asset is None else asset

    def read() -> dict[int, Tally]:
        return of_series(scope.database, calendar, known.id, dimension, member, GRAINS[grain], first, last)

    with scope:
        limits, tallies = scope.database.look_up(_LIMITS, known.id, known.part_id), read()
        _check(limits, len(tallies))
        asked = _Asked(
            scope, calendar, known.part_id, known.id, asset, (limits[0][0], limits[0][1]),
            len(tallies) <= FITTED_PERIODS,
        )  # fmt: skip
        return asked.periods(GRAINS[grain], tallies, read)


def _check(limits: list[tuple[Any, ...]], periods: int) -> None:
    if periods > MOST_PERIODS:
        raise InvalidInput("trends.too_much", f"{periods} periods are more than {MOST_PERIODS}.", "Make them longer.")
    if not limits:
        raise NotFound("trends.nothing", "Nothing was measured of this characteristic.")
    if limits[0] == (None, None):
        raise InvalidInput("spc.limits", "Capability needs a limit.", "Give the characteristic a tolerance.")


class _Asked:
    """One question: of what, and by which limits."""

    def __init__(
        self, scope: WorkspaceScope, calendar: Calendar, part: str, characteristic: str, asset: str | None,
        limits: tuple[float | None, float | None], may_fit: bool,
    ) -> None:  # fmt: skip
        self.workspace, self.database, self.calendar, self.part = scope.workspace_id, scope.database, calendar, part
        self.characteristic, self.asset = characteristic, asset
        self.limits, self.may_fit = limits, may_fit

    def periods(
        self, grain: int, tallies: Mapping[int, Tally], read: Callable[[], Mapping[int, Tally]]
    ) -> tuple[Period, ...]:
        """What is told of each period, by its first second; ``read`` reads the tallies anew."""
        ends = {bucket: self.calendar.end_of(grain, bucket) for bucket in tallies}
        keys = {bucket: self._key(bucket, ends[bucket], tally) for bucket, tally in tallies.items()}
        told = {bucket: known for bucket, key in keys.items() if (known := _remembered.peek(key)) is not None}
        asked = [bucket for bucket, tally in tallies.items() if _is_telling(tally) and bucket not in told]
        few = [bucket for bucket in asked if tallies[bucket].sums.count <= MOST_VALUES]
        for some in _together(few, tallies):
            for bucket, values in self._values({bucket: ends[bucket] for bucket in some}).items():
                told[bucket] = self._of_values(values)
                if fingerprint(values) == tallies[bucket].fingerprint:  # nobody wrote meanwhile
                    _remembered.keep(keys[bucket], told[bucket])
        if many := [bucket for bucket in asked if tallies[bucket].sums.count > MOST_VALUES]:
            told |= {bucket: self._of_rollup(bucket, ends[bucket], tallies[bucket]) for bucket in many}
            after = read()
            for bucket in many:
                if after.get(bucket) == tallies[bucket]:
                    _remembered.keep(keys[bucket], told[bucket])
        return tuple(self._period(bucket, ends[bucket], tally, told.get(bucket)) for bucket, tally in tallies.items())

    def _key(self, since: int, until: int, tally: Tally) -> tuple[Any, ...]:
        """Everything that a period is told of: its values have a fingerprint."""
        return self.workspace, self.characteristic, self.asset, self.limits, self.may_fit, since, until, tally

    def _period(self, bucket: int, end: int, tally: Tally, told: _Told | None) -> Period:
        between = text_of_day(bucket / 86_400), text_of_day(end / 86_400)
        count = tally.sums.count
        mean = tally.sums.mean() / NANO if count else None
        sd = tally.sums.deviation() / NANO if count > 1 else None
        if told is None:
            reason = f"{count} values, or no spread, tell no capability"
            return Period(*between, count, mean, sd, "none", reason, None, *_NOTHING)
        return Period(*between, count, mean, sd, told.method, told.reason, told.normality_p, *told.figures)

    def _of_values(self, values: list[float]) -> _Told:
        p = anderson_darling(values).p
        if p >= SIGNIFICANCE:
            found = performance(values, *self.limits)
            figures = _figures(found.potential, found.actual)
            return _Told("normal", "nothing speaks against normal values", p, figures)
        if not self.may_fit:
            reason = f"not normal: ask for at most {FITTED_PERIODS} periods, and distributions are fitted"
            return _Told("none", reason, p, _NOTHING)
        fitted = study(values, *self.limits)
        return _Told(fitted.method, fitted.reason, p, _figures(fitted.potential, fitted.actual))

    def _of_rollup(self, since: int, until: int, tally: Tally) -> _Told:
        sketch = self._sketch(since, until)
        if sketch is not None and _is_fine(sketch):
            potential, actual = by_sketch(sketch, *self.limits)
            reason = f"{tally.sums.count} values by their own quantiles, from the roll-up"
            return _Told("empirical", reason, None, (potential, None, None, actual, None, None))
        found = performance_of(tally.sums, *self.limits)
        reason = "normal formula from exact sums; so many values were not checked for being normal"
        return _Told("normal", reason, None, _figures(found.potential, found.actual))

    def _sketch(self, since: int, until: int) -> QuantileSketch | None:
        """The sketch of a period; None of an asset's periods that are no whole months."""
        if self.asset is None:
            return sketch_of(self.database, self.characteristic, "part", self.part, since, until)
        is_month = self.calendar.start_of(GRAINS["month"], moment_of(since)) == since
        if not is_month or self.calendar.end_of(GRAINS["month"], since) != until:
            return None
        return sketch_of(self.database, self.characteristic, "asset", self.asset, since, until)

    def _values(self, periods: Mapping[int, int]) -> dict[int, list[float]]:
        """The values of each period, given by its first second and the one after its last, the smallest first."""
        of_what = (self.part, self.characteristic) if self.asset is None else (self.characteristic, self.asset)
        query = _VALUES if self.asset is None else _VALUES_OF_ASSET
        asked = [(*of_what, *(rfc3339_us(moment_of(end)) for end in period)) for period in periods.items()]
        found = self.database.look_up_each(query, ("text",) * 4, asked)
        return {bucket: sorted(value for (value,) in rows) for bucket, rows in zip(periods, found, strict=True)}


def _is_telling(tally: Tally) -> bool:
    """Whether there are values enough, and they differ."""
    return tally.sums.count >= LEAST_VALUES and tally.sums.deviation() > 0


def _together(buckets: Sequence[int], tallies: Mapping[int, Tally]) -> Iterator[list[int]]:
    """Periods whose values are asked for at once: no more of these than ``MOST_AT_ONCE``."""
    asked, count = list[int](), 0
    for bucket in buckets:
        if asked and count + tallies[bucket].sums.count > MOST_AT_ONCE:
            yield asked
            asked, count = [], 0
        asked.append(bucket)
        count += tallies[bucket].sums.count
    if asked:
        yield asked


def _is_fine(sketch: QuantileSketch) -> bool:
    """Whether the steps of a sketch are small against the range that it tells."""
    if sketch.count < LEAST_EMPIRICAL:
        return False
    low, high = (sketch.quantile(share) for share in _OUTER)
    return high > low and 2 * RELATIVE_ERROR * max(abs(low), abs(high)) <= _FINE * (high - low)


def _figures(potential: Index | None, actual: Index | None) -> Figures:
    return (*_figures_of(potential), *_figures_of(actual))


def _figures_of(index: Index | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if index is None else (index.value, index.lower, index.upper)
