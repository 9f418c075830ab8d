"""What a fit amounts to: the record, its doubts in sentences, its figures for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.alignment.ambiguity import AS_GOOD, Rival
from appliance.alignment.polish import Fit, Stage
from appliance.alignment.records import Alignment
from appliance.alignment.shape import Probes
from appliance.alignment.uncertainty import standard_uncertainties, tangential_u_mm

Float64 = npt.NDArray[np.float64]
Normals = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Sample:
    """Points of the scan about their own middle, with what was left out on the way."""

    points: Float64
    normals: Normals | None
    middle_mm: Float64
    given: int
    strays: int
    seen_from: Float64 | None = None

    def of(self, chosen: npt.NDArray[np.int64]) -> tuple[Float64, Normals | None]:
        """Points and normals of a choice."""
        return self.points[chosen], None if self.normals is None else self.normals[chosen]

    def places(self, chosen: npt.NDArray[np.int64]) -> Float64 | None:
        """Where the stations of a choice stood."""
        return None if self.seen_from is None else self.seen_from[chosen]


def alignment_of(
    mode: str,
    sample: Sample,
    fit: Fit,
    stages: tuple[Stage, ...],
    motions: Float64,
    rival: Rival,
    probes: Probes,
    cell_mm: float,
    details: dict[str, Any],
) -> Alignment:
    """The record of a fit: pose of the points as they were given, residual, uncertainty, doubts, figures."""
    away = np.eye(4)
    away[:3, 3] = -sample.middle_mm
    pose = rigid.compose(fit.part_from_scanner, away)
    used = fit.used
    sliding = tangential_u_mm(motions, probes.points, probes.normals, fit.pivot_mm)
    open_freedoms = fit.fixed.left.shape[1]
    doubts = _doubts(rival, sliding, cell_mm, open_freedoms)
    translation_u, rotation_u = standard_uncertainties(motions)
    return Alignment(
        pose,
        mode,
        float(np.sqrt(np.square(fit.feet.distance_mm[used]).mean())),
        int(used.sum()),
        motions,
        fit.pivot_mm,
        translation_u,
        rotation_u,
        bool(doubts),
        rival.ratio,
        (*doubts, *_notes(fit, stages)),
        details | _details(sample, fit, stages, rival, sliding),
    )


def _doubts(rival: Rival, sliding_u_mm: float, cell_mm: float, open_freedoms: int) -> tuple[str, ...]:
    """Why the pose is ambiguous."""
    doubts = []
    if rival.ratio is not None and rival.ratio <= AS_GOOD:
        doubts.append(
            f"A distinct pose, {rival.normal_mm:.3g} mm off along normals and {rival.tangential_mm:.3g} mm along the "
            f"surface, explains the scan as well (RMS ratio {rival.ratio:.3f}, limit {AS_GOOD})."
        )
    if 2.0 * sliding_u_mm > cell_mm:
        doubts.append(
            f"The scan may slide along the surface by {2.0 * sliding_u_mm:.3g} mm (k = 2), more than a cell "
            f"({cell_mm:.3g} mm)."
        )
    if open_freedoms:
        doubts.append(f"The scan leaves {open_freedoms} of 6 freedoms open.")
    return tuple(doubts)


def _notes(fit: Fit, stages: tuple[Stage, ...]) -> tuple[str, ...]:
    notes = []
    last = fit.fixed.bases[-1].shape[1]
    if len(stages) > 1 and last:
        notes.append(f"The named zones leave {last} of 6 freedoms open; the whole scan sets them.")
    if not fit.at_rest:
        notes.append("The fit did not come fully to rest.")
    return tuple(notes)


def _details(sample: Sample, fit: Fit, stages: tuple[Stage, ...], rival: Rival, sliding_u_mm: float) -> dict[str, Any]:
    return {
        "points_given": sample.given,
        "points_sampled": len(fit.xyz),
        "strays": sample.strays,
        "steps": fit.steps,
        "at_rest": fit.at_rest,
        "open_freedoms": int(fit.fixed.left.shape[1]),
        "stages": [
            {
                "name": stage.name,
                "points": int(members.sum()),
                "freedoms": int(basis.shape[1]),
                "least_share": float(share.min()) if len(share) else None,
            }
            for stage, members, basis, share in zip(stages, fit.members, fit.fixed.bases, fit.fixed.shares, strict=True)
        ],
        "starts_tried": rival.starts,
        "facing_share": None if sample.seen_from is None else rival.fit_facing_share,
        "rival_normal_mm": rival.normal_mm,
        "rival_tangential_mm": rival.tangential_mm,
        "tangential_u_mm": sliding_u_mm,
    }
