"""Reading an inspection plan: a CSV with a row a characteristic, or a TOML that may say more.

CSV columns: ``name, zone, quantity, lower_mm, upper_mm, coverage`` and optionally ``detect_mm,
edge_mm, u_instrument_mm, uncovered_mm, alignment``.  A blank limit is no limit.  TOML: see
docs/plans.md.  What a plan leaves open is filled here, in one place, and reported:

* coverage: ``DEFAULT_COVERAGE``;
* detect: a tenth of the diagonal of the CAD's bounding box (it never depends on point density);
* cap: five times the widest limit, at least ``LEAST_CAP_MM``.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from appliance.alignment.records import MODES
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.measurements.columns import not_negative, number, positive, refuse_unknown, scaled, text
from appliance.qc.records import QUANTITIES, Characteristic, CharacteristicSet

#: Share of a zone's area that must be covered where a plan does not say.
DEFAULT_COVERAGE: Final = 0.95
#: Smallest defect to see where a plan does not say, as a share of the CAD's diagonal.
DEFAULT_DETECT_SHARE: Final = 0.1
#: A point farther from the surface than this many times the widest limit does not belong to it.
CAP_PER_LIMIT: Final = 5.0
#: ... but never less than this: a rough casting without limits still has points near it.
LEAST_CAP_MM: Final = 1.0

_CSV_REQUIRED: Final = ("name", "zone", "quantity", "lower_mm", "upper_mm", "coverage")
_CSV_OPTIONAL: Final = ("detect_mm", "edge_mm", "u_instrument_mm", "uncovered_mm", "alignment")
_LENGTHS: Final = ("lower", "upper", "detect", "edge", "u_instrument", "uncovered")
_TOML_TOP: Final = (
    "name", "version", "unit", "alignment", "datums", "reference_zones", "cap", "zones", "characteristic",
)  # fmt: skip
_TOML_ROW: Final = ("name", "zone", "quantity", "coverage", "unit", "alignment", *_LENGTHS)


@dataclass(frozen=True)
class Plan:
    """A characteristic set, and what it left open."""

    characteristics: CharacteristicSet
    notes: tuple[str, ...]


def zones_of_plan(data: bytes) -> tuple[dict[str, Any], str]:
    """The ``[zones.NAME]`` tables of a TOML plan and the unit of their lengths; none in a CSV.

    They are read before the CAD, which the rest of the plan needs.

    Raises
    ------
    InvalidInput : not UTF-8, not TOML, or zones that are no tables
    """
    content = _text_of(data)
    if not _looks_like_toml(content):
        return {}, "mm"
    table, _ = _toml_rows(content)
    zones = table.get("zones", {})
    if not isinstance(zones, dict):
        raise InvalidInput("plan.syntax", "Zones stand in [zones.NAME] tables.")
    return zones, str(table.get("unit", "mm"))


def read_plan(data: bytes, *, diagonal_mm: float) -> Plan:
    """Read a plan from the bytes of its file.

    Parameters
    ----------
    diagonal_mm : diagonal of the CAD's bounding box, for what the plan leaves open

    Raises
    ------
    InvalidInput : not UTF-8, unknown columns or keys, contradictions, no characteristics
    """
    content = _text_of(data)
    if not content.strip():
        raise InvalidInput("plan.empty", "The plan is empty.", "docs/plans.md shows what it holds.")
    table, rows = _toml_rows(content) if _looks_like_toml(content) else _csv_rows(content)
    if not rows:
        raise InvalidInput("plan.empty", "The plan holds no characteristics.", "Add at least one row.")
    return _build(table, rows, sha256(data).hexdigest(), diagonal_mm)


def _text_of(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("plan.encoding", f"The plan is not UTF-8 text: {error.reason}.") from error


def _looks_like_toml(content: str) -> bool:
    lines = (line.strip() for line in content.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return first.startswith("[") or ("=" in first and "," not in first.split("=", 1)[0])


def _csv_rows(content: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    reader = csv.DictReader(io.StringIO("\n".join(lines)), strict=True, skipinitialspace=True)
    try:
        columns = [(name or "").strip() for name in reader.fieldnames or []]
        if len(columns) == 1 and ";" in columns[0]:
            raise InvalidInput("plan.separator", "The plan is separated by semicolons.", "Use commas.")
        refuse_unknown(columns, (*_CSV_REQUIRED, *_CSV_OPTIONAL), "Header of the plan")
        for column in _CSV_REQUIRED:
            if column not in columns:
                raise InvalidInput(
                    "plan.column", f"The plan has no column '{column}'.", f"It has {', '.join(columns)}."
                )
        reader.fieldnames = columns
        rows = [_csv_row(row, position) for position, row in enumerate(reader, start=1)]
    except csv.Error as error:
        raise InvalidInput("plan.syntax", f"The plan is not CSV: {error}.") from error
    return {}, rows


def _csv_row(row: Mapping[str | None, Any], position: int) -> dict[str, Any]:
    if None in row or None in row.values():
        raise InvalidInput("plan.row", f"Row {position} of the plan has not as many fields as the header.")
    return {str(key).removesuffix("_mm"): value for key, value in row.items()}


def _toml_rows(content: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        table = tomllib.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("plan.syntax", f"The plan is not TOML: {error}.") from error
    refuse_unknown(table, _TOML_TOP, "Plan")
    rows = table.get("characteristic", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput("plan.syntax", "Characteristics stand in [[characteristic]] tables.")
    for position, row in enumerate(rows, start=1):
        refuse_unknown(row, _TOML_ROW, f"Characteristic {position}")
    return table, rows


def _build(table: dict[str, Any], rows: list[dict[str, Any]], content_sha256: str, diagonal_mm: float) -> Plan:
    unit = str(table.get("unit", "mm"))
    notes: list[str] = []
    found = tuple(_characteristic(row, n, unit, diagonal_mm, notes) for n, row in enumerate(rows, start=1))
    _refuse_repeated_names(found)
    mode = _one_alignment(table, rows)
    characteristics = CharacteristicSet(
        characteristics=found,
        content_sha256=content_sha256,
        cap_mm=_cap_mm(table, found, unit),
        alignment=mode,
        datums=_names(table, "datums"),
        reference_zones=_names(table, "reference_zones"),
        name=str(table.get("name", "")),
        version=str(table.get("version", "")),
    )
    _check_alignment(characteristics)
    return Plan(characteristics, tuple(dict.fromkeys(notes)))


def _characteristic(
    row: Mapping[str, Any], position: int, unit: str, diagonal_mm: float, notes: list[str]
) -> Characteristic:
    name = text(row.get("name"), f"Row {position}: name")
    place = f"Row {position} ({name})"
    factor = mm_per_unit(str(row.get("unit", unit)))
    lengths = {key: scaled(row.get(key), factor, f"{place}: {key}") for key in _LENGTHS}
    quantity = text(row.get("quantity"), f"{place}: quantity").lower()
    refuse_unknown([quantity], QUANTITIES, f"{place}: quantity")
    _check_limits(lengths["lower"], lengths["upper"], quantity, place)
    detect = positive(lengths["detect"], f"{place}: detect")
    if detect is None:
        detect = DEFAULT_DETECT_SHARE * diagonal_mm
        notes.append(f"Smallest defect to see not stated: {detect:.3g} mm, a tenth of the CAD's diagonal, is used.")
    return Characteristic(
        name=name,
        zone=text(row.get("zone"), f"{place}: zone"),
        quantity=quantity,
        lower_mm=lengths["lower"],
        upper_mm=lengths["upper"],
        coverage=_coverage(row.get("coverage"), place, notes),
        detect_mm=detect,
        edge_mm=not_negative(lengths["edge"], f"{place}: edge") or 0.0,
        u_instrument_mm=positive(lengths["u_instrument"], f"{place}: u_instrument"),
        uncovered_mm=positive(lengths["uncovered"], f"{place}: uncovered"),
    )


def _coverage(value: Any, place: str, notes: list[str]) -> float:
    share = number(value, f"{place}: coverage")
    if share is None:
        notes.append(f"Required coverage not stated: {DEFAULT_COVERAGE:.0%} of the zone's area is used.")
        return DEFAULT_COVERAGE
    if not 0 < share <= 1:
        raise InvalidInput("plan.coverage", f"{place}: coverage {share:g} is not a share.", "Write 0.9 for 90 %.")
    return share


def _check_limits(lower: float | None, upper: float | None, quantity: str, place: str) -> None:
    if lower is None and upper is None:
        raise InvalidInput("plan.limits", f"{place} has no limit.", "Give lower_mm, upper_mm or both.")
    if lower is not None and upper is not None and lower >= upper:
        raise InvalidInput("plan.limits", f"{place}: lower limit {lower:g} is not below upper limit {upper:g}.")
    if quantity == "profile" and (lower is None or upper is None):
        raise InvalidInput("plan.limits", f"{place}: a profile needs both limits of its zone.")


def _refuse_repeated_names(found: tuple[Characteristic, ...]) -> None:
    names = [characteristic.name for characteristic in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput("plan.repeated_name", f"Two characteristics are named '{name}'.", "Names are keys.")


def _one_alignment(table: Mapping[str, Any], rows: list[dict[str, Any]]) -> str | None:
    said = [table.get("alignment"), *(row.get("alignment") for row in rows)]
    modes = {str(mode).strip() for mode in said if mode is not None and str(mode).strip()}
    if not modes:
        return None
    if len(modes) > 1:
        raise InvalidInput(
            "plan.alignment", f"The plan asks for several alignments: {', '.join(sorted(modes))}.",
            "One plan has one alignment: split it.",
        )  # fmt: skip
    mode = modes.pop()
    refuse_unknown([mode], MODES, "Alignment of the plan")
    return mode


def _check_alignment(plan: CharacteristicSet) -> None:
    if plan.alignment == "datum" and not plan.datums:
        raise InvalidInput("plan.datums", "The plan aligns to datums and names none.", 'Write datums = ["A", "B"].')
    if plan.alignment == "reference_zones" and not plan.reference_zones:
        raise InvalidInput("plan.reference_zones", "The plan aligns to reference zones and names none.")


def _names(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise InvalidInput("plan.syntax", f"'{key}' is a list of zone names.")
    return tuple(value)


def _cap_mm(table: Mapping[str, Any], found: tuple[Characteristic, ...], unit: str) -> float:
    stated = positive(scaled(table.get("cap"), mm_per_unit(unit), "Plan: cap"), "Plan: cap")
    limits = [abs(limit) for item in found for limit in (item.lower_mm, item.upper_mm) if limit is not None]
    return stated if stated is not None else max(LEAST_CAP_MM, CAP_PER_LIMIT * max(limits))
