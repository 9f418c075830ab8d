"""Projections between the surfaces of versions: computed at the first question, kept under the hash of both."""

from __future__ import annotations

from typing import Final

import numpy as np

from appliance.core.canonical import canonical_sha256
from appliance.errors import InvalidInput, Modified
from appliance.objects.sealed import ObjectStore
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinProjection, TwinVersion
from appliance.twin.projection import LIMIT_CELLS, MIN_DOT, Projection, project
from appliance.twin.service import skin_of_version

_FORMAT: Final = "d2r-twin-projection/1"


def projection_between(scope: WorkspaceScope, old: TwinVersion, new: TwinVersion) -> Projection | None:
    """How the cells of ``new`` lie on those of ``old``; None where they are the same cells.

    Raises
    ------
    InvalidInput : the versions are of different parts
    """
    if old.cells_sha256 == new.cells_sha256:
        return None
    if old.part_id != new.part_id:
        raise InvalidInput("twin.parts", "These versions are of different parts: their surfaces have no common frame.")
    key, store = key_of(old, new), ObjectStore.of(scope)
    with scope:
        known: TwinProjection | None = TwinProjection.known(id=key)
    if known is not None:
        return _decode(store.read(known.object), new.cells)
    found = project(skin_of_version(scope, old), skin_of_version(scope, new))
    stored = store.put_bytes(found.source.astype("<i4").tobytes() + found.step_mm.astype("<f4").tobytes())
    with scope.transaction():
        TwinProjection.insert(id=key, sha256=stored.sha256, object=stored.name).on_conflict_ignore().execute()
    return found


def key_of(old: TwinVersion, new: TwinVersion) -> str:
    """What a projection depends on, as one hash."""
    return canonical_sha256([_FORMAT, old.cells_sha256, new.cells_sha256, repr(LIMIT_CELLS), repr(MIN_DOT)])


def _decode(data: bytes, cells: int) -> Projection:
    if len(data) != 8 * cells:
        raise Modified("twin.projection", "A stored projection has another number of cells than its version.")
    return Projection(np.frombuffer(data, "<i4", cells), np.frombuffer(data, "<f4", cells, 4 * cells))
