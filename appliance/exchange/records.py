"""What a file of results says: inspections of single items, each with its measured characteristics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

#: What one file may hold: it is recorded in one transaction, during which nobody else writes.
MOST_ROWS: Final = 50_000
MOST_INSPECTIONS: Final = 5_000
MOST_BYTES: Final = 64 << 20
FORMATS: Final = ("csv", "json", "qif")


@dataclass(frozen=True, slots=True)
class Reported:
    """One measured characteristic, in the units of the appliance (``mm``, ``deg``, ...).

    ``u`` is the standard uncertainty, None where the source states none; ``k`` is what it expands its own by.
    ``lower`` and ``upper`` are limits of the value itself; ``verdict`` is the source's own, None where it gave none.
    """

    key: str
    name: str
    zone: str
    quantity: str
    unit: str
    value: float | None
    u: float | None
    k: float | None
    lower: float | None
    upper: float | None
    verdict: str | None


@dataclass(frozen=True)
class ReportedInspection:
    """One item that was measured on one occasion.

    Empty texts are not stated.  ``measured_at`` is RFC 3339 with microseconds, in UTC; ``laboratory`` is who measured.
    """

    serial: str
    asset: str
    part: str
    measured_at: str
    operator: str
    instrument: str
    rows: tuple[Reported, ...]
    laboratory: str = ""


@dataclass(frozen=True)
class Reading:
    """A file of results; ``notes`` say what it left open and how that was filled.

    ``laboratory`` is that of inspections that state none.
    """

    format: str
    inspections: tuple[ReportedInspection, ...]
    laboratory: str = ""
    notes: tuple[str, ...] = ()

    @property
    def row_count(self) -> int:
        """Measured characteristics of all inspections."""
        return sum(len(one.rows) for one in self.inspections)


@dataclass(frozen=True)
class ImportOptions:
    """What whoever imports a file says about it.

    Attributes
    ----------
    format : one of ``FORMATS``; empty: told from the content
    unit, angle_unit : of lengths and of angles in a file that states none; empty: such a file is refused
    columns : our name of a column -> what the file calls it
    decimal : the sign before the decimals of a CSV, ``.`` or ``,``
    limits : ``absolute``, or ``deviation`` where a CSV's limits are deviations from the nominal value
    serial_pattern : a regular expression whose first group is the serial number in what the file states
    serials : serial numbers of inspections by their place in the file, from 1 on, whatever the file states
    part, measured_at, instrument : of inspections that state none
    laboratory : of all inspections, whatever the file states
    create : whether parts and assets that are not known are made
    """

    format: str = ""
    unit: str = ""
    angle_unit: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    limits: str = "absolute"
    serial_pattern: str = ""
    serials: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    measured_at: str = ""
    instrument: str = ""
    laboratory: str = ""
    create: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the parser and the rows of the database take it."""
        return {**asdict(self), "columns": dict(self.columns), "serials": dict(self.serials)}
