"""Quality records: what is asked of a part, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: Decisions on a characteristic and on an inspection (ISO 14253-1 has the first three).
PASS: Final = "pass"
FAIL: Final = "fail"
INCONCLUSIVE: Final = "inconclusive"
NOT_MEASURED: Final = "not_measured"

#: Cells across the smallest defect that must be seen: its deepest cell then keeps most of its depth.
CELLS_PER_DEFECT: Final = 5.0

#: Quantities: statistics of points, extremes of cell means, profile of a surface.
POINT_STATISTICS: Final = ("mean", *(f"p{n}" for n in range(1, 100)))
CELL_EXTREMES: Final = ("min", "max")
QUANTITIES: Final = (*POINT_STATISTICS, *CELL_EXTREMES, "profile")


@dataclass(frozen=True)
class Characteristic:
    """One requirement: a quantity on a zone, its limits and the conditions of measuring it.

    ``lower_mm`` and ``upper_mm`` are deviations from nominal; None means no limit there.
    ``detect_mm`` is the smallest defect that must be seen (cells are a fifth of it);
    ``edge_mm`` is left out along edges; ``coverage`` is the least share of area to be covered;
    ``uncovered_mm`` is the largest diameter of a disc without points, None for no limit;
    ``u_instrument_mm`` replaces the instrument's own standard uncertainty.
    """

    name: str
    zone: str
    quantity: str
    lower_mm: float | None
    upper_mm: float | None
    coverage: float
    detect_mm: float
    edge_mm: float = 0.0
    u_instrument_mm: float | None = None
    uncovered_mm: float | None = None

    @property
    def cell_mm(self) -> float:
        """Step of the surface cells on which this characteristic is judged (metrology §2: detect / 5)."""
        return self.detect_mm / CELLS_PER_DEFECT


@dataclass(frozen=True)
class CharacteristicSet:
    """The characteristics of one inspection plan, with how to align before judging them.

    ``alignment`` is a mode of alignment.records, or None where the plan leaves it open.
    ``datums`` names zones for primary, secondary, tertiary; ``reference_zones`` those of a fit.
    ``cap_mm`` is the largest distance at which a point still belongs to the part.
    """

    characteristics: tuple[Characteristic, ...]
    content_sha256: str
    cap_mm: float
    alignment: str | None = None
    datums: tuple[str, ...] = ()
    reference_zones: tuple[str, ...] = ()
    name: str = ""
    version: str = ""


@dataclass(frozen=True)
class Contribution:
    """One line of an uncertainty budget: a standard uncertainty in mm, and where it comes from.

    ``u_mm`` is None where the scan does not tell it: the value then has no uncertainty, and nothing is decided.
    """

    name: str
    u_mm: float | None
    source: str


@dataclass(frozen=True)
class Instrument:
    """What an instrument states about itself; ``u_cal_mm`` is its standard uncertainty in mm.

    Dates are ISO 8601.  ``correlation_mm`` is the distance within which points share their noise.
    """

    maker: str = ""
    model: str = ""
    serial: str = ""
    certificate: str = ""
    calibrated_on: str = ""
    due_on: str = ""
    u_cal_mm: float | None = None
    u_cal_source: str = ""
    content_sha256: str = ""
    temperature_c: float | None = None
    temperature_corrected: bool = False
    expansion_per_k: float = 0.0
    correlation_mm: float = 0.0


@dataclass(frozen=True)
class CharacteristicResult:
    """What was found for one characteristic.  ``value_mm`` is None where it was not measured."""

    characteristic: Characteristic
    decision: str
    value_mm: float | None
    u_mm: float | None
    coverage: float
    budget: tuple[Contribution, ...] = ()
    k: float = 2.0
    guard_band_mm: float | None = None
    conformance_probability: float | None = None
    reasons: tuple[str, ...] = ()
    points: int = 0
    cells: int = 0
    left_out_area_mm2: float = 0.0
    zone_area_mm2: float = 0.0
    largest_uncovered_mm: float = 0.0
    minimum_mm: float | None = None
    maximum_mm: float | None = None
    minimum_at_mm: tuple[float, float, float] | None = None
    maximum_at_mm: tuple[float, float, float] | None = None

    @property
    def expanded_mm(self) -> float | None:
        """Expanded uncertainty U = k u, mm."""
        return None if self.u_mm is None else self.k * self.u_mm


@dataclass(frozen=True)
class Verdict:
    """The decision on a whole inspection (metrology.md §6), with its reasons in words."""

    decision: str
    reasons: tuple[str, ...] = ()
    results: tuple[CharacteristicResult, ...] = field(default_factory=tuple)
