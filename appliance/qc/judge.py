"""Judging one characteristic: value, uncertainty, decision, and the reasons in words.

Order of the rules, each naming what it stops:

1. No compatible point, or no cell with enough points: not measured (nothing scores by absence).
2. Coverage below what the plan requires, or a hole larger than it allows: not measured.
3. Value and budget; decision by conformance probability.
4. A pass becomes inconclusive where something is missing that a pass needs: an instrument's
   uncertainty, an orientation on thin walls, the alignment that the plan asks for, the absence of
   unexplained material.  A fail stays a fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from appliance.qc import budget
from appliance.qc.budget import Conditions
from appliance.qc.decision import GUARD_FACTOR, can_ever_pass, conformance_probability, decide
from appliance.qc.quantities import (
    CellStatistics,
    mean_weights,
    percentile_rank,
    percentile_weights,
    sampling_u_of_extreme,
    sampling_u_of_mean,
    sampling_u_of_percentile,
)
from appliance.qc.records import (
    FAIL,
    INCONCLUSIVE,
    NOT_MEASURED,
    PASS,
    Characteristic,
    CharacteristicResult,
    Contribution,
)

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ZoneMeasurement:
    """What the deviation station found in the zone of one characteristic.

    Attributes
    ----------
    cells : the cells with points, edge margin left out
    values_mm : float64 (m,), compatible deviations of the points in those cells
    coverage : share of the zone's area, edge margin left out, with enough points
    doubts : sentences, why a pass must not be given
    """

    cells: CellStatistics
    values_mm: Float64
    coverage: float
    largest_uncovered_mm: float
    zone_area_mm2: float
    left_out_area_mm2: float
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Measured:
    """A quantity with the budget of its own sensitivity."""

    value_mm: float
    lines: tuple[Contribution, ...]
    extremes: dict[str, object] = field(default_factory=dict)


def judge(characteristic: Characteristic, zone: ZoneMeasurement, conditions: Conditions) -> CharacteristicResult:
    """The result of one characteristic."""
    blank = CharacteristicResult(
        characteristic, NOT_MEASURED, None, None, zone.coverage,
        points=len(zone.values_mm), cells=len(zone.cells.count),
        left_out_area_mm2=zone.left_out_area_mm2, zone_area_mm2=zone.zone_area_mm2,
        largest_uncovered_mm=zone.largest_uncovered_mm,
    )  # fmt: skip
    measured = _measure(characteristic, zone, conditions)
    if measured is None:
        return replace(blank, reasons=(_absence(characteristic, zone),))
    return _decided(characteristic, zone, conditions, replace(blank, **measured.extremes), measured)  # type: ignore[arg-type]


def limits_of(characteristic: Characteristic) -> tuple[float | None, float | None]:
    """Limits that the value is compared with: for a profile none below and t = U - L above."""
    if characteristic.quantity != "profile":
        return characteristic.lower_mm, characteristic.upper_mm
    assert characteristic.lower_mm is not None  # the plan refuses a profile without both limits
    assert characteristic.upper_mm is not None
    return None, characteristic.upper_mm - characteristic.lower_mm


def _absence(characteristic: Characteristic, zone: ZoneMeasurement) -> str:
    if not len(zone.values_mm):
        return "No scan point belongs to this zone."
    return f"No cell of {characteristic.cell_mm:.3g} mm in this zone holds enough points for a mean."


def _decided(
    characteristic: Characteristic, zone: ZoneMeasurement, conditions: Conditions,
    result: CharacteristicResult, measured: _Measured,
) -> CharacteristicResult:  # fmt: skip
    known = budget.calibration(conditions.instrument, characteristic.u_instrument_mm)
    u = budget.combined(measured.lines)
    lower, upper = limits_of(characteristic)
    result = replace(result, value_mm=measured.value_mm, u_mm=u, budget=measured.lines)
    reasons = _missing_coverage(characteristic, zone)
    if u is not None:
        result = replace(result, guard_band_mm=GUARD_FACTOR * u)
    if u is not None and u > 0:
        result = replace(result, conformance_probability=conformance_probability(measured.value_mm, u, lower, upper))
        decision = decide(measured.value_mm, u, lower, upper)
    else:
        decision = INCONCLUSIVE
    if reasons:
        beyond = ("The covered part is already beyond its limit.",) if decision == FAIL else ()
        return replace(result, decision=NOT_MEASURED, reasons=(*reasons, *beyond))
    doubts = zone.doubts if known else ("The instrument's uncertainty is not stated.", *zone.doubts)
    if u is None:
        doubts = ("The scan does not tell how sure this value is.", *doubts)
    elif u > 0 and not can_ever_pass(u, lower, upper):
        doubts = (*doubts, "The tolerance is narrower than 3.92 u: no value could pass.")
    if decision == PASS and doubts:
        decision = INCONCLUSIVE
    return replace(result, decision=decision, reasons=doubts)


def _missing_coverage(characteristic: Characteristic, zone: ZoneMeasurement) -> tuple[str, ...]:
    reasons = []
    if zone.coverage < characteristic.coverage:
        reasons.append(f"Coverage {zone.coverage:.1%} is below the required {characteristic.coverage:.1%}.")
    if characteristic.uncovered_mm is not None and zone.largest_uncovered_mm > characteristic.uncovered_mm:
        hole, allowed = zone.largest_uncovered_mm, characteristic.uncovered_mm
        reasons.append(f"A disc of {hole:.3g} mm is uncovered; {allowed:.3g} mm is allowed.")
    return tuple(reasons)


def _measure(characteristic: Characteristic, zone: ZoneMeasurement, conditions: Conditions) -> _Measured | None:
    if not len(zone.values_mm):
        return None
    extremes = zone.cells.for_extremes()
    found = _extremes_of(extremes)
    if characteristic.quantity == "profile":
        return _profile(characteristic, extremes, found, conditions)
    if characteristic.quantity in ("min", "max"):
        largest = characteristic.quantity == "max"
        return _extreme(characteristic, extremes, largest, found, conditions)
    return _statistic(characteristic, zone, found, conditions)


def _extremes_of(cells: CellStatistics) -> dict[str, object]:
    if not len(cells.count):
        return {}
    low, high = int(np.argmin(cells.mean_mm)), int(np.argmax(cells.mean_mm))
    return {
        "minimum_mm": float(cells.mean_mm[low]),
        "maximum_mm": float(cells.mean_mm[high]),
        "minimum_at_mm": tuple(float(x) for x in cells.centre_mm[low]),
        "maximum_at_mm": tuple(float(x) for x in cells.centre_mm[high]),
    }


def _statistic(
    characteristic: Characteristic, zone: ZoneMeasurement, found: dict[str, object], conditions: Conditions
) -> _Measured:
    cells = zone.cells
    rank = percentile_rank(characteristic.quantity)
    if rank is None:
        weights = mean_weights(cells)
        value = math.fsum(weights * cells.mean_mm)
        sampling = sampling_u_of_mean(cells, value)
    else:
        value = float(np.percentile(zone.values_mm, 100.0 * rank))
        weights, sampling = percentile_weights(cells, value), sampling_u_of_percentile(cells, value, rank)
    averaged = budget.noise(
        cells.pooled_sd_mm(), len(zone.values_mm), float(cells.area_mm2.sum()), conditions.instrument
    )
    lines = _lines(characteristic, cells, averaged, sampling, lambda shift: float(weights @ shift), conditions)
    return _Measured(value, lines, found)


def _extreme(
    characteristic: Characteristic, cells: CellStatistics, largest: bool,
    found: dict[str, object], conditions: Conditions,
) -> _Measured | None:  # fmt: skip
    if not len(cells.count):
        return None
    pick: Callable[[Float64], np.intp] = np.argmax if largest else np.argmin
    here = int(pick(cells.mean_mm))
    averaged = budget.noise(
        float(cells.sd_mm[here]), int(cells.count[here]), float(cells.area_mm2[here]), conditions.instrument
    )
    sampling = sampling_u_of_extreme(cells.mean_mm, largest=largest)
    edge: Callable[[Float64], np.float64] = np.max if largest else np.min
    lines = _lines(
        characteristic, cells, averaged, sampling, lambda shift: float(edge(cells.mean_mm + shift)), conditions
    )
    return _Measured(float(cells.mean_mm[here]), lines, found)


def _profile(
    characteristic: Characteristic, cells: CellStatistics, found: dict[str, object], conditions: Conditions
) -> _Measured | None:
    """P = 2 max(|d_max - o|, |d_min - o|) with o the middle of the limits (ISO 1101, ASME Y14.5.1)."""
    if not len(cells.count):
        return None
    assert characteristic.lower_mm is not None  # the plan refuses a profile without both limits
    assert characteristic.upper_mm is not None
    middle = 0.5 * (characteristic.lower_mm + characteristic.upper_mm)
    above = abs(float(cells.mean_mm.max()) - middle)
    below = abs(float(cells.mean_mm.min()) - middle)
    governing = _extreme(characteristic, cells, above >= below, found, conditions)
    assert governing is not None  # there are cells
    return _Measured(2.0 * max(above, below), budget.scaled(governing.lines, 2.0), found)


def _lines(
    characteristic: Characteristic, cells: CellStatistics, averaged: Contribution, sampling_mm: float,
    shifted: Callable[[Float64], float], conditions: Conditions,
) -> tuple[Contribution, ...]:  # fmt: skip
    instrument = budget.calibration(conditions.instrument, characteristic.u_instrument_mm)
    stated = (instrument,) if instrument else ()
    return (
        *stated,
        averaged,
        budget.alignment_u(conditions.alignment, cells, shifted),
        budget.chord(conditions.chord_mm),
        budget.temperature(conditions.instrument, cells, conditions.alignment.pivot_mm),
        Contribution("sampling", sampling_mm, f"bootstrap over {len(cells.count)} cells"),
    )
