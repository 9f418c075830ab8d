"""Pages of inspections or measurements that depend on an instrument which moved, or of those that do not.

Suspicions stand in rows of their own (``measurements.suspicion``), so a page is put together from the pages of single
instruments, each of which an index has in the order of the list.  All instruments at once would sort or read
every row: a tenth of a second for 300,000 where few are found, and where few are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from appliance.core.clock import parse_rfc3339
from appliance.core.ids import first_id
from appliance.db.listing import LARGEST_PAGE, Listing
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import InstrumentSuspicion, Measurement
from appliance.measurements.suspicion import Marks
from appliance.plant.models import Instrument
from appliance.tenancy.scope import WorkspaceScope

_KINDS: Final = {InspectionRow: "ins", Measurement: "mea"}
#: Nothing is taken that says it was measured later than this after it came, but for what settings allow to devices.
_MOST_AHEAD: Final = timedelta(days=1)
#: Ids are made by the clocks of several machines.
_CLOCKS_DIFFER: Final = timedelta(hours=1)

Condition = Any


@dataclass(frozen=True)
class SuspectPage:
    """One page of rows of ``model`` that meet all ``conditions``; both ways raise as ``Listing.rows`` does."""

    scope: WorkspaceScope
    model: Any
    listing: Listing
    conditions: Sequence[Condition]
    standing: Marks

    def suspect(self) -> list[Any]:
        """Those that were measured after their instrument moved."""
        return self._of_any([self._after(one) for one in self.standing.standing.values()])

    def clear(self) -> list[Any]:
        """Those that were not; mostly, enough of the next rows are."""
        look = replace(self.listing, limit=LARGEST_PAGE)
        with self.scope:
            rows = look.rows(self.model, *self.conditions)
        clear = [row for row in rows if self.standing.of(row.instrument_id, row.measured_at) is None]
        if len(rows) < look.limit or len(clear) >= self.listing.limit:
            return clear[: self.listing.limit]
        with self.scope:
            others = [row.id for row in Instrument.select(Instrument.id) if row.id not in self.standing.standing]
        before = [each for one in self.standing.standing.values() if one.since for each in self._until(one)]
        return self._of_any([[self._lead.instrument_id.is_null()], *map(self._with, others), *before])

    @property
    def _lead(self) -> Any:
        """Where instrument and moment are looked up: an inspection has them in common with all of its measurements."""
        return self.model if self._is_by_id else InspectionRow

    @property
    def _is_by_id(self) -> bool:
        return self.listing.columns == ("id",)

    def _with(self, instrument_id: str) -> list[Condition]:
        return [self._lead.instrument_id == instrument_id]

    def _after(self, one: InstrumentSuspicion) -> list[Condition]:
        """What came before a moment was measured before it: ids tell when it came, so that it is not looked at."""
        after = [*self._with(one.instrument_id), self._lead.measured_at > one.since]
        return [*after, self.model.id >= self._first(one)] if one.since and self._is_by_id else after

    def _until(self, one: InstrumentSuspicion) -> list[list[Condition]]:
        """What was measured until then: all that came before, and what came late."""
        until = [*self._with(one.instrument_id), self._lead.measured_at <= one.since]
        if not self._is_by_id:
            return [until]
        first = self._first(one)
        return [[*self._with(one.instrument_id), self.model.id < first], [*until, self.model.id >= first]]

    def _first(self, one: InstrumentSuspicion) -> str:
        """Behind which id is everything that was measured after the instrument moved."""
        ahead = max(_MOST_AHEAD, timedelta(seconds=self.scope.settings.clock_skew_seconds)) + _CLOCKS_DIFFER
        return first_id(_KINDS[self.model], parse_rfc3339(one.since) - ahead)

    def _of_any(self, either: Sequence[Sequence[Condition]]) -> list[Any]:
        """The rows that meet one of ``either``, no two of which hold for one row."""
        lead, joined = self._lead, []
        if lead is not self.model:
            joined = [lead.id == self.model.inspection_id]
        with self.scope:
            found = [
                row
                for one in either
                for row in self.listing.rows(self.model, *self.conditions, *joined, *one, led_by=lead)
            ]
        found.sort(key=self.listing.place, reverse=self.listing.sort.startswith("-"))
        return found[: self.listing.limit]
