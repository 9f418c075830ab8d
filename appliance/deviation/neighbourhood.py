"""What the scan knows of each point by itself: whether it stands alone, and which way its surface looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.bounds import bounds_of
from appliance.core.kernels import in_context, over_chunks, worker_count
from appliance.deviation import isolation
from appliance.deviation.normals import FLAT, PLANE, fit_planes, mark_smooth, normals_of_points, turn
from appliance.deviation.voxels import VOXELS_PER_AXIS, Voxels, moments_of, voxels_of
from appliance.errors import InvalidInput

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt16 = npt.NDArray[np.uint16]
Position = tuple[float, float, float]

#: Points in the voxel of a typical point: a block of 3 x 3 voxels on the surface then holds about 80.
_POINTS_PER_VOXEL: Final = 9.0
#: Voxels double until most points lie on flat blocks (noise beyond the spacing hides the plane), this often at most.
_DOUBLINGS: Final = 4
_NO_GROUP: Final = np.empty(0, dtype=np.uint16)
_NOWHERE: Final = np.full(3, np.nan)
_CHUNK_VOXELS: Final = 8_192


@dataclass(frozen=True)
class Neighbourhood:
    """What the neighbours of each point say about it.

    Attributes
    ----------
    isolated : bool (n,), fewer than 4 neighbours within the isolation distance
    normals : float32 (n, 3), unit, in the frame of the points; NaN where the file's own are missing
    oriented : every normal points out of the material (or is NaN): from the file, or towards the scanner
    uncertain : bool (n,), the neighbours fix no plane: ``normals`` holds the direction to the scanner, and any face
        that is turned to it may be the scanned one (any face at all where no scanner is known); None: none is
    """

    isolated: Bool
    normals: Float32
    oriented: bool
    uncertain: Bool | None = None

    def turn_in_place(self, rotation: Float64) -> None:
        """Turn the normals by ``rotation`` float64 (3, 3), such as the upper part of ``part_from_scanner``."""
        own = np.ascontiguousarray(rotation, dtype=np.float64)
        over_chunks(len(self.normals), lambda a, b: turn(own, self.normals[a:b]))

    def without_normals(self) -> Neighbourhood:
        """The same points once they are compared: normals are 12 of the 14 bytes that a point takes here."""
        return replace(self, normals=self.normals[:0].copy(), uncertain=None)


def examine(
    xyz_mm: Float64,
    *,
    isolation_mm: float,
    station: UInt16 | None = None,
    station_positions_mm: Sequence[Position | None] | None = None,
    normals: Float32 | None = None,
    progress: Callable[[float], None] | None = None,
) -> Neighbourhood:
    """Examine points float64 (n, 3), mm, in any one frame.

    Parameters
    ----------
    isolation_mm : distance within which four neighbours make a point part of the surface
    station : uint16 (n,), setup of each point; its positions are in the frame of the points, None where unknown
    normals : float32 (n, 3) of the file; they win over what the points say

    Normals are found setup by setup: two sides of a thin sheet, seen from two setups, never mix.  Memory: 18 bytes a
    point for the result and the work, and about 130 bytes a voxel of about nine points.

    Raises
    ------
    InvalidInput : the distance is not a positive length, or the points spread too far for it
    """
    if not (np.isfinite(isolation_mm) and isolation_mm > 0.0):
        raise InvalidInput("scan.isolation", f"An isolation distance of {isolation_mm} mm is not a positive length.")
    if len(xyz_mm) == 0:
        return Neighbourhood(np.zeros(0, np.bool_), np.zeros((0, 3), np.float32), normals is not None)
    report = progress or _silent
    xyz = np.ascontiguousarray(xyz_mm, dtype=np.float64)
    lower, upper = bounds_of(xyz)
    side = isolation.voxel_side_mm(isolation_mm)
    _check_spread(lower, upper, side)
    voxel = np.empty(len(xyz), dtype=np.int32)
    occupied = voxels_of(xyz, _NO_GROUP, 0, lower, side, voxel)
    isolated = isolation.isolated_points(xyz, isolation_mm, voxel, occupied)
    report(0.4)
    if normals is not None:
        return Neighbourhood(isolated, _unit(normals), True)
    group, scanners = _groups(len(xyz), station, station_positions_mm)
    found = np.full((len(xyz), 3), np.nan, dtype=np.float32)
    uncertain = np.zeros(len(xyz), dtype=np.bool_)
    if len(scanners) == 1:
        _find_normals(xyz, _NO_GROUP, 0, scanners[0], _step_mm(side, occupied.count), lower, voxel, found, uncertain)
    else:
        _examine_groups(xyz, group, scanners, side, voxel, found, uncertain, report)
    return Neighbourhood(isolated, found, not any(np.isnan(s[0]) for s in scanners), uncertain)


def _silent(_fraction: float) -> None:
    """Progress that nobody watches."""


def _check_spread(lower: Float64, upper: Float64, side: float) -> None:
    spread = float((upper - lower).max())
    if not spread / side < VOXELS_PER_AXIS - 1:
        raise InvalidInput(
            "scan.spread",
            f"The points spread over {spread / 1000.0:.0f} m, too far to compare neighbours at {side:.3g} mm.",
            "Remove stray points from the scan.",
        )


def _groups(
    count: int, station: UInt16 | None, positions: Sequence[Position | None] | None
) -> tuple[UInt16, list[Float64]]:
    """Group uint16 (n,) of each point and the scanner of each group; setups without a position are one group."""
    if station is None or positions is None:
        single = positions[0] if positions is not None and len(positions) == 1 else None
        return _NO_GROUP, [_NOWHERE if single is None else np.array(single, dtype=np.float64)]
    if len(station) != count or (count and int(station.max()) >= len(positions)):
        raise InvalidInput("scan.stations", "The setups of the points do not match the list of setups.")
    counts = over_chunks(count, lambda a, b: np.bincount(station[a:b], minlength=len(positions)))
    present = [int(s) for s in np.flatnonzero(sum(counts))]
    known = [s for s in present if positions[s] is not None]
    group_of_station = np.full(len(positions), len(known), dtype=np.uint16)
    group_of_station[known] = np.arange(len(known))
    scanners: list[Float64] = [np.array(positions[s], dtype=np.float64) for s in known]
    if len(known) < len(present):
        scanners.append(_NOWHERE)
    if len(known) == len(positions):
        return station, scanners
    return group_of_station[station], scanners


def _examine_groups(
    xyz: Float64, group: UInt16, scanners: list[Float64], side: float, voxel: Int32, normals: Float32,
    uncertain: Bool, report: Callable[[float], None],
) -> None:  # fmt: skip
    """Normals of every group; groups run side by side where their points do not interleave.

    ``voxel`` numbers the points' voxels of ``side`` mm, which tell how dense each group is; then it is scratch.
    """
    parts = _parts(group, len(scanners))
    apart = sum(part.stop - part.start for part in parts) == len(xyz)
    steps_mm = []
    for wanted, part in enumerate(parts):
        own = voxel[part] if apart else voxel[part][group[part] == wanted]
        steps_mm.append(_step_mm(side, np.bincount(own)))

    def examine_one(wanted: int) -> None:
        part = parts[wanted]
        points = xyz[part]
        _find_normals(
            points, group[part], wanted, scanners[wanted], steps_mm[wanted], bounds_of(points)[0], voxel[part],
            normals[part], uncertain[part],
        )  # fmt: skip

    # a pool of its own: the work of each group runs on the threads of the kernels
    with ThreadPoolExecutor(worker_count() if apart else 1) as pool:
        for done, _ in enumerate(pool.map(in_context(examine_one), range(len(scanners))), start=1):
            report(0.4 + 0.6 * done / len(scanners))


def _parts(group: UInt16, count: int) -> list[slice]:
    """From the first to the last point of each of ``count`` groups."""
    starts = np.concatenate(([0], np.flatnonzero(group[1:] != group[:-1]) + 1, [len(group)]))
    of_run = group[starts[:-1]]
    runs = [np.flatnonzero(of_run == wanted) for wanted in range(count)]
    return [slice(int(starts[own[0]]), int(starts[own[-1] + 1])) for own in runs]


def _step_mm(side: float, count: Int32 | Int64) -> float:
    """Side of voxels that hold ``_POINTS_PER_VOXEL`` points, from the counts at another ``side``.

    The mean runs over points, not voxels: a fringe of nearly empty voxels has no say.
    """
    weight = count.astype(np.float64)
    return side * float(np.sqrt(_POINTS_PER_VOXEL * weight.sum() / np.square(weight).sum()))


def _find_normals(
    points: Float64, group: UInt16, wanted: int, scanner: Float64, side: float, lower: Float64, voxel: Int32,
    normals: Float32, uncertain: Bool,
) -> None:  # fmt: skip
    """Fit planes to blocks of voxels, doubled until most points lie on flat ones; then write each point's normal."""
    side = max(side, float((bounds_of(points)[1] - lower).max()) / (VOXELS_PER_AXIS - 2))
    for doubling in range(_DOUBLINGS + 1):
        occupied = voxels_of(points, group, wanted, lower, side, voxel)
        planes = _planes(points, lower, side, occupied, voxel)
        with np.errstate(invalid="ignore"):
            flat = planes[:, 3] <= FLAT
        if doubling == _DOUBLINGS or 2 * int(occupied.count[flat].sum()) >= int(occupied.count.sum()):
            break
        side *= 2.0
    smooth = np.empty(len(planes), dtype=np.bool_)
    over_chunks(len(planes), lambda a, b: mark_smooth(occupied.key, planes, a, b, smooth), chunk=_CHUNK_VOXELS)
    over_chunks(
        len(points),
        lambda a, b: normals_of_points(points[a:b], voxel[a:b], planes, smooth, scanner, normals[a:b], uncertain[a:b]),
    )


def _planes(xyz: Float64, lower: Float64, side: float, occupied: Voxels, voxel: Int32) -> Float32:
    """Plane of the block around each voxel."""
    moments = moments_of(xyz, lower, side, occupied, voxel)
    planes = np.empty((len(moments), PLANE), dtype=np.float32)
    over_chunks(len(planes), lambda a, b: fit_planes(occupied.key, moments, a, b, planes), chunk=_CHUNK_VOXELS)
    return planes


def _unit(normals: Float32) -> Float32:
    """Normals of unit length; NaN where a file gave none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True), dtype=np.float32)
