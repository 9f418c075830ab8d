"""Results in a CSV: a row for each measured characteristic, columns by name (docs/results-import.md)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Final

from appliance.errors import InvalidInput
from appliance.exchange import values
from appliance.exchange.records import MOST_ROWS, ImportOptions, Reading, Reported, ReportedInspection
from appliance.exchange.units import unit_of

#: Columns that say which item was measured on which occasion, and the others.
_OF_INSPECTION: Final = (
    "inspection", "serial", "asset", "part", "laboratory", "measured_at", "operator", "instrument",
)  # fmt: skip
_OF_ROW: Final = (
    "key", "name", "zone", "quantity", "nominal", "lower", "upper", "value", "unit", "U", "u", "k", "verdict",
)  # fmt: skip
COLUMNS: Final = (*_OF_INSPECTION, *_OF_ROW)
_DELIMITERS: Final = ",;\t"

Line = Mapping[str, str]


def read_csv(data: bytes, options: ImportOptions) -> Reading:
    """Read the bytes of a CSV.

    Rows of one ``inspection``, or else of one part, asset and serial number, are one inspection of each laboratory that
    they name, measured at the latest of their times.

    Raises
    ------
    InvalidInput : not UTF-8, unknown or missing columns, a row that is cut, any value that cannot be used
    """
    groups: dict[tuple[str, ...], list[tuple[Line, Reported]]] = {}
    for count, (place, line) in enumerate(_lines(_text_of(data), options), 1):
        if count > MOST_ROWS:
            raise InvalidInput("results.too_many", f"The file has more than {MOST_ROWS} rows.", "Split it.")
        groups.setdefault(_occasion(line, place), []).append((line, _row(line, place, options)))
    if not groups:
        raise InvalidInput("results.empty", "The file holds no rows.", "docs/results-import.md shows what it holds.")
    return Reading("csv", tuple(_inspection(rows) for rows in groups.values()))


def _text_of(data: bytes) -> str:
    try:
        found = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("results.encoding", "The file is not UTF-8.", "Save it as 'CSV UTF-8'.") from error
    if "\0" in found:
        raise InvalidInput("results.encoding", "The file holds NUL characters.", "Is it a CSV?")
    return found


def _lines(content: str, options: ImportOptions) -> Iterator[tuple[str, Line]]:
    """Each row by our names of its columns, with the place that refusals name."""
    head, _, _ = content.partition("\n")
    delimiter = max(_DELIMITERS, key=head.count)
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _names([name.strip() for name in next(rows, [])], options.columns)
        for row in rows:
            if any(field.strip() for field in row):
                place = f"line {rows.line_num}"
                if len(row) != len(names):
                    message = f"{place} has {len(row)} fields where the head has {len(names)}."
                    raise InvalidInput("results.fields", message, "Is it cut, or a comma not in quotes?")
                yield place, {name: field for name, field in zip(names, row, strict=True) if name}
    except csv.Error as error:
        raise InvalidInput("results.csv", f"line {rows.line_num}: {error}.", "Export it again as CSV.") from error


def _names(head: list[str], mapping: Mapping[str, str]) -> list[str]:
    """Our names of the columns; empty for those that the mapping does not ask for."""
    ours = _turned(mapping, head)
    names = [ours.get(name, name) for name in head]
    if mapping:
        names = [name if name in COLUMNS else "" for name in names]
    _refuse(names)
    for needed, either in (("value", ("value",)), ("key or name", ("key", "name")), ("serial", ("serial", "asset"))):
        if not set(either) & set(names):
            hint = f"Known columns: {', '.join(COLUMNS)}. Others are named by --column OURS=THEIRS."
            raise InvalidInput("results.column", f"The file has no column '{needed}'.", hint)
    return names


def _turned(mapping: Mapping[str, str], head: Iterable[str]) -> dict[str, str]:
    for our, their in mapping.items():
        if our not in COLUMNS:
            raise InvalidInput("results.column", f"'{our}' is no column.", f"Known: {', '.join(COLUMNS)}.")
        if their not in head:
            raise InvalidInput("results.column", f"The file has no column '{their[:40]}' for '{our}'.")
    return {their: our for our, their in mapping.items()}


def _refuse(names: list[str]) -> None:
    for name in filter(None, names):
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, 1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(COLUMNS)}; or name ours by --column."
            raise InvalidInput("results.column", f"The column '{name[:40]}' is not known.", hint)
        if names.count(name) > 1:
            raise InvalidInput("results.column", f"There are two columns '{name}'.")


def _occasion(line: Line, place: str) -> tuple[str, ...]:
    stated = {name: values.text(line.get(name), f"{place}: {name}") for name in _OF_INSPECTION[:5]}
    if not (stated["serial"] or stated["asset"] or stated["inspection"]):
        raise InvalidInput("results.serial", f"{place} says neither serial nor asset.", "Which item was measured?")
    return tuple(stated.values())


def _row(line: Line, place: str, options: ImportOptions) -> Reported:
    figures = {
        name: values.number(line.get(name), f"{place}: {name}", options.decimal)
        for name in ("nominal", "lower", "upper", "value", "U", "u", "k")
    }
    if options.limits == "deviation":
        figures |= _absolute(figures, place)
    name = values.text(line.get("name"), f"{place}: name")
    unit, factor = unit_of(_stated_unit(line, place, options), place)
    return values.reported(
        place, key=values.text(line.get("key"), f"{place}: key") or name, name=name, unit=unit, factor=factor,
        zone=values.text(line.get("zone"), f"{place}: zone"), lower=figures["lower"], upper=figures["upper"],
        quantity=values.text(line.get("quantity"), f"{place}: quantity"), value=figures["value"],
        expanded=figures["U"], u=figures["u"], k=figures["k"],
        verdict=values.verdict(line.get("verdict"), f"{place}: verdict"),
    )  # fmt: skip


def _absolute(figures: Mapping[str, float | None], place: str) -> dict[str, float | None]:
    """Limits that are deviations, as limits of the value; one without a nominal value is about the value itself."""
    nominal = figures["nominal"] or 0.0
    return {name: None if (limit := figures[name]) is None else nominal + limit for name in ("lower", "upper")}


def _stated_unit(line: Line, place: str, options: ImportOptions) -> str:
    stated = values.text(line.get("unit"), f"{place}: unit") or options.unit
    if not stated:
        raise InvalidInput("results.no_unit", f"{place} states no unit.", "Add a column 'unit', or say --unit mm.")
    return stated


def _inspection(rows: list[tuple[Line, Reported]]) -> ReportedInspection:
    """One inspection from its rows: what they say of it must be the same, but for the time."""
    said = {name: {values.text(line.get(name), name) for line, _ in rows} - {""} for name in _OF_INSPECTION[1:]}
    times = sorted(values.moment(line.get("measured_at"), "measured_at") for line, _ in rows)
    for name, different in said.items():
        if name != "measured_at" and len(different) > 1:
            shown = ", ".join(islice(sorted(different), 3))
            raise InvalidInput("results.differs", f"Rows of one inspection name different {name}s: {shown}.")
    one = {name: next(iter(found), "") for name, found in said.items()}
    return ReportedInspection(**one | {"measured_at": times[-1]}, rows=tuple(row for _, row in rows))
