"""The degradation map of an asset: of each cell, how fast it moves, and whether that is more than chance.

The trend is that of ``spc.fields``: slope by Theil and Sen, tested by Mann and Kendall with what the cell's own
residuals say about autocorrelation, cells called at a false discovery rate of 5 %.  A series breaks where the CAD
revision changes (metrology §9), so a map holds the versions on the cells of the last one; across revisions on demand,
by projection.  Repairs and recalibrations are told by ``since``.

Memory: 4 bytes a cell and version, and 60 bytes a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.clock import parse_rfc3339
from appliance.errors import Conflict, InvalidInput
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import find_asset
from appliance.plant.models import Asset
from appliance.spc.fields import FieldTrends, field_trends
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.comparing import field_on
from appliance.twin.content import verify_version
from appliance.twin.files import read_means
from appliance.twin.models import TwinVersion
from appliance.twin.records import Bool, Float64, Int32, Skin, millimetres
from appliance.twin.repository import counting_versions
from appliance.twin.service import skin_of_version

#: The mean month of the Gregorian calendar, in days.
DAYS_A_MONTH: Final = 30.436875
#: With fewer versions no cell can be called: four that rise have p = 1/12 (metrology §9).
FEWEST_VERSIONS: Final = 5
#: More would not fit the memory that a request may take: 4 bytes a cell and version.
MOST_BYTES: Final = 1 << 30
_SECONDS_A_DAY: Final = 86_400.0


@dataclass(frozen=True)
class ZoneTrend:
    """How a zone moves; slopes in mm per month, of cells that are called, None without any.

    ``cells`` of the zone, ``followed``: with two versions or more; ``rising`` gain material, ``falling`` lose it.
    """

    zone: str
    cells: int
    followed: int
    rising: int
    falling: int
    changing_area_mm2: float
    fastest_rise: float | None
    fastest_fall: float | None


@dataclass(frozen=True)
class DegradationMap:
    """The trends of all cells of the last of ``versions``.

    Attributes
    ----------
    slope_mm_per_month : float64 (c,), NaN where a cell was seen less than twice
    p : float64 (c,); ``count`` int64 (c,), versions that saw the cell
    changing : bool (c,)
    """

    versions: tuple[TwinVersion, ...]
    slope_mm_per_month: Float64
    p: Float64
    count: npt.NDArray[np.int64]
    changing: Bool
    zones: list[ZoneTrend]


class Means:
    """The means of a version, mm, NaN where not seen: as ``field_trends`` asks for them, piece by piece."""

    def __init__(self, mean_nm: Int32) -> None:
        self._mean_nm = mean_nm
        self.shape = mean_nm.shape

    def __len__(self) -> int:
        return len(self._mean_nm)

    def __getitem__(self, chosen: Any) -> Float64:
        return millimetres(self._mean_nm[chosen])


def degradation_map(
    scope: WorkspaceScope,
    asset: Asset | str,
    *,
    since: str | None = None,
    until: str | None = None,
    across_revisions: bool = False,
) -> DegradationMap:
    """The map of the versions that count and were measured from ``since`` to before ``until`` (``rfc3339_us``).

    Raises
    ------
    NotFound : there is no such asset
    Conflict : fewer than five versions
    InvalidInput : more versions than memory is granted for
    """
    row = find_asset(scope, asset)
    counting = {one.measured_at: one for one in counting_versions(scope, row.id, since)}.values()
    within = [verify_version(one) for one in counting if until is None or one.measured_at < until]
    versions = within if across_revisions else [one for one in within if one.cells_sha256 == within[-1].cells_sha256]
    _check(versions)
    fields = [_means(scope, version, versions[-1]) for version in versions]
    trends = field_trends(_days(versions), fields)  # type: ignore[arg-type]
    slope, changing = trends.slope * DAYS_A_MONTH, trends.changing()
    zones = _zones(slope, changing, trends, skin_of_version(scope, versions[-1], whole=False))
    return DegradationMap(tuple(versions), slope, trends.p, trends.count, changing, zones)


def _check(versions: Sequence[TwinVersion]) -> None:
    if len(versions) < FEWEST_VERSIONS:
        hint = "A CAD revision begins a new series; across_revisions follows the part through it."
        message = f"The twin has {len(versions)} versions to follow; no trend shows in fewer than {FEWEST_VERSIONS}."
        raise Conflict("twin.too_few", message, hint)
    if 4 * len(versions) * versions[-1].cells > MOST_BYTES:
        raise InvalidInput("twin.too_many", f"{len(versions)} versions are too many at once.", "Name a later 'since'.")


def _means(scope: WorkspaceScope, version: TwinVersion, surface: TwinVersion) -> Means:
    if version.cells_sha256 != surface.cells_sha256:
        return Means(field_on(scope, version, surface)[0].mean_nm)
    read = partial(ObjectStore.of(scope).read_range, version.field_object)
    return Means(read_means(read, version.cells))


def _days(versions: Sequence[TwinVersion]) -> Float64:
    """Days since the first version, float64 (v,)."""
    moments = np.array([parse_rfc3339(one.measured_at).timestamp() for one in versions])
    return np.asarray((moments - moments[0]) / _SECONDS_A_DAY)


def _zones(slope: Float64, changing: Bool, trends: FieldTrends, skin: Skin) -> list[ZoneTrend]:
    names = sorted(skin.zones, key=lambda name: (name != "all", name))
    return [_zone(name, np.flatnonzero(skin.zones[name]), slope, changing, trends, skin) for name in names]


def _zone(
    name: str, member: npt.NDArray[np.intp], slope: Float64, changing: Bool, trends: FieldTrends, skin: Skin
) -> ZoneTrend:
    called = slope[member][changing[member]]
    rising, falling = called[called > 0], called[called < 0]
    return ZoneTrend(
        name, len(member), int((trends.count[member] > 1).sum()), len(rising), len(falling),
        float(skin.area_mm2[member][changing[member]].sum(dtype=np.float64)),
        float(rising.max()) if len(rising) else None, float(falling.min()) if len(falling) else None,
    )  # fmt: skip
