"""Which alignment an inspection uses, and whether the scanner's place can be believed in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import fit, rigid
from appliance.alignment.facing import Viewpoints
from appliance.alignment.records import Alignment
from appliance.alignment.supplied import shared_frame, supplied
from appliance.cad.records import CadModel
from appliance.errors import InvalidInput
from appliance.inspections.alignment_file import SuppliedAlignment, as_replicates, read_supplied
from appliance.inspections.request import InspectionRequest
from appliance.inspections.steps import Progress
from appliance.mesh.surface import Surface
from appliance.qc.records import CharacteristicSet
from appliance.scans.records import PointCloud

Float64 = npt.NDArray[np.float64]
Position = tuple[float, float, float]

#: Points asked whether their station could have seen the face that they lie on.
_WITNESS_POINTS: Final = 20_000
#: Share of them that must say yes.  A true station reaches 0.97 and more (edges and noise cost the
#: rest); an invented one, such as the origin of merged scans, about one half.
LEAST_FACING_SHARE: Final = 0.8
#: Below this share, for every station, the pose itself is wrong: chance alone gives about one half.
TURNED_AWAY_SHARE: Final = 0.35


def choose_alignment(
    request: InspectionRequest, plan: CharacteristicSet, cad: CadModel, surface: Surface, cloud: PointCloud,
    progress: Progress,
) -> Alignment:  # fmt: skip
    """The alignment that the request asks for: supplied, fitted in the plan's mode, or the shared frame.

    Raises
    ------
    InvalidInput : the matrix is not rigid, or a fit is asked for and the plan says ``supplied``
    """
    if request.supplied is not None:
        return _supplied(read_supplied(request.supplied.read_bytes()), cad)
    if not request.fit:
        return shared_frame()
    mode = plan.alignment or "best_fit_all"
    if mode in ("supplied", "shared_frame"):
        raise InvalidInput("alignment.mode", f"The plan says '{mode}', so nothing is fitted.", "Leave out --align.")
    start = read_supplied(request.start.read_bytes()).part_from_scanner if request.start else None
    return fit.align(
        surface, cloud.xyz_mm, mode=mode, zones=cad.zones, datums=plan.datums,
        reference_zones=plan.reference_zones, start=start, tolerance_mm=smallest_tolerance_mm(plan), cap_mm=plan.cap_mm,
        cell_mm=min(item.cell_mm for item in plan.characteristics), normals=cloud.normals,
        viewpoints=_viewpoints(cloud), progress=progress,
    )  # fmt: skip


def _viewpoints(cloud: PointCloud) -> Viewpoints | None:
    """Where the stations stood, in the frame of the file; None where no station says."""
    stated = [station.position_mm for station in cloud.summary.stations]
    if not any(place is not None for place in stated):
        return None
    unknown = (np.nan, np.nan, np.nan)
    return Viewpoints(cloud.station, np.array([unknown if place is None else place for place in stated]))


def _supplied(stated: SuppliedAlignment, cad: CadModel) -> Alignment:
    """The supplied pose; stated uncertainties turn about the middle of the part."""
    alignment = supplied(stated.part_from_scanner)
    if stated.translation_u_mm is None and stated.rotation_u_rad is None:
        return alignment
    translation_u_mm, rotation_u_rad = stated.translation_u_mm or 0.0, stated.rotation_u_rad or 0.0
    return replace(
        alignment,
        replicates=as_replicates(translation_u_mm, rotation_u_rad),
        pivot_mm=0.5 * (cad.mesh.vertices_mm.min(axis=0) + cad.mesh.vertices_mm.max(axis=0)),
        translation_u_mm=translation_u_mm,
        rotation_u_rad=rotation_u_rad,
    )


def smallest_tolerance_mm(plan: CharacteristicSet) -> float:
    """The narrowest U - L of the plan; a one-sided limit counts as symmetric about nominal."""
    widths = []
    for item in plan.characteristics:
        if item.lower_mm is not None and item.upper_mm is not None:
            widths.append(item.upper_mm - item.lower_mm)
        else:
            widths.append(2.0 * abs(item.lower_mm if item.upper_mm is None else item.upper_mm))  # type: ignore[arg-type]
    return min((width for width in widths if width > 0), default=plan.cap_mm)


@dataclass(frozen=True)
class Stations:
    """Stations in the frame of the file: positions in mm, None where unknown or belied; warnings; facing shares."""

    positions_mm: list[Position | None]
    warnings: list[str]
    facing_shares: list[float]


def check_stations(cloud: PointCloud, alignment: Alignment, surface: Surface) -> Stations:
    """Which of the stated positions of stations are believed.

    A position orients the points that were seen from it.  Files state positions that are none (the
    origin of merged clouds), so each is checked: most of its points must lie on faces turned to it.
    """
    positions: list[Position | None] = []
    warnings, shares = [], []
    for index, station in enumerate(cloud.summary.stations):
        place = station.position_mm
        share = None if place is None else _facing_share(cloud, index, place, alignment, surface)
        shares += [] if share is None else [share]
        if share is not None and share < LEAST_FACING_SHARE:
            place = None
            warnings.append(
                f"The position of station '{station.name}' is not used: only {share:.0%} of its points lie on faces "
                "turned to it."
            )
        positions.append(place)
    return Stations(positions, warnings, shares)


def doubted_by_stations(alignment: Alignment, stations: Stations) -> Alignment:
    """A fitted pose in which every station would have looked through the material is ambiguous.

    Poses that turn a part over can fit as closely as the true one; the stations know better.
    """
    shares = stations.facing_shares
    if alignment.mode in ("supplied", "shared_frame") or not shares or max(shares) >= TURNED_AWAY_SHARE:
        return alignment
    reason = f"In this pose the stations would have seen the part through its material ({max(shares):.0%} faces them)."
    return replace(alignment, ambiguous=True, reasons=(reason, *alignment.reasons))


def _facing_share(
    cloud: PointCloud, station: int, place: Position, alignment: Alignment, surface: Surface
) -> float | None:
    members = np.flatnonzero(cloud.station == station)
    if not len(members):
        return None
    chosen = members[:: max(1, len(members) // _WITNESS_POINTS)]
    points = rigid.apply(alignment.part_from_scanner, cloud.xyz_mm[chosen])
    scanner = rigid.apply(alignment.part_from_scanner, np.array([place]))
    feet = surface.closest(points)
    normals = surface.face_normals[feet.triangle]
    facing = np.einsum("ij,ij->i", normals, scanner - points) > 0
    return float(np.mean(facing))
