"""Lay a scan on its nominal, and say how sure that is.

The way of a scan through ``align``:
  1. a sample: strays left out, dense places thinned, moved to its own middle (a part 100 m from the scanner
     loses nothing);
  2. a rough pose: the start walked down, or a search over all poses;
  3. the fit of the mode with a share of the points: best fit, reference zones, or datums one after the other;
  4. the honesty gate: is there a distinct pose that explains the scan as well?
  5. the fit to the last digits, with as many points as its noise asks for;
  6. the uncertainty, by leaving out one block of space after the other.

Where datums or reference zones leave freedoms open, the whole scan sets those, and ``reasons`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.alignment.ambiguity import NORMAL_SHARE, Gate, Rival, best_rival
from appliance.alignment.descent import descend
from appliance.alignment.equations import normal_equations
from appliance.alignment.facing import LEAST_FACING_SHARE, Viewpoints
from appliance.alignment.outcome import Sample, alignment_of
from appliance.alignment.part import Part, part_of
from appliance.alignment.polish import Fit, Stage, labelled, polish
from appliance.alignment.records import Alignment
from appliance.alignment.sampling import BLOCKS, DRAWN_POINTS, SPACINGS, blocks, drawn, spacing_mm, strays, thinned
from appliance.alignment.search import global_start
from appliance.alignment.shape import Shape
from appliance.alignment.stages import stages_of
from appliance.alignment.uncertainty import noise_covariance, replicates, shift_u_mm
from appliance.cad.records import Zone
from appliance.core.bounds import bounds_of
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Normals = npt.NDArray[np.floating[Any]]
Progress = Callable[[float], None]

#: Points of the final fit, at most: enough that noise of 0.1 mm leaves 0.1 um.
FINAL_POINTS: Final = 1_000_000
#: It takes as many of them as leave, of the noise, this share of the tolerance along the normals of any zone.
PRECISION_SHARE: Final = 5e-4
#: Steps with these points: from the fit of a share of them one or two are enough, unless the scan leaves the pose
#: free.  Members are then known: those that come and go at the edges of zones would keep the fit from resting.
LAST_STEPS: Final = 5
LAST_FREEZE_AFTER: Final = 1
#: A blind fit takes the place of a better rival this often at most: the coarse search had ended in a side minimum.
#: A fit from a stated start stays where it was told to begin.
MOST_CLIMBS: Final = 3
LAST: Final = MOST_CLIMBS - 1
#: Points of the rough fit and of the one between it and the final one.
ROUGH_POINTS: Final = 2_500
MIDDLE_POINTS: Final = 40_000
ROUGH_STEPS: Final = 25
#: Fewer points than this on the part are no basis for six unknowns and their uncertainty.
LEAST_POINTS: Final = 50
#: How far off a start may be where nothing is stated: hand-placed, mm and rad (2 degrees).
START_U: Final = (5.0, 0.035)
#: Cap where the plan gives none, in tolerances, and its least value in mm.
CAP_TOLERANCES: Final = 10.0
LEAST_CAP_MM: Final = 2.0
#: The cap of a fit begins at this many medians of the rough distances.
FIRST_CAP_MEDIANS: Final = 8.0


def align(
    surface: Surface,
    xyz_mm: Float64,
    *,
    mode: str,
    zones: Mapping[str, Zone],
    datums: Sequence[str] = (),
    reference_zones: Sequence[str] = (),
    start: Float64 | None = None,
    start_u: tuple[float, float] = START_U,
    tolerance_mm: float,
    cell_mm: float,
    cap_mm: float | None = None,
    normals: Normals | None = None,
    viewpoints: Viewpoints | None = None,
    progress: Progress | None = None,
) -> Alignment:
    """Fit a scan to the nominal surface.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), mm, scanner (file) frame
    mode : ``datum``, ``reference_zones`` or ``best_fit_all``
    datums : names of the primary, secondary and tertiary zone, as far as there are
    start : rough ``part_from_scanner``, or None to search everywhere; ``start_u`` : its uncertainty, mm and rad
    tolerance_mm : the smallest U - L of the plan; ``cell_mm`` : the smallest cell; they say what is distinct
    cap_mm : largest distance at which a point still belongs to the part
    normals : (n, 3), scanner frame, out of the material, or None
    viewpoints : where the points were seen from; a pose that turns its faces away from there loses to one that does
        not.  Places that the fit belies (``LEAST_FACING_SHARE``) are not believed: the fit is then made without them
    progress : receives the fraction done, 0 to 1

    Raises
    ------
    InvalidInput : an unknown mode or zone, a start that is not rigid, points that are not finite, too few
        points on the part, a tolerance or a cell that is not positive
    """
    tell = progress or (lambda _: None)
    stages = stages_of(mode, zones, datums, reference_zones)
    _check(xyz_mm, tolerance_mm, cell_mm)
    cap = cap_mm if cap_mm is not None else max(LEAST_CAP_MM, CAP_TOLERANCES * tolerance_mm)
    part = part_of(surface, zones)
    sample = _sampled(xyz_mm, normals, viewpoints, part.shape, cell_mm)
    tell(0.1)
    gate = Gate(NORMAL_SHARE * tolerance_mm, cell_mm, start_u)
    fit, rival, searched = _placed(part, sample, start, stages, cap, gate)
    if sample.seen_from is not None and rival.fit_facing_share < LEAST_FACING_SHARE:
        sample = replace(sample, seen_from=None)
        fit, rival, searched = _placed(part, sample, start, stages, cap, gate)
    tell(0.7)
    fit = _last_fit(part, sample, fit, stages, cap, PRECISION_SHARE * tolerance_mm)
    tell(0.9)
    motions = blocked_replicates(surface, fit, stages)
    tell(1.0)
    beyond = int(np.count_nonzero(~(np.abs(fit.feet.distance_mm) <= cap)))
    details = {"cap_mm": cap, "starts_searched": searched, "points_beyond_cap": beyond}
    return alignment_of(mode, sample, fit, stages, motions, rival, part.probes, cell_mm, details)


def _check(xyz: Float64, tolerance_mm: float, cell_mm: float) -> None:
    if xyz.ndim != 2 or xyz.shape[1] != 3 or len(xyz) < LEAST_POINTS:
        raise InvalidInput(
            "alignment.too_few_points", f"A fit needs {LEAST_POINTS} points at least; the scan has {len(xyz)}."
        )
    if not np.isfinite(bounds_of(xyz)).all():
        raise InvalidInput("alignment.points.finite", "The scan holds coordinates that are not finite.")
    if not (0.0 < tolerance_mm < np.inf and 0.0 < cell_mm < np.inf):
        raise InvalidInput("alignment.scale", "Tolerance and cell size of an alignment are positive lengths.")


def _sampled(
    xyz: Float64, normals: Normals | None, viewpoints: Viewpoints | None, shape: Shape, cell_mm: float
) -> Sample:
    chosen = drawn(len(xyz), DRAWN_POINTS)
    points = xyz[chosen]
    middle = 0.5 * np.add(*bounds_of(points))
    points = points - middle
    alone = strays(points, max(cell_mm, SPACINGS * spacing_mm(shape.area_mm2, len(points))))
    kept = np.flatnonzero(~alone)
    if len(kept) < LEAST_POINTS:
        raise InvalidInput("alignment.too_few_points", f"Only {len(kept)} points of the scan have neighbours.")
    own = None if normals is None else np.asarray(normals)[chosen[kept]]
    places = None if viewpoints is None else viewpoints.of(chosen[kept], middle)
    return Sample(np.ascontiguousarray(points[kept]), own, middle, len(xyz), int(alone.sum()), places)


def _rough(part: Part, sample: Sample, start: Float64 | None) -> tuple[Float64, int]:
    """A pose of the middled points near its minimum, and how many starts were searched for it."""
    to_scanner = np.eye(4)
    to_scanner[:3, 3] = sample.middle_mm
    searched = 0
    if start is None:
        pose, searched = global_start(part, sample.points, to_scanner, sample.seen_from)
    else:
        pose = rigid.check_rigid(start) @ to_scanner
    few = sample.points[thinned(sample.points, ROUGH_POINTS)]
    found = descend(
        part.surface, few, pose[None], steps=ROUGH_STEPS, robust=True, radius_mm=part.shape.radius_mm,
        pivot_mm=part.shape.centre_mm,
    )  # fmt: skip
    return found.part_from_scanner[0], searched


def _placed(
    part: Part, sample: Sample, start: Float64 | None, stages: tuple[Stage, ...], cap_mm: float, gate: Gate
) -> tuple[Fit, Rival, int]:
    """The fit with a share of the points, its best rival, and how many starts were searched for it."""
    rough, searched = _rough(part, sample, start)
    for climb in range(MOST_CLIMBS):
        fit, chosen = _middle_fit(part, sample, rough, stages, cap_mm)
        near = chosen[np.abs(fit.feet.distance_mm) <= cap_mm]
        if len(near) < LEAST_POINTS:
            raise _no_overlap(len(near), "the part", cap_mm)
        rival = best_rival(part, sample.points[near], sample.places(near), fit.part_from_scanner, gate)
        if start is not None or rival.part_from_scanner is None or not rival.is_better or climb == LAST:
            break
        rough = rival.part_from_scanner
    return fit, rival, searched


def _middle_fit(
    part: Part, sample: Sample, rough: Float64, stages: tuple[Stage, ...], cap_mm: float
) -> tuple[Fit, Int64]:
    """The fit of the mode with a share of the points, and which those are.

    A best fit comes before any other, so that feet lie on the zones they belong to.
    """
    chosen = thinned(sample.points, MIDDLE_POINTS)
    few, own = sample.of(chosen)
    distance = part.surface.closest(rigid.apply(rough, few)).distance_mm
    first_cap = FIRST_CAP_MEDIANS * float(np.median(np.abs(distance)))
    fit = polish(part.surface, few, rough, stages[-1:], cap_mm=cap_mm, first_cap_mm=first_cap, normals=own)
    if len(stages) > 1:
        fit = polish(part.surface, few, fit.part_from_scanner, stages, cap_mm=cap_mm, normals=own)
    return fit, chosen


def _last_fit(
    part: Part, sample: Sample, middle: Fit, stages: tuple[Stage, ...], cap_mm: float, precision_mm: float
) -> Fit:
    """The fit of the mode with as many points as the precision asks for, from the fit of a share of them."""
    normal_u_mm = shift_u_mm(noise_covariance(middle), part.probes.points, part.probes.normals, middle.pivot_mm)[0]
    wanted = len(middle.xyz) * min(1e3, (normal_u_mm / precision_mm) ** 2)
    points, own = sample.of(thinned(sample.points, int(np.clip(wanted, MIDDLE_POINTS, FINAL_POINTS))))
    fit = polish(
        part.surface, points, middle.part_from_scanner, stages, cap_mm=cap_mm, normals=own, most_steps=LAST_STEPS,
        freeze_after=LAST_FREEZE_AFTER,
    )  # fmt: skip
    for stage, members, basis in zip(stages, fit.members, fit.fixed.bases, strict=True):
        if members.sum() < LEAST_POINTS and (basis.shape[1] or stage.zones is not None):
            raise _no_overlap(int(members.sum()), f"'{stage.name}'", cap_mm)
    return fit


def _no_overlap(points: int, place: str, cap_mm: float) -> InvalidInput:
    return InvalidInput(
        "alignment.no_overlap",
        f"Only {points} points lie on {place} within {cap_mm:g} mm.",
        "Check the units, the start and the cap, and whether the scan covers that place.",
    )


def blocked_replicates(surface: Surface, fit: Fit, stages: tuple[Stage, ...]) -> Float64:
    """Jackknife replicates (g, 6) of a fit, by spatial blocks of each stage."""
    blocked = []
    for stage, members in zip(stages, fit.members, strict=True):
        label = np.full(len(members), -1, dtype=np.int32)
        label[members] = blocks(fit.xyz[members])
        own = labelled(members, label)
        blocked.append(
            normal_equations(surface, fit.xyz, fit.feet, own, BLOCKS, fit.pivot_mm, on_planes=stage.on_planes)
        )
    return replicates(blocked, fit.fixed)
