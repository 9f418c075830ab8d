"""The honesty gate: is there another, distinct pose that explains the scan as well? (metrology §4)

From every rotation that might take the part into itself, from the part's own length along each axis (a flat
scan may lie on either of two sides), and from around the start, the scan is let down
to the nearest minimum.  A minimum that differs from the fit by a normal shift above T/10 in any zone, or by a
tangential shift above a cell, is distinct; if its RMS is at most 1.2 times that of the fit, the fit is ambiguous.
The fit that poses are compared with is the best fit of the same points, also where datums were asked for: the
question is which way round the part lies, not how its wear is shared out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.descent import Poses, descend
from appliance.alignment.equations import Nominal
from appliance.alignment.facing import LEAST_FACING_SHARE
from appliance.alignment.part import Part
from appliance.alignment.rigid import inverse
from appliance.alignment.sampling import thinned
from appliance.alignment.shape import is_beyond, shifts_mm
from appliance.alignment.starts import about, offsets, shifts, symmetric_starts

Float64 = npt.NDArray[np.float64]

#: Metrology §4: a distinct pose up to this many times the best RMS makes a fit ambiguous.
AS_GOOD: Final = 1.2
#: A rival whose RMS is below this share of the fit's is the better fit.
BETTER: Final = 0.95
#: Share of the tolerance by which a normal shift makes a pose distinct.
NORMAL_SHARE: Final = 0.1
#: Points and steps of the first two looks, on the sketch, and of the other two, on the exact mesh.
SCREEN: Final = (250, 8)
SECOND: Final = (1_000, 10)
THIRD: Final = (1_000, 12)
LAST: Final = (4_000, 30)
#: Poses that go on to the second look, to the third and to the last one.
SECOND_POSES: Final = 20
THIRD_POSES: Final = 4
LAST_POSES: Final = 2
#: Poses nearer to each other than this share of the part's radius are one place while they are sketched.
PLACE_SHARE: Final = 0.03
#: Of the poses that are near the fit but distinct, so many go on in a round of their own.
NEAR_POSES: Final = 2


@dataclass(frozen=True)
class Gate:
    """Shifts beyond which a pose is distinct, mm; and how far off the start may have been, mm and rad."""

    normal_mm: float
    tangential_mm: float
    start_u: tuple[float, float]


@dataclass(frozen=True)
class Rival:
    """The best distinct pose that was found.

    ``ratio`` : its RMS over that of the fit, None if every start fell back to the fit;
    ``normal_mm``, ``tangential_mm`` : how far it lies from the fit; ``starts`` : how many starts were tried;
    ``fit_facing_share`` : share of the points that the *fit* turns to their stations, 1 where none is known.
    """

    ratio: float | None
    part_from_scanner: Float64 | None
    normal_mm: float
    tangential_mm: float
    starts: int
    fit_facing_share: float

    @property
    def is_better(self) -> bool:
        """Does it explain the scan better than the fit did?"""
        return self.ratio is not None and self.ratio < BETTER


@dataclass(frozen=True)
class _Bout:
    """What the rounds share."""

    part: Part
    points: Float64
    seen_from: Float64 | None
    normal_mm: float
    tangential_mm: float

    def descend(
        self, nominal: Nominal, poses: Float64, size: tuple[int, int], *, robust: bool, damping: float
    ) -> Poses:
        few = thinned(self.points, size[0])
        return descend(
            nominal,
            self.points[few],
            poses,
            steps=size[1],
            robust=robust,
            radius_mm=self.part.shape.radius_mm,
            pivot_mm=self.part.shape.centre_mm,
            damping=damping,
            seen_from=None if self.seen_from is None else self.seen_from[few],
        )

    def possible(self, found: Poses) -> list[bool]:
        """Which poses turn their stations to the part, or do so no less than the first."""
        least = min(LEAST_FACING_SHARE, float(found.facing_share[0]))
        return [bool(share >= least) for share in found.facing_share]

    def distinct(self, poses: Float64, place_mm: float = 0.0) -> list[int]:
        """Positions of poses that differ from the first, by ``place_mm`` at least."""
        back = inverse(poses[0])
        found = []
        for number in range(1, len(poses)):
            normal, tangential = max(self.normal_mm, place_mm), max(self.tangential_mm, place_mm)
            if is_beyond(self.part.probes, poses[number] @ back, normal, tangential):
                found.append(number)
        return found


def best_rival(part: Part, points: Float64, seen_from: Float64 | None, pose: Float64, gate: Gate) -> Rival:
    """Seek the best distinct pose for ``points`` (n, 3), scanner frame, that fit at ``pose``.

    ``seen_from`` : (n, 3), where their stations stood, NaN where unknown, or None: a pose in which these look
    through the material is no rival of one in which they do not.
    """
    bout = _Bout(part, points, seen_from, gate.normal_mm, gate.tangential_mm)
    centre = part.shape.centre_mm
    motions = np.concatenate(
        [
            np.eye(4)[None],
            about(symmetric_starts(part.shape.axes), centre),
            shifts(part.shape.axes.T, part.shape.extent_mm),
            offsets(*gate.start_u, centre),
        ]
    )
    poses = motions @ pose
    starts = len(poses) - 1
    sketch, surface = part.sketch, part.surface
    poses = np.concatenate(_leaders(bout, bout.descend(sketch, poses, SCREEN, robust=True, damping=0.1), SECOND_POSES))
    poses, near = _leaders(bout, bout.descend(sketch, poses, SECOND, robust=False, damping=1e-2), THIRD_POSES)
    poses, _ = _leaders(bout, bout.descend(surface, poses, THIRD, robust=False, damping=1e-3), LAST_POSES)
    poses = np.concatenate([poses, near])
    return _judged(bout, bout.descend(surface, poses, LAST, robust=False, damping=1e-4), starts)


def _leaders(bout: _Bout, found: Poses, most: int) -> tuple[Float64, Float64]:
    """The fit and the best poses elsewhere (each place once); and the best distinct ones near the fit."""
    rms, poses = found.rms_mm, found.part_from_scanner
    place_mm = PLACE_SHARE * bout.part.shape.radius_mm
    elsewhere = set(bout.distinct(poses, place_mm))
    possible = bout.possible(found)
    order = sorted(bout.distinct(poses), key=lambda number: (not possible[number], rms[number], number))
    kept: list[int] = []
    for number in (number for number in order if number in elsewhere):
        if len(kept) == most:
            break
        if len(bout.distinct(poses[[number, *kept]], place_mm)) == len(kept):
            kept.append(number)
    near = [number for number in order if number not in elsewhere][:NEAR_POSES]
    return poses[[0, *kept]], poses[near]


def _judged(bout: _Bout, found: Poses, starts: int) -> Rival:
    rms, poses = found.rms_mm, found.part_from_scanner
    possible = bout.possible(found)
    others = [number for number in bout.distinct(poses) if possible[number]]
    if not others:
        return Rival(None, None, 0.0, 0.0, starts, float(found.facing_share[0]))
    best = min(others, key=lambda number: (rms[number], number))
    normal, tangential = shifts_mm(bout.part.probes, poses[best] @ inverse(poses[0]))
    ratio = float(rms[best] / max(rms[0], 1e-12))
    return Rival(ratio, poses[best], normal, tangential, starts, float(found.facing_share[0]))
