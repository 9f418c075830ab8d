"""Lay a scan on its nominal, and say how sure that is.

The way of a scan through ``align``:
  1. a sample: strays left out, dense places thinned, moved to its own middle (a part 100 m from the scanner
     loses nothing);
  2. a rough pose: the start walked down, or a search over all poses;
  3. the fit of the mode, to the last digits: best fit, reference zones, or datums one after the other;
  4. the uncertainty, by leaving out one block of space after the other;
  5. the honesty gate: is there a distinct pose that explains the scan as well?

Where datums or reference zones leave freedoms open, the whole scan sets those, and ``reasons`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.alignment.ambiguity import best_rival
from appliance.alignment.descent import descend
from appliance.alignment.equations import normal_equations
from appliance.alignment.newton import DATUM_SHARE, FIT_SHARE, REFERENCE_SHARE
from appliance.alignment.outcome import Sample, alignment_of
from appliance.alignment.polish import Fit, Stage, labelled, polish
from appliance.alignment.records import Alignment
from appliance.alignment.sampling import BLOCKS, DRAWN_POINTS, SPACINGS, blocks, drawn, spacing_mm, strays, thinned
from appliance.alignment.search import global_start
from appliance.alignment.shape import Shape, probes_of, shape_of
from appliance.alignment.uncertainty import replicates
from appliance.cad.records import Zone
from appliance.core.bounds import bounds_of
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Normals = npt.NDArray[np.floating[Any]]
Progress = Callable[[float], None]

#: Points of the final fit: enough that noise of 0.1 mm leaves 0.1 um.
FINAL_POINTS: Final = 1_000_000
#: Steps with all points: from the fit of a share of them one or two are enough, unless the scan leaves the pose free.
LAST_STEPS: Final = 5
#: A blind fit takes the place of a rival whose RMS is below this share of its own, this often at most: the coarse
#: search had ended in a side minimum.  A fit from a stated start stays where it was told to begin.
BETTER: Final = 0.95
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
    progress : receives the fraction done, 0 to 1

    Raises
    ------
    InvalidInput : an unknown mode or zone, a start that is not rigid, points that are not finite, too few
        points on the part, a tolerance or a cell that is not positive
    """
    tell = progress or (lambda _: None)
    stages = _stages(mode, zones, datums, reference_zones)
    _check(xyz_mm, tolerance_mm, cell_mm)
    cap = cap_mm if cap_mm is not None else max(LEAST_CAP_MM, CAP_TOLERANCES * tolerance_mm)
    shape = shape_of(surface.mesh)
    sample = _sampled(xyz_mm, normals, shape, cell_mm)
    tell(0.1)
    rough, searched = _rough(surface, sample, start, shape)
    tell(0.25)
    probes = probes_of(surface.mesh, surface.face_normals, zones)
    for climb in range(MOST_CLIMBS):
        fit = _fitted(surface, sample, rough, stages, cap)
        tell(0.55)
        near = np.abs(fit.feet.distance_mm) <= cap
        rival = best_rival(
            surface,
            sample.points[near],
            fit.part_from_scanner,
            shape,
            probes,
            tolerance_mm=tolerance_mm,
            cell_mm=cell_mm,
            start_u=start_u,
        )
        if (
            start is not None
            or rival.part_from_scanner is None
            or rival.ratio is None
            or rival.ratio >= BETTER
            or climb == LAST
        ):
            break
        rough = rival.part_from_scanner
    tell(0.9)
    motions = blocked_replicates(surface, fit, stages)
    tell(1.0)
    details = {"cap_mm": cap, "starts_searched": searched, "points_beyond_cap": int(len(near) - near.sum())}
    return alignment_of(mode, sample, fit, stages, motions, rival, probes, cell_mm, details)


def _check(xyz: Float64, tolerance_mm: float, cell_mm: float) -> None:
    if xyz.ndim != 2 or xyz.shape[1] != 3 or len(xyz) < LEAST_POINTS:
        raise InvalidInput(
            "alignment.too_few_points", f"A fit needs {LEAST_POINTS} points at least; the scan has {len(xyz)}."
        )
    if not np.isfinite(xyz).all():
        raise InvalidInput("alignment.points.finite", "The scan holds coordinates that are not finite.")
    if not (0.0 < tolerance_mm < np.inf and 0.0 < cell_mm < np.inf):
        raise InvalidInput("alignment.scale", "Tolerance and cell size of an alignment are positive lengths.")


