"""Trends: questions about many measurements (docs/trends.md).

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class BreakOut(TypedDict):
    """A repair, recalibration or CAD change: values on both sides are not compared."""

    at: str
    kind: str


class CapabilityOut(TypedDict):
    """Periods in their order."""

    items: list[PeriodOut]


class ChangeOut(TypedDict):
    """How many decisions would go from `before` to `after`."""

    before: str
    after: str
    count: int


class ChartOut(TypedDict):
    """Single values against limits that were frozen, and every signal of Nelson's rules."""

    version: int
    centre: float
    sigma: float
    lower: float
    upper: float
    made_since: str
    made_until: str
    reason: str
    points: list[PointOut]
    signals: list[SignalOut]


class DependentOut(TypedDict):
    """An inspection that depends on what was asked for; `superseded_by` is what amended it."""

    id: str
    asset_id: str
    verdict: str | None
    report_number: str | None
    issued_at: str | None
    state: str
    measured_at: str
    instrument_id: str | None
    cad_revision_id: str | None
    operator_id: str | None
    superseded_by: str | None
    instrument_is_suspect: bool


class DifferenceOut(TypedDict):
    """Mean of `first` less that of `second`; intervals of all pairs hold together with 95 %."""

    first: str
    second: str
    value: float
    lower: float
    upper: float
    differs: bool


class DueOut(TypedDict):
    """An event of a forecast: `already`, `expected`, `never`, `no_trend`; days not named are null."""

    state: str
    at: str | None
    earliest: str | None
    latest: str | None


class EvidenceOut(TypedDict):
    """The trend of a characteristic of an asset with its evidence; slopes are per month, figures in `unit`.  `finding`:
    degrades, recovers, drifts or steady.

     `q` is `p` (Mann-Kendall) adjusted for all series that were screened.  `points` are single values or means of what
    `points_are` says.
    """

    asset_id: str
    asset: str
    characteristic_id: str
    characteristic: str
    zone: str
    unit: str
    finding: str
    slope: float
    slope_lower: float | None
    slope_upper: float | None
    confidence: float
    p: float
    q: float | None
    level: float
    lower: float | None
    upper: float | None
    u: float | None
    leaves_pass: DueOut | None
    reaches_fail: DueOut | None
    measured: int
    points: int
    points_are: str
    since: str
    until: str
    breaks: list[BreakOut]
    instrument_id: str | None
    instrument_is_suspect: bool


class GroupOut(TypedDict):
    """One of those that are compared."""

    member: str
    name: str
    measured: int
    mean: float
    mean_lower: float | None
    mean_upper: float | None
    sd: float | None


class InstrumentStateOut(TypedDict):
    """What reference artefacts say of an instrument: steady, suspect (since the last good value) or unknown."""

    instrument: str
    instrument_id: str
    state: str
    suspect_since: str | None
    checked: int
    suspicions: list[SignalSeenOut]


class InstrumentStatesOut(TypedDict):
    """Instruments that have measured a reference artefact."""

    items: list[InstrumentStateOut]


class JudgedCharacteristicOut(TypedDict):
    """One characteristic by the limits of the revision."""

    characteristic_id: str
    name: str
    zone: str
    unit: str
    found: WhatIfOut


class LimitsOut(TypedDict):
    """A version of control limits."""

    id: str
    characteristic_id: str
    asset_id: str
    version: int
    made_since: str
    made_until: str
    reason: str
    created_at: str
    created_by: str


class MeasuredAgainstOut(TypedDict):
    """Revision that values were measured against (null: imported), and whether it has the same geometry."""

    cad_revision_id: str | None
    label: str
    values: int
    is_same_geometry: bool


class NotComparedOut(TypedDict):
    """What the plan says nothing comparable of: `missing` in it, or of other `unit`, `quantity`, `zone`."""

    characteristic_id: str
    name: str
    zone: str
    reason: str
    message: str


