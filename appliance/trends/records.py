"""What the questions answer.  Times are RFC 3339 in UTC; figures are in the unit of the characteristic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DEGRADES: Final = "degrades"
RECOVERS: Final = "recovers"
DRIFTS: Final = "drifts"
STEADY: Final = "steady"


@dataclass(frozen=True)
class Due:
    """One event of a forecast: ``state`` as ``spc.forecast`` names it; a day that is not named is None.

    ``latest`` is None where the interval has no end.
    """

    state: str
    at: str | None
    earliest: str | None
    latest: str | None


@dataclass(frozen=True)
class SeriesBreak:
    """Where values on both sides are not compared."""

    at: str
    kind: str


@dataclass(frozen=True)
class Evidence:
    """The trend of a characteristic of an asset, with what speaks for it.

    ``finding`` is degrades, recovers, drifts (there is no limit, or it stands in the middle) or steady: no trend was
    found.  Slopes are per month of 30.4375 days.  ``p`` is that of Mann and Kendall's test; ``q`` the same adjusted for
    all ``screened`` series that could have been found (None where one series was asked for).
    ``instrument_is_suspect``: a reference artefact says that the instrument moves.
    """

    asset_id: str
    asset: str
    characteristic_id: str
    characteristic: str
    zone: str
    unit: str
    finding: str
    slope: float
    slope_lower: float | None
    slope_upper: float | None
    confidence: float
    p: float
    q: float | None
    level: float
    lower: float | None
    upper: float | None
    u: float | None
    leaves_pass: Due | None
    reaches_fail: Due | None
    measured: int
    points: int
    points_are: str
    since: str
    until: str
    breaks: tuple[SeriesBreak, ...]
    instrument_id: str | None
    instrument_is_suspect: bool = False


@dataclass(frozen=True)
class Ranking:
    """What degrades, the most urgent first; ``screened`` series had a score, ``tested`` of them were looked at."""

    screened: int
    tested: int
    items: tuple[Evidence, ...]


@dataclass(frozen=True)
class Violation:
    """How often one characteristic broke its limits: ``share`` of the measured that failed, with its 95 % interval."""

    characteristic_id: str
    characteristic: str
    zone: str
    unit: str
    measured: int
    passed: int
    failed: int
    inconclusive: int
    not_measured: int
    below: int
    above: int
    share: float | None
    share_lower: float | None
    share_upper: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class Period:
    """Capability in one period; None where it cannot be told, and ``reason`` says why.

    ``method`` is normal, the name of a distribution, empirical or none; intervals are at 95 %.
    """

    since: str
    until: str
    measured: int
    mean: float | None
    sd: float | None
    method: str
    reason: str
    normality_p: float | None
    pp: float | None
    pp_lower: float | None
    pp_upper: float | None
    ppk: float | None
    ppk_lower: float | None
    ppk_upper: float | None


@dataclass(frozen=True)
class Group:
    """One of those that are compared: ``mean`` with its own 95 % interval."""

    member: str
    name: str
    measured: int
    mean: float
    mean_lower: float | None
    mean_upper: float | None
    sd: float | None


@dataclass(frozen=True)
class Difference:
    """Mean of ``first`` less that of ``second``; the intervals of all pairs hold together with 95 %."""

    first: str
    second: str
    value: float
    lower: float
    upper: float
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """Whether members differ in their means: Welch's ``f`` and ``p``; ``finding`` says it in words."""

    by: str
    unit: str
    finding: str
    f: float | None
    p: float | None
    groups: tuple[Group, ...]
    differences: tuple[Difference, ...]
