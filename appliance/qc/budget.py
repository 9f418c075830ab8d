"""The uncertainty budget (metrology §5): every contribution listed, in mm, as a standard uncertainty.

u^2 = u_cal^2 + s^2/n_eff + u_align^2 + chord^2/3 + (r alpha dT)^2 + u_sampling^2

Calibration is a bias that all points share, so it is not reduced by their number.  ``sensitivity``
is 1 for deviations and 2 for a profile (P = 2 d); it multiplies every line, so that the lines add
up in squares to the u that stands beside the value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.records import Alignment
from appliance.qc.quantities import CellStatistics, motion_shift
from appliance.qc.records import Contribution, Instrument

#: Reference temperature of dimensional metrology (ISO 1).
REFERENCE_TEMPERATURE_C: Final = 20.0


@dataclass(frozen=True)
class Conditions:
    """What holds for a whole inspection: instrument, alignment, and the chord error of the CAD."""

    instrument: Instrument | None
    alignment: Alignment
    chord_mm: float = 0.0


def combined(lines: Iterable[Contribution]) -> float | None:
    """Combined standard uncertainty, mm: the root of the sum of squares; None where a line is not known."""
    parts = [line.u_mm for line in lines]
    known = [part for part in parts if part is not None]
    return math.sqrt(math.fsum(part**2 for part in known)) if len(known) == len(parts) else None


def calibration(instrument: Instrument | None, u_instrument_mm: float | None) -> Contribution | None:
    """The instrument's line, or None where nobody states it."""
    if u_instrument_mm is not None:
        return Contribution("instrument", u_instrument_mm, "stated by the inspection plan")
    if instrument is None or instrument.u_cal_mm is None:
        return None
    return Contribution("instrument", instrument.u_cal_mm, f"calibration: {instrument.u_cal_source}")


def noise(sd_mm: float, points: int, area_mm2: float, instrument: Instrument | None) -> Contribution:
    """Noise of single points, averaged over as many as are independent of each other."""
    correlation = instrument.correlation_mm if instrument else 0.0
    patches = area_mm2 / correlation**2 if correlation > 0 else math.inf
    effective = max(1.0, min(float(points), patches))
    return Contribution("noise", sd_mm / math.sqrt(effective), f"s = {sd_mm:.4f} mm, n_eff = {effective:.0f}")


def alignment_u(
    alignment: Alignment, cells: CellStatistics, shifted: Callable[[npt.NDArray[np.float64]], float]
) -> Contribution:
    """The line of the alignment: ``shifted`` gives the quantity when cell means change by (c,) mm.

    Source: delete-a-block jackknife, variance (g - 1)/g times the sum of squares about the mean.
    """
    blocks = len(alignment.replicates)
    if blocks < 2:
        return Contribution("alignment", 0.0, f"{alignment.mode}: not fitted, no uncertainty stated")
    values = np.array([shifted(motion_shift(cells, motion, alignment.pivot_mm)) for motion in alignment.replicates])
    variance = (blocks - 1) / blocks * float(np.sum(np.square(values - values.mean())))
    if not math.isfinite(variance):
        return Contribution("alignment", None, "not known: parts of the scan alone do not fix the pose")
    source = "stated with the alignment" if alignment.mode == "supplied" else f"block jackknife, {blocks} blocks"
    return Contribution("alignment", math.sqrt(variance), source)


def chord(chord_mm: float) -> Contribution:
    """The line of the CAD's triangles: a rectangular distribution of half-width ``chord_mm``."""
    return Contribution("CAD chord", chord_mm / math.sqrt(3.0), f"chord {chord_mm:.4g} mm / sqrt(3)")


def temperature(
    instrument: Instrument | None, cells: CellStatistics, pivot_mm: npt.NDArray[np.float64]
) -> Contribution:
    """Expansion that was not corrected: r alpha dT, r from the alignment's pivot to the farthest cell."""
    if instrument is None or instrument.temperature_c is None:
        return Contribution("temperature", 0.0, "temperature not stated")
    if instrument.temperature_corrected:
        return Contribution("temperature", 0.0, "corrected before the scan was given")
    reach = float(np.sqrt(np.square(cells.centre_mm - pivot_mm).sum(axis=1).max()))
    change = instrument.temperature_c - REFERENCE_TEMPERATURE_C
    source = f"r = {reach:.0f} mm, alpha = {instrument.expansion_per_k:.3g}/K, dT = {change:+.1f} K"
    return Contribution("temperature", abs(reach * instrument.expansion_per_k * change), source)


def scaled(lines: Iterable[Contribution], sensitivity: float) -> tuple[Contribution, ...]:
    """The same lines for a value that is ``sensitivity`` times the quantity."""
    return tuple(
        line if line.u_mm is None else Contribution(line.name, line.u_mm * sensitivity, line.source) for line in lines
    )
