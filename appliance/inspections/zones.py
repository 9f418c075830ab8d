"""From deviations to what each characteristic sees: its cells, its values, its doubts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from appliance.alignment.records import Alignment
from appliance.cad.records import CadModel, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.clusters import Cluster
from appliance.deviation.compare import Deviations, thin_wall_area_mm2
from appliance.deviation.coverage import coverage, largest_uncovered_mm
from appliance.deviation.field import CellField, field_of, field_over_points, values_on
from appliance.deviation.neighbourhood import Neighbourhood
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface
from appliance.qc.judge import ZoneMeasurement
from appliance.qc.quantities import CellStatistics
from appliance.qc.records import Characteristic, CharacteristicSet

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """A scan in the part frame, compared with the CAD.

    ``near`` says which points are isolated and whether they know their outside; ``clusters`` are
    points that hang together beyond the cap.
    """

    surface: Surface
    cad: CadModel
    xyz_mm: Float64
    deviations: Deviations
    near: Neighbourhood
    clusters: tuple[Cluster, ...] = ()


def zone_of(cad: CadModel, name: str, asked_by: str) -> Zone:
    """The zone of that name.

    Raises
    ------
    InvalidInput : there is none; names the nearest
    """
    if name in cad.zones:
        return cad.zones[name]
    near = get_close_matches(name, cad.zones, 1)
    hint = f"Did you mean '{near[0]}'?" if near else f"The CAD has the zones {', '.join(sorted(cad.zones))}."
    raise InvalidInput("zone.unknown", f"{asked_by} names the zone '{name}', which the CAD does not have.", hint)


def check_zones(plan: CharacteristicSet, cad: CadModel) -> None:
    """Refuse a plan that names zones which the CAD does not have, before anything is measured."""
    for item in plan.characteristics:
        zone_of(cad, item.zone, f"Characteristic '{item.name}'")
    for name in plan.datums:
        zone_of(cad, name, "The datum system")
    for name in plan.reference_zones:
        zone_of(cad, name, "The list of reference zones")


def measure_zones(
    plan: CharacteristicSet, measured: Measured, alignment: Alignment, doubts: Sequence[str]
) -> list[ZoneMeasurement]:
    """What each characteristic of the plan sees, in the order of the plan.

    Characteristics on the same zone with the same cells share them.
    """
    shared: dict[tuple[str, float, float], ZoneMeasurement] = {}
    found = []
    for item in plan.characteristics:
        key = (item.zone, item.cell_mm, item.edge_mm)
        if key not in shared:
            shared[key] = _measure_zone(item, plan, measured)
        zone = shared[key]
        own = (*zone.doubts, *doubts, *_alignment_doubts(item, plan, alignment))
        found.append(replace(zone, doubts=own))
    return found


def field_over(measured: Measured, cells: SurfaceCells) -> CellField:
    """The deviation field on ``cells``."""
    found = measured.deviations
    return field_over_points(cells, measured.surface, measured.xyz_mm, found.compatible_triangle, found.compatible_mm)


def _measure_zone(item: Characteristic, plan: CharacteristicSet, measured: Measured) -> ZoneMeasurement:
    zone = zone_of(measured.cad, item.zone, f"Characteristic '{item.name}'")
    cells = SurfaceCells.build(measured.surface, zone, cell_mm=item.cell_mm, edge_mm=item.edge_mm)
    found = measured.deviations
    cell, value_mm = values_on(cells, measured.surface, measured.xyz_mm, found.compatible_triangle, found.compatible_mm)
    field, judged = field_of(cells, cell, value_mm), ~cells.left_out
    return ZoneMeasurement(
        cells=statistics_of(field, judged),
        values_mm=value_mm if judged.all() else value_mm[judged[cell]],
        coverage=coverage(field),
        largest_uncovered_mm=largest_uncovered_mm(field),
        zone_area_mm2=cells.total_area_mm2,
        left_out_area_mm2=cells.left_out_area_mm2,
        doubts=_doubts_of_zone(zone, cells, plan, measured),
    )


def statistics_of(field: CellField, judged: npt.NDArray[np.bool_]) -> CellStatistics:
    """The judged cells that hold points."""
    chosen = judged & (field.count > 0)
    cells = field.cells
    return CellStatistics(
        count=field.count[chosen],
        mean_mm=field.mean_mm[chosen],
        sd_mm=np.nan_to_num(field.sd_mm[chosen]),
        centre_mm=cells.anchor_mm[chosen],
        normal=cells.normal[chosen],
        area_mm2=cells.area_mm2[chosen],
    )


def _doubts_of_zone(zone: Zone, cells: SurfaceCells, plan: CharacteristicSet, measured: Measured) -> tuple[str, ...]:
    doubts = []
    if not measured.near.oriented:
        thin = thin_wall_area_mm2(measured.surface, cells, plan.cap_mm)
        if thin > 0.0:
            doubts.append(
                f"The scan does not say from where it was seen, and {thin:.3g} mm2 of this zone lie on walls thinner "
                f"than {2 * plan.cap_mm:.3g} mm: points may belong to either side."
            )
    inside = [cluster for cluster in measured.clusters if zone.name in cluster.zones]
    if inside:
        x, y, z = inside[0].centre_mm
        doubts.append(
            f"Extra or missing material: {sum(cluster.points for cluster in inside):,} points lie farther than "
            f"{plan.cap_mm:.3g} mm from this zone, most of them near ({x:.1f}, {y:.1f}, {z:.1f}) mm."
        )
    return tuple(doubts)


def _alignment_doubts(item: Characteristic, plan: CharacteristicSet, alignment: Alignment) -> tuple[str, ...]:
    applied = "supplied" if alignment.mode == "shared_frame" else alignment.mode
    wanted = "supplied" if plan.alignment == "shared_frame" else plan.alignment
    if wanted is not None and wanted != applied:
        return (f"The plan asks for the alignment '{wanted}', this inspection used '{alignment.mode}'.",)
    if item.quantity == "profile" and plan.datums and applied == "best_fit_all":
        return ("A profile with datums is not judged after a best fit of the whole surface.",)
    return ()
