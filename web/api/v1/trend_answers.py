"""What the area of trends answers."""

from __future__ import annotations

from web.api.forms import Out


class DueOut(Out):
    """An event of a forecast: ``already``, ``expected``, ``never``, ``no_trend``; days not named are null."""

    state: str
    at: str | None
    earliest: str | None
    latest: str | None


class BreakOut(Out):
    """A repair, recalibration or CAD change: values on both sides are not compared."""

    at: str
    kind: str


class EvidenceOut(Out):
    """The trend of a characteristic of an asset with its evidence; slopes are per month, figures in ``unit``.

    ``finding``: degrades, recovers, drifts or steady.  ``q`` is ``p`` (Mann-Kendall) adjusted for all series that were
    screened.  ``points`` are single values or means of what ``points_are`` says.
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


class RankingOut(Out):
    """Findings, the most urgent first; ``tested`` of ``screened`` series were looked at."""

    screened: int
    tested: int
    items: list[EvidenceOut]


class ViolationOut(Out):
    """Decisions of one characteristic; ``share`` of those decided that failed, with its 95 % interval."""

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


class ViolationsOut(Out):
    """Characteristics, the worst first."""

    items: list[ViolationOut]


class PeriodOut(Out):
    """Pp and Ppk of one period by ``method``, and why by that; null where nothing can be told."""

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


class CapabilityOut(Out):
    """Periods in their order."""

    items: list[PeriodOut]


class GroupOut(Out):
    """One of those that are compared."""

    member: str
    name: str
    measured: int
    mean: float
    mean_lower: float | None
    mean_upper: float | None
    sd: float | None


class DifferenceOut(Out):
    """Mean of ``first`` less that of ``second``; intervals of all pairs hold together with 95 %."""

    first: str
    second: str
    value: float
    lower: float
    upper: float
    differs: bool


class ComparisonOut(Out):
    """Whether means differ (Welch), in words and figures."""

    by: str
    unit: str
    finding: str
    f: float | None
    p: float | None
    groups: list[GroupOut]
    differences: list[DifferenceOut]


class PointOut(Out):
    """One value of a chart."""

    measured_at: str
    value: float
    inspection_id: str
    instrument_id: str | None


class SignalOut(Out):
    """A run rule that was broken: complete at point ``at``, made by ``points`` (from 0)."""

    statistic: str
    rule: str
    at: int
    measured_at: str
    points: list[int]
    reason: str


class ChartOut(Out):
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


class LimitsOut(Out):
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


class DependentOut(Out):
    """An inspection that depends on what was asked for; ``superseded_by`` is what amended it."""

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


class RecallOut(Out):
    """Inspections in the order of their ids; the page behind follows ``after`` the last one."""

    items: list[DependentOut]


class ChangeOut(Out):
    """How many decisions would go from ``before`` to ``after``."""

    before: str
    after: str
    count: int


class WhatIfOut(Out):
    """History under proposed limits; ``inspections`` are the latest whose decision would be another."""

    lower: float | None
    upper: float | None
    judged: int
    is_complete: bool
    changes: list[ChangeOut]
    inspections: list[str]


class SignalSeenOut(Out):
    """A signal in the chart of a reference artefact."""

    asset_id: str
    asset: str
    characteristic_id: str
    signal: SignalOut
    last_good_at: str | None


class InstrumentStateOut(Out):
    """What reference artefacts say of an instrument: steady, suspect (since the last good value) or unknown."""

    instrument: str
    instrument_id: str
    state: str
    suspect_since: str | None
    checked: int
    suspicions: list[SignalSeenOut]


class InstrumentStatesOut(Out):
    """Instruments that have measured a reference artefact."""

    items: list[InstrumentStateOut]


class ReferenceOut(Out):
    """An asset that does not change."""

    asset_id: str
    reason: str
    created_at: str
    created_by: str


class RepairOut(Out):
    """A repair, with which another life of the asset began."""

    id: str
    asset_id: str
    happened_at: str
    reason: str
    created_at: str
    created_by: str


class RepairsOut(Out):
    """Repairs, the latest first."""

    items: list[RepairOut]