class PeriodOut(TypedDict):
    """Pp and Ppk of one period by `method`, and why by that; null where nothing can be told."""

    since: str
    until: str
    measured: int
    mean: float | None
    sd: float | None
    method: str
    reason: str
    normality_p: float | None
    pp: float | None
    pp_lower: float | None
    pp_upper: float | None
    ppk: float | None
    ppk_lower: float | None
    ppk_upper: float | None


class PointOut(TypedDict):
    """One value of a chart."""

    measured_at: str
    value: float
    inspection_id: str
    instrument_id: str | None


class RankingOut(TypedDict):
    """Findings, the most urgent first; `tested` of `screened` series were looked at."""

    screened: int
    tested: int
    items: list[EvidenceOut]


class RecallOut(TypedDict):
    """Inspections in the order of their ids; the page behind follows `after` the last one."""

    items: list[DependentOut]


class ReferenceOut(TypedDict):
    """An asset that does not change."""

    asset_id: str
    reason: str
    created_at: str
    created_by: str


class RepairOut(TypedDict):
    """A repair, with which another life of the asset began."""

    id: str
    asset_id: str
    happened_at: str
    reason: str
    created_at: str
    created_by: str


class RepairsOut(TypedDict):
    """Repairs, the latest first."""

    items: list[RepairOut]


class SignalOut(TypedDict):
    """A run rule that was broken: complete at point `at`, made by `points` (from 0)."""

    statistic: str
    rule: str
    at: int
    measured_at: str
    points: list[int]
    reason: str


class SignalSeenOut(TypedDict):
    """A signal in the chart of a reference artefact."""

    asset_id: str
    asset: str
    characteristic_id: str
    signal: SignalOut
    last_good_at: str | None


class ViolationOut(TypedDict):
    """Decisions of one characteristic; `share` of those decided that failed, with its 95 % interval."""

    characteristic_id: str
    characteristic: str
    zone: str
    unit: str
    measured: int
    passed: int
    failed: int
    inconclusive: int
    not_measured: int
    below: int
    above: int
    share: float | None
    share_lower: float | None
    share_upper: float | None
    lowest: float | None
    highest: float | None


class ViolationsOut(TypedDict):
    """Characteristics, the worst first."""

    items: list[ViolationOut]


class WhatIfOut(TypedDict):
    """History under proposed limits; `inspections` are the latest whose decision would be another."""

    lower: float | None
    upper: float | None
    judged: int
    is_complete: bool
    changes: list[ChangeOut]
    inspections: list[str]


class WhatIfRevisionOut(TypedDict):
    """History by the limits of a revision; `plan_is` says why by this plan, `note` what the values are."""

    cad_revision_id: str
    label: str
    characteristic_set_id: str
    plan_version: int
    plan_is: str
    note: str
    measured_against: list[MeasuredAgainstOut]
    characteristics: list[JudgedCharacteristicOut]
    not_compared: list[NotComparedOut]


class web__api__v1__trend_answers__ComparisonOut(TypedDict):
    """Whether means differ (Welch), in words and figures."""

    by: str
    unit: str
    finding: str
    f: float | None
    p: float | None
    groups: list[GroupOut]
    differences: list[DifferenceOut]


