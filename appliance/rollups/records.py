"""What is folded, and what it is folded into."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

from appliance.spc.exact import ExactSums
from appliance.spc.fingerprint import MODULUS

#: Lengths of buckets.  Weeks are merged from their days when they are asked for; a life lasts from one repair to the
#: next, and is the whole where there was none.
HOUR: Final = 0
DAY: Final = 1
MONTH: Final = 2
LIFE: Final = 3
WEEK: Final = 4
GRAINS: Final = {"hour": HOUR, "day": DAY, "week": WEEK, "month": MONTH, "life": LIFE}

Dimension: TypeAlias = Literal["part", "asset", "instrument", "operator", "cad_revision"]
#: Dimension -> the grains that are kept of it, and the one whose quantiles are.
KEPT: Final[dict[Dimension, tuple[int, ...]]] = {
    "part": (HOUR, DAY, MONTH),
    "asset": (HOUR, DAY, MONTH, LIFE),
    "instrument": (MONTH,),
    "operator": (MONTH,),
    "cad_revision": (MONTH,),
}
QUANTILES: Final[dict[Dimension, int]] = {"part": DAY, "asset": MONTH}


class Counted(NamedTuple):
    """A measurement as far as it is folded; ``measured_at`` is RFC 3339 with microseconds in UTC."""

    characteristic_id: str
    part_id: str
    asset_id: str
    cad_revision_id: str | None
    instrument_id: str | None
    operator_id: str | None
    measured_at: str
    value: float | None
    lower: float | None
    upper: float | None
    decision: str


@dataclass(frozen=True)
class Tally:
    """What is known of the measurements of one bucket, or of several that were added.

    ``sums`` are of nano-units of the values that there are; ``lowest`` and ``highest`` likewise, None where there is
    none.  ``below`` and ``above`` count values beyond their limits, whatever was decided of them.  The
    ``fingerprint`` tells whether the values are those of another tally (``spc.fingerprint``).
    """

    sums: ExactSums = field(default_factory=ExactSums)
    lowest: int | None = None
    highest: int | None = None
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    not_measured: int = 0
    below: int = 0
    above: int = 0
    fingerprint: int = 0

    @property
    def entries(self) -> int:
        """Measurements, those without a value included."""
        return self.passed + self.failed + self.inconclusive + self.not_measured

    def __add__(self, other: Tally) -> Tally:
        lowest = [one for one in (self.lowest, other.lowest) if one is not None]
        highest = [one for one in (self.highest, other.highest) if one is not None]
        return Tally(
            self.sums + other.sums,
            min(lowest, default=None),
            max(highest, default=None),
            self.passed + other.passed,
            self.failed + other.failed,
            self.inconclusive + other.inconclusive,
            self.not_measured + other.not_measured,
            self.below + other.below,
            self.above + other.above,
            (self.fingerprint + other.fingerprint) % MODULUS,
        )
