"""What a picture of a twin shows: a value of each cell, its colours, and words for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from appliance.scans.export.colours import colours_of_deviation
from appliance.twin.comparing import Comparison
from appliance.twin.degradation import DegradationMap
from appliance.twin.models import TwinVersion
from appliance.twin.records import Float64, Skin, TwinField

#: Half the colour scale where the values say nothing better: 1 um, or that a month.
_SMALLEST_SPAN: Final = 0.001
#: Share of the values, by size, that the colour scale holds.
_SPAN_PERCENTILE: Final = 99.0


@dataclass(frozen=True)
class Picture:
    """Values of the cells of a skin.

    Attributes
    ----------
    value : float64 (c,), NaN is painted grey
    unit : ``mm`` or ``mm/month``
    span : colours run from minus to plus this
    title, grey : what is shown, and what grey means
    facts : what the values come from: ids, numbers and hashes of versions
    """

    skin: Skin
    value: Float64
    unit: str
    span: float
    title: str
    grey: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facet_values(self) -> Float64:
        """The value of each facet, float64 (f,); NaN for a facet under which no cell lies."""
        return np.append(self.value, np.nan)[self.skin.cell_of_facet]

    @property
    def facet_colours(self) -> Any:
        """sRGB of each facet, uint8 (f, 3)."""
        return colours_of_deviation(self.facet_values, span_mm=self.span)

    @property
    def legend(self) -> dict[str, Any]:
        """The scale in words, for whoever opens the file."""
        return {
            "title": self.title, "unit": self.unit, "minus": -self.span, "plus": self.span, "grey": self.grey,
            "colours": "blue: less material, near-white: 0, red: more material; dark: beyond the scale", **self.facts,
        }  # fmt: skip


def picture_of_field(version: TwinVersion, found: TwinField, skin: Skin) -> Picture:
    """A version's deviation from CAD."""
    value = found.mean_mm
    title = f"Deviation from CAD, version {version.number}"
    return Picture(skin, value, "mm", span_of(value), title, "not covered by the scan", _facts(version=version))


def picture_of_change(comparison: Comparison, skin: Skin) -> Picture:
    """Where two versions differ beyond the uncertainty of both."""
    change = comparison.change
    value = np.where(change.changed, change.difference_mm, np.where(np.isnan(change.ratio), np.nan, 0.0))
    title = f"Change from version {comparison.before.number} to version {comparison.after.number}"
    facts = _facts(before=comparison.before, after=comparison.after)
    grey = "seen by one version alone, by none, or of unknown uncertainty; near-white: no change beyond it"
    return Picture(skin, value, "mm", span_of(change.difference_mm[change.changed]), title, grey, facts)


def picture_of_map(found: DegradationMap, skin: Skin) -> Picture:
    """How fast the cells move that are called changing."""
    value = np.where(found.changing, found.slope_mm_per_month, np.where(np.isnan(found.p), np.nan, 0.0))
    title = f"Trend of {len(found.versions)} versions"
    facts = _facts(first=found.versions[0], last=found.versions[-1])
    span = span_of(found.slope_mm_per_month[found.changing])
    return Picture(skin, value, "mm/month", span, title, "seen less than twice; near-white: no trend", facts)


def span_of(value: Float64) -> float:
    """Half a colour scale: the size that 99 of 100 values do not exceed, rounded up to one digit of 1, 2 or 5."""
    known = np.abs(value[~np.isnan(value)])
    wanted = max(float(np.percentile(known, _SPAN_PERCENTILE)) if len(known) else 0.0, _SMALLEST_SPAN)
    decade = 10.0 ** np.floor(np.log10(wanted))
    return float(next(step * decade for step in (1.0, 2.0, 5.0, 10.0) if step * decade >= wanted * (1 - 1e-9)))


def _facts(**versions: TwinVersion) -> dict[str, Any]:
    return {name: {"id": one.id, "content_sha256": one.content_sha256} for name, one in versions.items()}
