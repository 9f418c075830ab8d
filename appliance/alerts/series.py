"""The measurements that rules about values look at: which pairs of asset and characteristic are new, their values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.alerts.records import Asked
from appliance.core.clock import parse_rfc3339
from appliance.core.ids import first_id
from appliance.measurements.models import MeasuredCharacteristic, Measurement
from appliance.plant.models import Asset

Float64 = npt.NDArray[np.float64]
Pair = tuple[str, str]

#: Ids are made before their transaction ends, by several clocks: what is this much older is looked at again.
OVERLAP: Final = timedelta(hours=1)
_SECONDS_PER_DAY: Final = 86_400.0


@dataclass(frozen=True)
class Values:
    """The latest values of one characteristic of one asset, oldest first; ``days`` count from the first of them."""

    asset: str
    characteristic: str
    unit: str
    days: Float64
    value: Float64
    ids: tuple[str, ...]
    lower: float | None
    upper: float | None


def new_pairs(asked: Asked) -> list[Pair]:
    """Pairs that were measured since the last look, and those whose alert stands, in the open scope."""
    query = Measurement.select(Measurement.asset_id, Measurement.characteristic_id).distinct()
    if asked.since is not None:
        query = query.where(Measurement.id >= first_id("mea", parse_rfc3339(asked.since) - OVERLAP))
    return sorted({(str(asset), str(characteristic)) for asset, characteristic in query.tuples()} | asked.standing)


def latest_values(pair: Pair, most: int) -> Values | None:
    """The latest ``most`` values of a pair that nothing superseded; None where there are none."""
    newest_first = _standing(pair).order_by(Measurement.measured_at.desc(), Measurement.id.desc())
    rows = list(newest_first.limit(most))[::-1]
    if not rows:
        return None
    moments = [parse_rfc3339(row.measured_at).timestamp() / _SECONDS_PER_DAY for row in rows]
    return Values(
        Asset.known(id=pair[0]).name,
        MeasuredCharacteristic.known(id=pair[1]).name,
        rows[-1].unit,
        np.array(moments) - moments[0],
        np.array([row.value for row in rows], dtype=np.float64),
        tuple(row.id for row in rows),
        rows[-1].lower,
        rows[-1].upper,
    )


def first_values(pair: Pair, count: int) -> dict[str, float]:
    """The first ``count`` values of a pair by the ids of their measurements: what limits are made of, for good."""
    rows = _standing(pair).order_by(Measurement.measured_at, Measurement.id).limit(count)
    return {row.id: float(row.value) for row in rows}


def _standing(pair: Pair) -> Any:
    """Measurements of a pair that have a value and were not superseded."""
    asset_id, characteristic_id = pair
    return Measurement.select().where(
        Measurement.characteristic_id == characteristic_id,
        Measurement.asset_id == asset_id,
        Measurement.superseded_by.is_null(),
        Measurement.value.is_null(False),
    )
