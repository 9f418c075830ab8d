"""Units of a QIF document: stated by FileUnits, or by whoever imports it; never guessed.

The standard's default where a file states none is metres and radians; files that state none hardly ever mean it, so
they are refused until somebody says what they are in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from appliance.errors import InvalidInput
from appliance.exchange import values
from appliance.exchange.qif_tree import ending_in, word
from appliance.exchange.records import ImportOptions
from appliance.exchange.units import ANGLE, LENGTH, unit_of

#: SI units that conversion factors of a document lead to -> our unit, and how many of it one of those is.
_SI: Final = {"meter": (LENGTH, 1000.0), "metre": (LENGTH, 1000.0), "radian": (ANGLE, 180.0 / math.pi)}
#: A stated factor may differ by its rounding from that of the unit which it names.
_ROUNDING: Final = 1e-6
#: Words in the name of a characteristic's type -> the kind of its values; all others are lengths.
_ANGLES: Final = ("Angle", "Angular")
_NOT_LENGTHS: Final = (
    "UserDefinedUnit", "UserDefinedArea", "UserDefinedMass", "UserDefinedForce", "UserDefinedPressure",
    "UserDefinedSpeed", "UserDefinedTemperature", "UserDefinedTime", "UserDefinedAttribute", "Thread", "Weld",
)  # fmt: skip

Unit = tuple[str, float]


def kind_of(tag: str) -> str | None:
    """``mm`` or ``deg``: what a characteristic of this type is measured in; None where it is neither."""
    if tag.startswith(_NOT_LENGTHS):
        return None
    return ANGLE if any(one in tag for one in _ANGLES) else LENGTH


@dataclass(frozen=True)
class FileUnits:
    """What the figures of a document are in: by kind where they say nothing, by name where they do."""

    primary: dict[str, Unit]
    named: dict[str, Unit]

    @classmethod
    def of(cls, root: Element, options: ImportOptions) -> FileUnits:
        """The units of a document.

        Raises
        ------
        InvalidInput : a unit that is not known, or whose factor contradicts its name
        """
        stated = {unit[0]: unit for unit in map(_unit, ending_in_primary(root)) if unit}
        for kind, name in ((LENGTH, options.unit), (ANGLE, options.angle_unit)):
            if kind not in stated and name:
                stated[kind] = unit_of(name, "--unit")
        named = {word(one, "UnitName"): unit for one in _others(root) if (unit := _unit(one))}
        return cls(stated, named)

    def for_value(self, kind: str, value: Element | None, place: str) -> Unit:
        """The unit of one value.

        Raises
        ------
        InvalidInput : it names one that the document does not define, or nothing says what it is in
        """
        name = "" if value is None else value.get("linearUnit") or value.get("angularUnit") or ""
        if name:
            return self.named.get(name) or unit_of(name, place)
        if kind not in self.primary:
            what, option = ("lengths", "--unit mm") if kind == LENGTH else ("angles", "--angle-unit deg")
            message = f"The file does not say in which unit its {what} are (QIF then means metres and radians)."
            raise InvalidInput("results.no_unit", message, f"Say what they are in: {option}.")
        return self.primary[kind]


def ending_in_primary(root: Element) -> list[Element]:
    """LinearUnit and AngularUnit of the primary units."""
    primary = root.find("FileUnits/PrimaryUnits")
    return [] if primary is None else [one for one in primary if one.tag in ("LinearUnit", "AngularUnit")]


def _others(root: Element) -> list[Element]:
    units = root.find("FileUnits")
    return [] if units is None else [*ending_in(units, "LinearUnit", "AngularUnit")]


def _unit(stated: Element) -> Unit | None:
    """One defined unit; None where it is of another kind than length and angle."""
    name, base = word(stated, "UnitName"), word(stated, "SIUnitName").lower()
    factor = values.number(word(stated, "UnitConversion", "Factor"), f"unit '{name}'")
    if base not in _SI:
        return None
    unit, scale = _SI[base]
    by_factor = scale * (1.0 if factor is None else factor)
    try:
        known = unit_of(name or base, "FileUnits")
    except InvalidInput:
        if factor is None:
            raise
        return unit, by_factor
    if factor is not None and (known[0] != unit or abs(by_factor / known[1] - 1.0) > _ROUNDING):
        message = f"The file says that one '{name}' is {factor:g} {base}, which it is not."
        raise InvalidInput("results.unit_contradiction", message, "Correct its FileUnits.")
    return known
