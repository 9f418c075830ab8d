"""Results in JSON, read strictly: no unknown names, no doubled ones, numbers as numbers (docs/results-import.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from appliance.core.canonical import loads_strict
from appliance.errors import InvalidInput
from appliance.exchange import values
from appliance.exchange.records import MOST_ROWS, ImportOptions, Reading, Reported, ReportedInspection
from appliance.exchange.units import unit_of

FORMAT: Final = "d2r-results/1"
_OF_INSPECTION: Final = ("serial", "asset", "part", "laboratory", "measured_at", "operator", "instrument")
_TOP: Final = ("format", "unit", *_OF_INSPECTION, "inspections")
_FIGURES: Final = ("value", "lower", "upper", "U", "u", "k")
_TEXTS: Final = ("key", "name", "zone", "quantity", "unit")
_ROW: Final = (*_TEXTS, *_FIGURES, "verdict")


def read_json(data: bytes, options: ImportOptions) -> Reading:
    """Read the bytes of a JSON file; what stands at its top counts for all inspections that say nothing else.

    Raises
    ------
    InvalidInput : not JSON, unknown or missing names, any value that cannot be used
    """
    top = _table(loads_strict(data), _TOP, "The file")
    if top.get("format") != FORMAT:
        raise InvalidInput("results.format", f"The file does not say 'format': '{FORMAT}'.")
    listed = _list(top.get("inspections"), "inspections")
    if sum(len(one.get("characteristics") or ()) for one in listed if isinstance(one, dict)) > MOST_ROWS:
        raise InvalidInput("results.too_many", f"The file has more than {MOST_ROWS} characteristics.", "Split it.")
    found = tuple(_inspection(one, top, f"inspection {n}", options) for n, one in enumerate(listed, 1))
    return Reading("json", found, values.text(top.get("laboratory"), "laboratory"))


def _inspection(given: Any, top: Mapping[str, Any], place: str, options: ImportOptions) -> ReportedInspection:
    said = _table(given, (*_OF_INSPECTION, "unit", "characteristics"), place)
    texts = {name: values.text(said.get(name, top.get(name)), f"{place}: {name}") for name in _OF_INSPECTION}
    texts["measured_at"] = values.moment(texts["measured_at"], f"{place}: measured_at")
    unit = values.text(said.get("unit", top.get("unit")), f"{place}: unit") or options.unit
    listed = _list(said.get("characteristics"), f"{place}: characteristics")
    rows = (_row(one, f"{place}, characteristic {n}", unit) for n, one in enumerate(listed, 1))
    return ReportedInspection(**texts, rows=tuple(rows))


def _row(given: Any, place: str, unit: str) -> Reported:
    said = _table(given, _ROW, place)
    texts = {name: values.text(said.get(name), f"{place}: {name}") for name in _TEXTS}
    figures = {name: _number(said.get(name), f"{place}: {name}") for name in _FIGURES}
    if not (texts["unit"] or unit):
        raise InvalidInput("results.no_unit", f"{place} states no unit.", "Add 'unit', or say --unit mm.")
    known, factor = unit_of(texts["unit"] or unit, place)
    return values.reported(
        place, key=texts["key"] or texts["name"], name=texts["name"], zone=texts["zone"], quantity=texts["quantity"],
        unit=known, factor=factor, value=figures["value"], expanded=figures["U"], u=figures["u"], k=figures["k"],
        lower=figures["lower"], upper=figures["upper"],
        verdict=values.verdict(said.get("verdict"), f"{place}: verdict"),
    )  # fmt: skip


def _number(value: Any, place: str) -> float | None:
    if isinstance(value, str):
        raise InvalidInput("results.number", f"{place}: '{value[:40]}' is a text.", "Write numbers without quotes.")
    return values.number(value, place)


def _table(given: Any, known: Iterable[str], place: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput("results.json", f"{place} is no JSON object.")
    names = tuple(known)
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(names)}."
            raise InvalidInput("results.name", f"{place}: '{name[:40]}' is not known.", hint)
    return given


def _list(given: Any, place: str) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise InvalidInput("results.empty", f"{place}: a list with at least one item is needed.")
    return given
