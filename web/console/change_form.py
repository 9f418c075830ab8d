"""The form that asks for a change: what stands in its fields, as the parameters of a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.errors import InvalidInput
from appliance.inspections.scan_changes import LENGTH_MM, MOST_SCALES
from web.console.keys import chosen

#: Unit of scans whose format states none -> words; empty: what the format usually holds.
UNITS: Final = {
    "": "as usual for the format (mm; E57 is in metres)", "mm": "millimetres", "cm": "centimetres", "m": "metres",
    "um": "micrometres", "in": "inches", "ft": "feet",
}  # fmt: skip
_LENGTHS: Final = {"cores_mm": "distance between core points", "radius_mm": "radius", "depth_mm": "depth"}
_SWITCHES: Final = ("align", "robust", "upwards")


def asked_parameters(form: Mapping[str, str]) -> dict[str, Any]:
    """What was said; fields that are blank are left out, so that what suits the scans is taken.

    Raises
    ------
    InvalidInput : a field that is no length, or a unit that is not offered
    """
    asked: dict[str, Any] = {name: True for name in _SWITCHES if name in form}
    lengths = {name: _length(form.get(name, ""), words) for name, words in _LENGTHS.items()}
    lengths["registration_mm"] = _length(form.get("registration_mm", ""), "error of registration", may_be_zero=True)
    asked |= {name: value for name, value in lengths.items() if value}
    if scales := form.get("scales_mm", "").split():
        asked["scales_mm"] = [_length(one, "diameter") for one in scales]
    if len(scales) > MOST_SCALES:
        raise InvalidInput("change.scale", f"At most {MOST_SCALES} diameters are tried.", "Name fewer.")
    if unit := chosen(UNITS, form.get("scan_unit", "")):
        asked["scan_unit"] = unit
    return asked


def _length(text: str, what: str, *, may_be_zero: bool = False) -> float | None:
    """A length in mm with a point or a comma; None where there is none."""
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = -1.0
    least, most = LENGTH_MM
    if not (least <= value <= most or (may_be_zero and 0.0 <= value <= most)):
        message = f"The {what} is no length from {least:g} to {most:,.0f} mm."
        raise InvalidInput("change.length", message, "Go back and correct it, or leave it blank.")
    return value
