"""What fixes the freedoms of a fit, in order: named zones first, the whole scan for what they leave open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from appliance.alignment.newton import DATUM_SHARE, FIT_SHARE, REFERENCE_SHARE
from appliance.alignment.polish import Stage
from appliance.cad.records import Zone
from appliance.errors import InvalidInput


def stages_of(
    mode: str, zones: Mapping[str, Zone], datums: Sequence[str], references: Sequence[str]
) -> tuple[Stage, ...]:
    """The stages of ``mode``; the whole scan comes last and takes what is left.

    Raises
    ------
    InvalidInput : a mode that does not fit, no zones or too many, a zone that is not on the part
    """
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
