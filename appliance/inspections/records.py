"""The outcome of an inspection, as the reports station and the command line receive it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.records import Alignment
from appliance.cad.records import CadModel
from appliance.deviation.field import CellField
from appliance.qc.records import CharacteristicSet, Instrument, Verdict

#: The clouds that an inspection leaves beside its report.
TILES: Final = "points.d2rt"
LAZ: Final = "deviation.laz"
PLY: Final = "deviation.ply"
CLOUDS: Final = (LAZ, PLY, TILES)

#: ``value_at(points_mm (n, 3) on the CAD surface, triangle (n,)) -> (n,) mm``, NaN where uncovered.
FieldLookup = Callable[[npt.NDArray[np.float64], npt.NDArray[np.int32]], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Histogram:
    """Counts of inlier deviations: ``counts`` int64 (b,), ``edges_mm`` float64 (b + 1,)."""

    counts: npt.NDArray[np.int64]
    edges_mm: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Inspection:
    """Everything that a report says about one inspection.

    Attributes
    ----------
    result : the content of result.json (the contract for scripts), JSON types only
    field_at : the deviation field on the CAD surface, for rendered views
    field : the deviation field on cells that depend on the CAD alone, for the twin and its trends
    evidence : name in the evidence pack -> file as it came (``scan``, ``cad``, ``characteristics``
        and, where given, ``zones``, ``instrument``, ``alignment``)
    """

    result: Mapping[str, Any]
    verdict: Verdict
    alignment: Alignment
    cad: CadModel
    plan: CharacteristicSet
    instrument: Instrument | None
    field_at: FieldLookup
    field: CellField
    histogram: Histogram
    evidence: Mapping[str, Path]
