"""Numbers in words of a report: always a sign where it matters, always a unit in the head, a dash for nothing."""

from __future__ import annotations

from typing import Any, Final

from appliance.qc.records import Characteristic

NOTHING: Final = "–"


def millimetres(value: Any, digits: int = 4, *, signed: bool = False) -> str:
    """A length in mm with a true minus sign; a dash where there is none."""
    if value is None or value != value:
        return NOTHING
    return f"{float(value):{'+' if signed else ''}.{digits}f}".replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage that is never rounded up to 100 or down to 0."""
    if 0.0 < share < 1.0:
        edge = 0.5 * 10.0 ** -(digits + 2)
        share = min(max(share, 2 * edge), 1.0 - 2 * edge)
    return f"{100 * share:.{digits}f} %"


def count(number: Any) -> str:
    """An integer in groups of three: 1 184 000."""
    return NOTHING if number is None else f"{int(number):,}".replace(",", " ")


def probability(value: float | None) -> str:
    """``= 0.6100``; the ends are named as bounds, never as certainty: ``> 0.9999``."""
    if value is None:
        return NOTHING
    if value < 0.0001:
        return "< 0.0001"
    return "> 0.9999" if value > 0.9999 else f"= {value:.4f}"


def limits(characteristic: Characteristic) -> str:
    """Both limits in one cell: ``−0.050 … +0.050``, ``≥ −0.100``, ``≤ +0.080``; of a profile the zone's width."""
    lower, upper = characteristic.lower_mm, characteristic.upper_mm
    if lower is not None and upper is not None and characteristic.quantity == "profile":
        return f"≤ {millimetres(upper - lower, 3)}"
    if lower is not None and upper is not None:
        return f"{millimetres(lower, 3, signed=True)} … {millimetres(upper, 3, signed=True)}"
    if lower is not None:
        return f"≥ {millimetres(lower, 3, signed=True)}"
    return f"≤ {millimetres(upper, 3, signed=True)}" if upper is not None else "no limit"


def size(size_bytes: int) -> str:
    """A file size with a decimal unit."""
    value, unit = float(size_bytes), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
