"""The fit itself: from a pose near its minimum to the minimum, to the last digits that mean anything.

Least squares over signed distances, nothing weighted down.  A point takes part if it is within the cap of
the part, its normal (if known) does not contradict the face (metrology §1: cosine above 0.5), and its foot
lies on a zone of its stage.  Membership follows the pose, and is frozen if it has not come to rest by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.alignment.equations import Equations, normal_equations
from appliance.alignment.following import Following
from appliance.alignment.newton import Freedoms, displacement_rms, freedoms, step
from appliance.cad.records import Zone
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Normals = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

#: A step that moves the points by less, root mean square, ends the fit: a thousandth of what is stated.
AT_REST_MM: Final = 1e-6
MOST_STEPS: Final = 20
#: After so many steps at the final cap the members are frozen.
FREEZE_AFTER: Final = 12


@dataclass(frozen=True)
class Stage:
    """One stage of a fit: its zones (None: the whole surface), and how its points are read.

    ``on_planes`` reads distances to the planes of the faces (datums), else to the surface itself.
    ``least_share`` is the share of a motion that must show for this stage to take it.
    """

    name: str
    zones: tuple[Zone, ...] | None
    on_planes: bool
    least_share: float


@dataclass(frozen=True)
class Fit:
    """A pose at its minimum.

    ``xyz`` : the points in the part frame; ``members`` : bool (n,) a stage; ``equations``, ``fixed`` at the pose.
    """

    part_from_scanner: Float64
    xyz: Float64
    feet: Feet
    members: tuple[Bools, ...]
    equations: tuple[Equations, ...]
    fixed: Freedoms
    pivot_mm: Float64
    steps: int
    at_rest: bool

    @property
    def used(self) -> Bools:
        """Points of the stages that fixed anything."""
        own = [members for members, basis in zip(self.members, self.fixed.bases, strict=True) if basis.shape[1]]
        return np.asarray(np.logical_or.reduce(own or self.members))


def polish(
    surface: Surface,
    points: Float64,
    pose: Float64,
    stages: Sequence[Stage],
    *,
    cap_mm: float,
    first_cap_mm: float = 0.0,
    normals: Normals | None = None,
    most_steps: int = MOST_STEPS,
    freeze_after: int = FREEZE_AFTER,
) -> Fit:
    """Fit ``points`` (n, 3), scanner frame, from ``pose``, in ``most_steps`` steps at most.

    The cap begins at ``first_cap_mm`` and halves with every step down to ``cap_mm``; after ``freeze_after``
    steps at that cap the members stay what they are.
    """
    way = Following(surface, points, normals, pose)
    pivot = way.pivot_mm
    masks = [_masks(stage, len(surface.mesh.triangles)) for stage in stages]
    shares = [stage.least_share for stage in stages]
    cap, final_steps = max(cap_mm, first_cap_mm), 0
    members: tuple[Bools, ...] = ()
    for steps in range(most_steps + 1):
        way.measure(pose, cap)
        xyz, feet = way.xyz, way.feet
        if not members or final_steps <= freeze_after:
            near = np.abs(feet.distance_mm) <= cap
            members = tuple(
                near & _on_zones(surface, xyz, feet, stage, mask) for stage, mask in zip(stages, masks, strict=True)
            )
        equations = tuple(
            normal_equations(surface, xyz, feet, labelled(own), 1, pivot, on_planes=stage.on_planes)
            for stage, own in zip(stages, members, strict=True)
        )
        fixed = freedoms(equations, shares)
        motion = step(equations, fixed)
        moved = displacement_rms(max(equations, key=lambda one: float(one.count[0])), motion)
        at_rest = cap <= cap_mm and moved < AT_REST_MM
        if at_rest or steps == most_steps:
            break
        pose = rigid.compose(rigid.from_small_motion(motion, pivot), pose)
        way.moved(motion)
        final_steps += cap <= cap_mm
        cap = max(cap_mm, 0.5 * cap)
    return Fit(pose, xyz, feet, members, equations, fixed, pivot, steps, at_rest)


def labelled(members: Bools, label: Int32 | None = None) -> Int32:
    """Labels int32 (n,): ``label`` or 0 for members, -1 for all others."""
    return np.where(members, np.int32(0) if label is None else label, np.int32(-1)).astype(np.int32)


def _masks(stage: Stage, triangles: int) -> list[Bools]:
    masks = []
    for zone in stage.zones or ():
        mask = np.zeros(triangles, dtype=np.bool_)
        mask[zone.triangles] = True
        masks.append(mask)
    return masks


def _on_zones(surface: Surface, xyz: Float64, feet: Feet, stage: Stage, masks: Sequence[Bools]) -> Bools:
    """Points whose feet lie on one of the stage's zones; a zone's box clips by the foot."""
    if stage.zones is None:
        return np.ones(len(xyz), dtype=np.bool_)
    found = np.zeros(len(xyz), dtype=np.bool_)
    for zone, mask in zip(stage.zones, masks, strict=True):
        own = mask[feet.triangle]
        if zone.box is not None:
            foot = xyz - feet.distance_mm[:, None] * surface.face_normals[feet.triangle]
            own &= ((foot >= zone.box.lower_mm) & (foot <= zone.box.upper_mm)).all(axis=1)
        found |= own
    return found
