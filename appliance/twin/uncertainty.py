"""The standard uncertainty of each cell's mean: the budget of a verdict (qc.budget), cell by cell.

u^2 = s^2/n_eff + u_align^2 + u_cal^2 + (r alpha dT)^2, in mm.  The alignment moves every cell by the jackknife
covariance of the fit, along the cell's normal.  Not in it: the chord of the CAD's triangles, which versions of one
revision share, and what calibration has in common between them: unless it is stated, it counts in full.
Where nobody states the instrument's uncertainty, or the fit's is not known, u is NaN: nothing is called changed on it.
"""

from __future__ import annotations

import numpy as np

from appliance.alignment.records import Alignment
from appliance.alignment.uncertainty import covariance
from appliance.deviation.field import CellField
from appliance.qc.budget import REFERENCE_TEMPERATURE_C
from appliance.qc.records import Instrument
from appliance.twin.records import Bool, Float32, Float64


def cell_uncertainty_mm(
    field: CellField, covered: Bool, alignment: Alignment, instrument: Instrument | None
) -> Float32:
    """Standard uncertainty of the mean of each cell, float32 (c,); NaN where it is not covered or not known."""
    if instrument is None or instrument.u_cal_mm is None:
        return np.full(len(field.count), np.nan, np.float32)
    arm = field.cells.centre_mm - alignment.pivot_mm
    squares = _noise(field, instrument) + _alignment(arm, field.cells.normal, alignment.replicates)
    squares += instrument.u_cal_mm**2 + _temperature(arm, instrument)
    return np.where(covered, np.sqrt(squares), np.nan).astype(np.float32)


def _noise(field: CellField, instrument: Instrument) -> Float64:
    """Variance of the mean of the points: no more of them count than are independent of each other."""
    effective = field.count.astype(np.float64)
    if instrument.correlation_mm > 0:
        effective = np.minimum(effective, field.cells.area_mm2 / instrument.correlation_mm**2)
    return np.asarray(np.square(field.sd_mm) / np.maximum(1.0, effective))


def _alignment(arm_mm: Float64, normal: Float64, replicates: Float64) -> Float64:
    """Variance of each cell's shift along its normal when the fit moves; 0 where nothing was fitted."""
    if len(replicates) < 2:
        return np.zeros(len(arm_mm))
    motion = covariance(replicates)
    if not np.isfinite(motion).all():
        return np.full(len(arm_mm), np.nan)
    gradient = np.hstack([np.cross(arm_mm, normal), normal])
    return np.asarray(np.maximum(0.0, np.einsum("ci,ij,cj->c", gradient, motion, gradient, optimize=True)))


def _temperature(arm_mm: Float64, instrument: Instrument) -> Float64:
    if instrument.temperature_c is None or instrument.temperature_corrected:
        return np.zeros(len(arm_mm))
    change = instrument.expansion_per_k * (instrument.temperature_c - REFERENCE_TEMPERATURE_C)
    return np.asarray(np.square(arm_mm).sum(axis=1) * change**2)
