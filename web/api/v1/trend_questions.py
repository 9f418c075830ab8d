"""What the questions of the area of trends may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from appliance.trends.degrading import TESTED
from web.api.forms import Body, Key, Line, Model, Moment, Reason


class _Within(Model):
    since: Moment | None = Field(None, description="Measured at this moment or later.")
    until: Moment | None = Field(None, description="Measured before this moment.")


class DegradingQuery(Model):
    """Where, and how far."""

    asset: Key | None = Field(None, description="Id or name of the asset.")
    part: Key | None = Field(None, description="Id or name of the part.")
    tested: int = Field(TESTED, ge=1, le=200, description="Series that are looked at, the clearest lines first.")
    limit: int = Field(20, ge=1, le=200, description="The most findings.")


class SeriesQuery(Model):
    """One series."""

    asset: Key = Field(description="Id or name of the asset.")
    characteristic: Key = Field(description="Id of the characteristic, or its name where only one has it.")


class ViolationsQuery(_Within):
    """Of a part or of an asset, in the months that begin within a time."""

    asset: Key | None = Field(None, description="Id or name of the asset.")
    part: Key | None = Field(None, description="Id or name of the part, where no asset is named.")
    limit: int = Field(100, ge=1, le=500, description="The most characteristics, the worst first.")


class CapabilityQuery(Model):
    """Of a characteristic, period by period."""

    characteristic: Key = Field(description="Id of the characteristic, or its name where only one has it.")
    asset: Key | None = Field(None, description="Id or name of an asset; else all of the part.")
    grain: Literal["day", "week", "month"] = Field("month", description="Length of a period on the site's clock.")
    since: Moment | None = Field(None, description="The first period is that of this moment.")
    until: Moment | None = Field(None, description="Periods begin before this moment.")


class ComparisonQuery(_Within):
    """Of a characteristic, in the months that begin within a time; laboratories within the time itself."""

    characteristic: Key = Field(description="Id of the characteristic, or its name where only one has it.")
    by: Literal["asset", "instrument", "operator", "cad_revision", "laboratory"] = Field(
        "asset", description="Who is compared."
    )


class ChartQuery(_Within):
    """Of a characteristic."""

    characteristic: Key = Field(description="Id of the characteristic, or its name where only one has it.")
    asset: Key | None = Field(None, description="Id or name of an asset that has limits of its own.")


class RecallQuery(_Within):
    """What the verdicts depend on; filters are joined by 'and'."""

    instrument: Key | None = Field(None, description="Id of one revision of an instrument, or a name: all of them.")
    cad_revision: Key | None = None
    person_id: Key | None = Field(None, description="Whoever scanned.")
    asset: Key | None = Field(None, description="Id or name of the asset.")
    after: Line = Field("", description="The id of the last inspection of the page before.")
    limit: int = Field(200, ge=1, le=500, description="The most inspections of the page.")


class WhatIfQuery(_Within):
    """Proposed limits of a characteristic."""

    characteristic: Key = Field(description="Id of the characteristic, or its name where only one has it.")
    asset: Key | None = Field(None, description="Id or name of the asset.")
    lower: float | None = Field(
        None, allow_inf_nan=False, description="The proposed lower limit; none: no limit there."
    )
    upper: float | None = Field(None, allow_inf_nan=False, description="The proposed upper limit.")


class WhatIfRevisionQuery(_Within):
    """Whose limits, and of what."""

    cad_revision: Key = Field(description="Id of the revision whose limits are proposed.")
    characteristic_set: Key | None = Field(None, description="Id of the plan; else that of its latest inspection.")
    measured_against: Key | None = Field(
        None, description="Only values measured against this revision; else all others."
    )
    characteristic: Key | None = Field(None, description="Only this one: its id, or its name.")
    asset: Key | None = Field(None, description="Id or name of the asset.")


class LimitsIn(Body):
    """From when to when the process was in control, and why that is said."""

    characteristic: Key
    asset: Key | None = None
    since: Moment
    until: Moment
    reason: Reason


class RepairIn(Body):
    """When an asset was repaired, and what was done."""

    happened_at: Moment
    reason: Reason


class ReferenceIn(Body):
    """Which asset does not change, and how that is known."""

    asset: Key
    reason: Reason
