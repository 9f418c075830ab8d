"""Lives of assets: from one repair to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from appliance.core.clock import parse_rfc3339
from appliance.db.bulk import Asked, Kind
from appliance.db.engine import Engine
from appliance.rollups.calendar import seconds_of
from appliance.rollups.records import Counted
from appliance.spc.checks import Int64

_REPAIRS: Final = "SELECT happened_at FROM asset_event WHERE asset_id = ? AND kind = 'repair' ORDER BY happened_at"


def repairs_of(database: Engine, asset_id: str) -> list[str]:
    """When an asset was repaired, RFC 3339 with microseconds, in order."""
    return [str(at) for (at,) in database.look_up(_REPAIRS, asset_id)]


def repairs_of_each(database: Engine, assets: Iterable[str]) -> dict[str, list[str]]:
    """The same of each of many assets."""
    asked = list(assets)
    found = database.look_up_each(_REPAIRS, ("text",), [(asset,) for asset in asked])
    return {asset: [str(at) for (at,) in rows] for asset, rows in zip(asked, found, strict=True)}


def asked_repairs(assets: Iterable[str]) -> Asked:
    """The question for the repairs of assets, to be asked among others."""
    named = list(assets)
    keys: dict[str, Kind] = {"asset_id": "text", "kind": "text"}
    return Asked("asset_event", keys, [named, ["repair"] * len(named)], ("happened_at",))


def repairs_among(assets: Iterable[str], found: Iterable[tuple[Any, ...]]) -> dict[str, list[str]]:
    """Its answer, as ``repairs_of_each`` gives it."""
    repairs = {asset: list[str]() for asset in assets}
    for asset, _, at in found:
        repairs[asset].append(at)
    return {asset: sorted(own) for asset, own in repairs.items()}


def lives(rows: Sequence[Counted], repairs: Mapping[str, Sequence[str]]) -> Int64:
    """The life of each measurement, int64 (n,): the second of the repair that began it, 0 before the first.

    What was measured at the moment of a repair comes after it.
    """
    found = np.zeros(len(rows), dtype=np.int64)
    for number, row in enumerate(rows):
        past = [at for at in repairs[row.asset_id] if at <= row.measured_at]
        found[number] = second(past[-1]) if past else 0
    return found


def second(moment: str) -> int:
    """The second, since 1970, of a text in RFC 3339."""
    return seconds_of(parse_rfc3339(moment))
