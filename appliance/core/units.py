"""Length units at the boundary. Inside the appliance every length is in millimetres."""

from __future__ import annotations

from typing import Final

from appliance.errors import InvalidInput

#: Millimetres in one unit of length. The foot is the international one (25.4 mm x 12).
MM_PER_UNIT: Final[dict[str, float]] = {
    "um": 0.001,
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "in": 25.4,
    "ft": 304.8,
}


def mm_per_unit(unit: str) -> float:
    """Millimetres in one ``unit``.

    Raises
    ------
    InvalidInput : the unit is not one of ``MM_PER_UNIT``
    """
    try:
        return MM_PER_UNIT[unit]
    except KeyError:
        known = ", ".join(MM_PER_UNIT)
        raise InvalidInput("unit.unknown", f"Unit '{unit}' is not known.", f"Use one of {known}.") from None
