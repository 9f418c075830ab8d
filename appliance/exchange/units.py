"""Units of measured values: every length is brought to mm, every angle to degrees; others stay what they are."""

from __future__ import annotations

import math
from typing import Final

from appliance.core.units import MM_PER_UNIT
from appliance.errors import InvalidInput

LENGTH: Final = "mm"
ANGLE: Final = "deg"
_ALIASES: Final = {
    "millimeter": "mm", "millimetre": "mm", "millimeters": "mm", "micrometer": "um", "micrometre": "um", "micron": "um",
    "µm": "um", "μm": "um", "meter": "m", "metre": "m", "meters": "m", "centimeter": "cm", "centimetre": "cm",
    "inch": "in", "inches": "in", "foot": "ft", "feet": "ft", "degree": "deg", "degrees": "deg", "°": "deg",
    "radian": "rad", "radians": "rad", "minute": "arcmin", "second": "arcsec", "°c": "degC", "degc": "degC",
    "mm²": "mm2", "mm³": "mm3", "newton": "N", "n": "N",
}  # fmt: skip
_DEGREES: Final = {
    "deg": 1.0, "rad": 180.0 / math.pi, "mrad": 0.18 / math.pi, "arcmin": 1.0 / 60.0, "arcsec": 1.0 / 3600.0,
}  # fmt: skip
#: Units that stay as they are; ``1`` is a ratio or a count.
_OTHERS: Final = ("1", "mm2", "mm3", "g", "kg", "N", "degC", "s")


def unit_of(text: str, place: str) -> tuple[str, float]:
    """The appliance's unit for what ``text`` names, and how many of it one of those is.

    Raises
    ------
    InvalidInput : the unit is not known
    """
    name = _ALIASES.get(text.strip().lower(), text.strip())
    if name in MM_PER_UNIT:
        return LENGTH, MM_PER_UNIT[name]
    if name in _DEGREES:
        return ANGLE, _DEGREES[name]
    if name in _OTHERS:
        return name, 1.0
    known = ", ".join((*MM_PER_UNIT, *_DEGREES, *_OTHERS))
    raise InvalidInput("results.unit", f"{place}: unit '{text[:40]}' is not known.", f"Use one of {known}.")
