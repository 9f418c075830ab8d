"""The honesty gate: is there another, distinct pose that explains the scan as well? (metrology §4)

From every rotation that might take the part into itself, and from around the start, the scan is let down
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
from appliance.alignment.rigid import inverse
from appliance.alignment.sampling import thinned
from appliance.alignment.shape import Probes, Shape, shifts_mm
from appliance.alignment.sketch import sketch_of
from appliance.alignment.starts import about, offsets, symmetric_starts
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]

#: Metrology §4: a distinct pose up to this many times the best RMS makes a fit ambiguous.
AS_GOOD: Final = 1.2
#: Share of the tolerance by which a normal shift makes a pose distinct.
NORMAL_SHARE: Final = 0.1
#: Points and steps of the first two looks, on the sketch, and of the last, on the exact mesh.
SCREEN: Final = (250, 8)
SECOND: Final = (1_000, 10)
LAST: Final = (4_000, 30)
#: Poses that go on to the second look, and to the last one.
SECOND_POSES: Final = 20
LAST_POSES: Final = 4
#: Poses nearer to each other than this share of the part's radius are one place while they are sketched.
PLACE_SHARE: Final = 0.03
#: Of the poses that are near the fit but distinct, so many go on in a round of their own.
NEAR_POSES: Final = 2


@dataclass(frozen=True)
class Rival:
    """The best distinct pose that was found.

    ``ratio`` : its RMS over that of the fit, None if every start fell back to the fit;
    ``normal_mm``, ``tangential_mm`` : how far it lies from the fit; ``starts`` : how many starts were tried.
    """

    ratio: float | None
    part_from_scanner: Float64 | None
    normal_mm: float
    tangential_mm: float
    starts: int


@dataclass(frozen=True)
class _Bout:
    """What the rounds share."""

    surface: Surface
    points: Float64
    shape: Shape
    probes: Probes
    normal_mm: float
    tangential_mm: float

    def descend(
        self, nominal: Nominal, poses: Float64, size: tuple[int, int], *, robust: bool, damping: float
    ) -> Poses:
        few = self.points[thinned(self.points, size[0])]
        return descend(
            nominal,
            few,
            poses,
            steps=size[1],
            robust=robust,
            radius_mm=self.shape.radius_mm,
            pivot_mm=self.shape.centre_mm,
            damping=damping,
        )

    def distinct(self, poses: Float64, place_mm: float = 0.0) -> list[int]:
        """Positions of poses that differ from the first, by ``place_mm`` at least."""
        back = inverse(poses[0])
        found = []
        for number in range(1, len(poses)):
            normal, tangential = shifts_mm(self.probes, poses[number] @ back)
            if normal > max(self.normal_mm, place_mm) or tangential > max(self.tangential_mm, place_mm):
                found.append(number)
        return found


def best_rival(
    surface: Surface,
    points: Float64,
    pose: Float64,
    shape: Shape,
    probes: Probes,
    *,
    tolerance_mm: float,
    cell_mm: float,
    start_u: tuple[float, float],
) -> Rival:
    """Seek the best distinct pose for ``points`` (n, 3), scanner frame, that fit at ``pose``.

    ``start_u`` : how far off the start may have been, mm and rad.
    """
    bout = _Bout(surface, points, shape, probes, NORMAL_SHARE * tolerance_mm, cell_mm)
    motions = np.concatenate(
        [np.eye(4)[None], about(symmetric_starts(shape.axes), shape.centre_mm), offsets(*start_u, shape.centre_mm)]
    )
    poses = motions @ pose
    starts = len(poses) - 1
    sketch = sketch_of(surface)
    poses = _leaders(bout, bout.descend(sketch, poses, SCREEN, robust=True, damping=0.1), SECOND_POSES)
    poses = _leaders(bout, bout.descend(sketch, poses, SECOND, robust=False, damping=1e-2), LAST_POSES)
    return _judged(bout, bout.descend(surface, poses, LAST, robust=False, damping=1e-4), starts)


def _leaders(bout: _Bout, found: Poses, most: int) -> Float64:
    """The fit, the best poses elsewhere (each place once), and the best distinct ones near the fit."""
    rms, poses = found.rms_mm, found.part_from_scanner
    place_mm = PLACE_SHARE * bout.shape.radius_mm
    elsewhere = set(bout.distinct(poses, place_mm))
    order = sorted(bout.distinct(poses), key=lambda number: (rms[number], number))
    kept: list[int] = []
    for number in (number for number in order if number in elsewhere):
        if len(kept) == most:
            break
        if len(bout.distinct(poses[[number, *kept]], place_mm)) == len(kept):
            kept.append(number)
    near = [number for number in order if number not in elsewhere][:NEAR_POSES]
    return poses[[0, *kept, *near]]


def _judged(bout: _Bout, found: Poses, starts: int) -> Rival:
    rms, poses = found.rms_mm, found.part_from_scanner
    others = bout.distinct(poses)
    if not others:
        return Rival(None, None, 0.0, 0.0, starts)
    best = min(others, key=lambda number: (rms[number], number))
    normal, tangential = shifts_mm(bout.probes, poses[best] @ inverse(poses[0]))
    ratio = float(rms[best] / max(rms[0], 1e-12))
    return Rival(ratio, poses[best], normal, tangential, starts)