def _stages(
    mode: str, zones: Mapping[str, Zone], datums: Sequence[str], references: Sequence[str]
) -> tuple[Stage, ...]:
    """What fixes the freedoms, in order; the whole scan comes last and takes what is left."""
    everything = Stage("whole scan", None, False, FIT_SHARE)
    if mode == "best_fit_all":
        return (everything,)
    names = {"datum": datums, "reference_zones": references}.get(mode)
    if names is None:
        raise InvalidInput(
            "alignment.mode", f"Alignment '{mode}' is not a way to fit.", "Use datum, reference_zones or best_fit_all."
        )
    if not names:
        raise InvalidInput("alignment.zones.none", f"Alignment '{mode}' names no zones.", "Name them in the plan.")
    found = [_zone(zones, name) for name in names]
    if mode == "reference_zones":
        return (Stage("reference zones", tuple(found), False, REFERENCE_SHARE), everything)
    if len(found) > 3:
        raise InvalidInput("alignment.datums", f"{len(found)} datums are named; three is the most.")
    return (*(Stage(zone.name, (zone,), True, DATUM_SHARE) for zone in found), everything)


def _zone(zones: Mapping[str, Zone], name: str) -> Zone:
    try:
        return zones[name]
    except KeyError:
        known = ", ".join(sorted(zones)) or "none"
        raise InvalidInput("alignment.zone.unknown", f"Zone '{name}' is not on the part.", f"Zones: {known}.") from None


def _sampled(xyz: Float64, normals: Normals | None, shape: Shape, cell_mm: float) -> Sample:
    chosen = drawn(len(xyz), DRAWN_POINTS)
    points = xyz[chosen]
    middle = 0.5 * np.add(*bounds_of(points))
    points = points - middle
    alone = strays(points, max(cell_mm, SPACINGS * spacing_mm(shape.area_mm2, len(points))))
    kept = np.flatnonzero(~alone)
    kept = kept[thinned(points[kept], FINAL_POINTS)]
    if len(kept) < LEAST_POINTS:
        raise InvalidInput("alignment.too_few_points", f"Only {len(kept)} points of the scan have neighbours.")
    own = None if normals is None else np.asarray(normals)[chosen[kept]]
    return Sample(np.ascontiguousarray(points[kept]), own, middle, len(xyz), int(alone.sum()))


def _rough(surface: Surface, sample: Sample, start: Float64 | None, shape: Shape) -> tuple[Float64, int]:
    """A pose of the middled points near its minimum, and how many starts were searched for it."""
    to_scanner = np.eye(4)
    to_scanner[:3, 3] = sample.middle_mm
    searched = 0
    if start is None:
        pose, searched = global_start(surface, sample.points, to_scanner, shape)
    else:
        pose = rigid.check_rigid(start) @ to_scanner
    few = sample.points[thinned(sample.points, ROUGH_POINTS)]
    found = descend(
        surface, few, pose[None], steps=ROUGH_STEPS, robust=True, radius_mm=shape.radius_mm, pivot_mm=shape.centre_mm
    )
    return found.part_from_scanner[0], searched


def _fitted(surface: Surface, sample: Sample, rough: Float64, stages: tuple[Stage, ...], cap_mm: float) -> Fit:
    """The fit of the mode; a best fit comes before any other, so that feet lie on the zones they belong to."""
    chosen = thinned(sample.points, MIDDLE_POINTS)
    few, own = sample.points[chosen], None if sample.normals is None else sample.normals[chosen]
    distance = surface.closest(rigid.apply(rough, few)).distance_mm
    first_cap = FIRST_CAP_MEDIANS * float(np.median(np.abs(distance)))
    pose = polish(
        surface, few, rough, stages[-1:], cap_mm=cap_mm, first_cap_mm=first_cap, normals=own
    ).part_from_scanner
    if len(stages) > 1:
        pose = polish(surface, few, pose, stages, cap_mm=cap_mm, normals=own).part_from_scanner
    fit = polish(surface, sample.points, pose, stages, cap_mm=cap_mm, normals=sample.normals, most_steps=LAST_STEPS)
    for stage, members, basis in zip(stages, fit.members, fit.fixed.bases, strict=True):
        if members.sum() < LEAST_POINTS and (basis.shape[1] or stage.zones is not None):
            raise InvalidInput(
                "alignment.no_overlap",
                f"Only {int(members.sum())} points lie on '{stage.name}' within {cap_mm:g} mm.",
                "Check the units, the start and the cap, and whether the scan covers that zone.",
            )
    return fit


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