class Trends:
    """Trends: questions about many measurements (docs/trends.md)."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_degrading(
        self,
        *,
        asset: str | None = None,
        part: str | None = None,
        tested: int | None = None,
        limit: int | None = None,
        held: RankingOut | None = None,
    ) -> RankingOut:
        """What degrades.

        Parameters
        ----------
        asset : id or name of the asset
        part : id or name of the part
        tested : series that are looked at, the clearest lines first
        limit : the most findings
        held : what the caller holds already; given back where it is unchanged
        """
        record: RankingOut = self._calls.get(
            f"{self._calls.workspace}/trends/degrading",
            held,
            query={"asset": asset, "part": part, "tested": tested, "limit": limit},
        )
        return record

    def get_trend(self, *, asset: str, characteristic: str, held: EvidenceOut | None = None) -> EvidenceOut:
        """The trend of one characteristic of one asset, and when it will matter.

        Parameters
        ----------
        asset : id or name of the asset
        characteristic : id of the characteristic, or its name where only one has it
        held : what the caller holds already; given back where it is unchanged
        """
        record: EvidenceOut = self._calls.get(
            f"{self._calls.workspace}/trends/series", held, query={"asset": asset, "characteristic": characteristic}
        )
        return record

    def list_violations(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        asset: str | None = None,
        part: str | None = None,
        limit: int | None = None,
        held: ViolationsOut | None = None,
    ) -> ViolationsOut:
        """Which limits are broken, how often.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        asset : id or name of the asset
        part : id or name of the part, where no asset is named
        limit : the most characteristics, the worst first
        held : what the caller holds already; given back where it is unchanged
        """
        record: ViolationsOut = self._calls.get(
            f"{self._calls.workspace}/trends/violations",
            held,
            query={"since": since, "until": until, "asset": asset, "part": part, "limit": limit},
        )
        return record

    def list_capability(
        self,
        *,
        characteristic: str,
        asset: str | None = None,
        grain: Literal["day", "week", "month"] | None = None,
        since: str | None = None,
        until: str | None = None,
        held: CapabilityOut | None = None,
    ) -> CapabilityOut:
        """Capability per period.

        Parameters
        ----------
        characteristic : id of the characteristic, or its name where only one has it
        asset : id or name of an asset; else all of the part
        grain : length of a period on the site's clock
        since : the first period is that of this moment
        until : periods begin before this moment
        held : what the caller holds already; given back where it is unchanged
        """
        record: CapabilityOut = self._calls.get(
            f"{self._calls.workspace}/trends/capability",
            held,
            query={"characteristic": characteristic, "asset": asset, "grain": grain, "since": since, "until": until},
        )
        return record

    def compare(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        characteristic: str,
        by: Literal["asset", "instrument", "operator", "cad_revision", "laboratory"] | None = None,
        held: web__api__v1__trend_answers__ComparisonOut | None = None,
    ) -> web__api__v1__trend_answers__ComparisonOut:
        """Whether assets, instruments, operators, revisions or laboratories differ.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        characteristic : id of the characteristic, or its name where only one has it
        by : who is compared
        held : what the caller holds already; given back where it is unchanged
        """
        record: web__api__v1__trend_answers__ComparisonOut = self._calls.get(
            f"{self._calls.workspace}/trends/comparison",
            held,
            query={"since": since, "until": until, "characteristic": characteristic, "by": by},
        )
        return record

    def get_chart(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        characteristic: str,
        asset: str | None = None,
        held: ChartOut | None = None,
    ) -> ChartOut:
        """The control chart of a characteristic.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        characteristic : id of the characteristic, or its name where only one has it
        asset : id or name of an asset that has limits of its own
        held : what the caller holds already; given back where it is unchanged
        """
        record: ChartOut = self._calls.get(
            f"{self._calls.workspace}/trends/chart",
            held,
            query={"since": since, "until": until, "characteristic": characteristic, "asset": asset},
        )
        return record

    def freeze(
        self,
        *,
        characteristic: str,
        asset: str | None = None,
        since: str,
        until: str,
        reason: str,
        idempotency_key: str | None = None,
    ) -> LimitsOut:
        """Freeze control limits as the next version.

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: LimitsOut = self._calls.once(
            f"{self._calls.workspace}/trends/limits",
            idempotency_key,
            body={"characteristic": characteristic, "asset": asset, "since": since, "until": until, "reason": reason},
        )
        return record

    def list_recalled(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        instrument: str | None = None,
        cad_revision: str | None = None,
        person_id: str | None = None,
        asset: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        held: RecallOut | None = None,
    ) -> RecallOut:
        """Every verdict that depends on an instrument, a revision, a person, a time.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        instrument : id of one revision of an instrument, or a name: all of them
        person_id : whoever scanned
        asset : id or name of the asset
        after : the id of the last inspection of the page before
        limit : the most inspections of the page
        held : what the caller holds already; given back where it is unchanged
        """
        record: RecallOut = self._calls.get(
            f"{self._calls.workspace}/trends/recall",
            held,
            query={
                "since": since,
                "until": until,
                "instrument": instrument,
                "cad_revision": cad_revision,
                "person_id": person_id,
                "asset": asset,
                "after": after,
                "limit": limit,
            },
        )
        return record

    def ask_what_if(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        characteristic: str,
        asset: str | None = None,
        lower: float | None = None,
        upper: float | None = None,
        held: WhatIfOut | None = None,
    ) -> WhatIfOut:
        """History judged by proposed limits.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        characteristic : id of the characteristic, or its name where only one has it
        asset : id or name of the asset
        lower : the proposed lower limit; none: no limit there
        upper : the proposed upper limit
        held : what the caller holds already; given back where it is unchanged
        """
        record: WhatIfOut = self._calls.get(
            f"{self._calls.workspace}/trends/what-if",
            held,
            query={
                "since": since,
                "until": until,
                "characteristic": characteristic,
                "asset": asset,
                "lower": lower,
                "upper": upper,
            },
        )
        return record

    def ask_what_if_revision(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        cad_revision: str,
        characteristic_set: str | None = None,
        measured_against: str | None = None,
        characteristic: str | None = None,
        asset: str | None = None,
        held: WhatIfRevisionOut | None = None,
    ) -> WhatIfRevisionOut:
        """History judged by the limits of another CAD revision.

        Parameters
        ----------
        since : measured at this moment or later
        until : measured before this moment
        cad_revision : id of the revision whose limits are proposed
        characteristic_set : id of the plan; else that of its latest inspection
        measured_against : only values measured against this revision; else all others
        characteristic : only this one: its id, or its name
        asset : id or name of the asset
        held : what the caller holds already; given back where it is unchanged
        """
        record: WhatIfRevisionOut = self._calls.get(
            f"{self._calls.workspace}/trends/what-if/revision",
            held,
            query={
                "since": since,
                "until": until,
                "cad_revision": cad_revision,
                "characteristic_set": characteristic_set,
                "measured_against": measured_against,
                "characteristic": characteristic,
                "asset": asset,
            },
        )
        return record

    def list_instrument_states(self, *, held: InstrumentStatesOut | None = None) -> InstrumentStatesOut:
        """What reference artefacts say of the instruments.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: InstrumentStatesOut = self._calls.get(f"{self._calls.workspace}/trends/instruments", held)
        return record

    def declare_reference(self, *, asset: str, reason: str, idempotency_key: str | None = None) -> ReferenceOut:
        """Declare a reference artefact.

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: ReferenceOut = self._calls.once(
            f"{self._calls.workspace}/trends/references", idempotency_key, body={"asset": asset, "reason": reason}
        )
        return record

    def list_repairs(self, asset: str, *, held: RepairsOut | None = None) -> RepairsOut:
        """Repairs of an asset.

        Parameters
        ----------
        asset : id or name of an asset
        held : what the caller holds already; given back where it is unchanged
        """
        record: RepairsOut = self._calls.get(f"{self._calls.workspace}/assets/{quoted(asset)}/repairs", held)
        return record

    def record_repair(
        self, asset: str, *, happened_at: str, reason: str, idempotency_key: str | None = None
    ) -> RepairOut:
        """Record a repair: its trends begin anew.

        Parameters
        ----------
        asset : id or name of an asset
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: RepairOut = self._calls.once(
            f"{self._calls.workspace}/assets/{quoted(asset)}/repairs",
            idempotency_key,
            body={"happened_at": happened_at, "reason": reason},
        )
        return record
