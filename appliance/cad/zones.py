"""Zones of a model: the whole surface, what the CAD file names, and what a zone file adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import CadModel, TriangleMesh, Zone
from appliance.cad.regions import face_group, touching
from appliance.cad.topology import Topology
from appliance.cad.zone_file import Range, ZoneRule
from appliance.errors import InvalidInput, NotFound

#: The zone that names every triangle; it always exists.
ALL: Final = "all"


@dataclass(frozen=True)
class Surface:
    """What zones are found on: a mesh, its edges and the names that the CAD file gives to faces."""

    mesh: TriangleMesh
    edges: Topology
    named_faces: Mapping[str, list[int]]


def find_zones(surface: Surface, rules: Iterable[ZoneRule]) -> dict[str, Zone]:
    """Zone ``all``, a zone for each name in the CAD file, and those of the rules, in this order.

    Raises
    ------
    InvalidInput : a rule takes a name that exists, names what the model does not have, or selects no triangle
    """
    zones = {ALL: Zone(ALL, np.arange(len(surface.mesh.triangles), dtype=np.int32))}
    for name, faces in surface.named_faces.items():
        if name not in zones:
            zones[name] = Zone(name, _rows(np.isin(surface.mesh.face_of_triangle, faces)))
    for rule in rules:
        if rule.name in zones:
            message = f"The zone file names '{rule.name}', which the CAD file itself names already."
            raise InvalidInput("cad.zone.twice", message, "Give the zone another name.")
        zones[rule.name] = _zone(surface, rule)
    return zones


def zone_named(model: CadModel, name: str) -> Zone:
    """A zone of ``model`` by its name.

    Raises
    ------
    NotFound : there is none of this name; the message lists names that are near
    """
    try:
        return model.zones[name]
    except KeyError:
        raise NotFound("cad.zone.unknown", f"The model has no zone '{name}'.", near_names(name, model.zones)) from None


def near_names(name: str, known: Iterable[str]) -> str:
    """A sentence with the known names that look like ``name``, or the first few if none does."""
    names = list(known)
    folded = {candidate.casefold(): candidate for candidate in names}
    near = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    if near:
        return "Did you mean " + " or ".join(f"'{match}'" for match in near) + "?"
    shown = ", ".join(f"'{candidate}'" for candidate in names[:8])
    return f"Known: {shown}{' and others' if len(names) > 8 else ''}." if names else "There are none."


def _zone(surface: Surface, rule: ZoneRule) -> Zone:
    mesh = surface.mesh
    chosen = np.zeros(len(mesh.triangles), dtype=np.bool_)
    for first, last in rule.triangles:
        _within(first, last, len(chosen), f"zone '{rule.name}': triangle")
        chosen[first : last + 1] = True
    chosen |= np.isin(mesh.face_of_triangle, _faces(surface, rule))
    for seed in rule.seeds:
        chosen[face_group(mesh, surface.edges, seed)] = True
    if rule.box is not None:
        inside = touching(mesh, rule.box)
        selected = rule.triangles or rule.faces or rule.face_names or rule.seeds
        chosen = chosen & inside if selected else inside
    if not chosen.any():
        message = f"Zone '{rule.name}' has no triangle."
        raise InvalidInput("cad.zone.empty", message, "Check its numbers and the unit of the zone file.")
    return Zone(rule.name, _rows(chosen), rule.box)


def _faces(surface: Surface, rule: ZoneRule) -> npt.NDArray[np.int64]:
    """Face numbers that a rule names."""
    count = int(surface.mesh.face_of_triangle.max(initial=-1)) + 1
    if rule.faces and not count:
        raise InvalidInput("cad.zone.faces", f"Zone '{rule.name}' names faces, but the model has none.")
    found = [_numbers(span, count, f"zone '{rule.name}': face") for span in rule.faces]
    for name in rule.face_names:
        if name not in surface.named_faces:
            message = f"Zone '{rule.name}' names the face '{name}', which the model does not have."
            raise InvalidInput("cad.zone.face_name", message, near_names(name, surface.named_faces))
        found.append(np.array(surface.named_faces[name], dtype=np.int64))
    return np.concatenate([np.empty(0, dtype=np.int64), *found])


def _numbers(span: Range, count: int, what: str) -> npt.NDArray[np.int64]:
    _within(*span, count, what)
    return np.arange(span[0], span[1] + 1, dtype=np.int64)


def _within(first: int, last: int, count: int, what: str) -> None:
    if last >= count:
        message = f"{what[0].upper()}{what[1:]} {last} does not exist: the model has 0 to {count - 1}."
        raise InvalidInput("cad.zone.number", message)


def _rows(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    return np.flatnonzero(chosen).astype(np.int32)
