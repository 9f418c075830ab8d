"""The child side: parse a file of results in the sandbox and hand it over as columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from appliance.core.canonical import canonical_bytes
from appliance.errors import InvalidInput
from appliance.exchange.csv_file import read_csv
from appliance.exchange.json_file import read_json
from appliance.exchange.qif_file import read_qif
from appliance.exchange.records import (
    FORMATS,
    MOST_INSPECTIONS,
    ImportOptions,
    Reading,
    Reported,
    ReportedInspection,
)
from appliance.foreign.sink import Sink

_READERS: Final = {"csv": read_csv, "json": read_json, "qif": read_qif}
#: Columns of a row that are numbers, and those that are texts, in the order of their arrays.
NUMBERS: Final = ("value", "u", "k", "lower", "upper")
TEXTS: Final = tuple(field.name for field in fields(Reported) if field.name not in NUMBERS)


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Parse a file as the options (``ImportOptions.as_json``) say; what ``reading.decoded`` takes.

    Raises
    ------
    InvalidInput : the file cannot be used
    """
    asked, data = ImportOptions(**options), path.read_bytes()
    reading = _READERS[_format(data, asked.format)](data, asked)
    if len(reading.inspections) > MOST_INSPECTIONS:
        raise InvalidInput("results.too_many", f"The file has more than {MOST_INSPECTIONS} inspections.", "Split it.")
    return encoded(_named(reading, asked), sink)


def encoded(reading: Reading, sink: Sink) -> dict[str, Any]:
    """A reading as arrays of numbers and of places in a list of texts."""
    texts: dict[str | None, int] = {}
    for number, inspection in enumerate(reading.inspections):
        rows = inspection.rows
        places = [[texts.setdefault(getattr(row, name), len(texts)) for name in TEXTS] for row in rows]
        figures = [[getattr(row, name) for name in NUMBERS] for row in rows]
        sink.append("texts", np.array(places, dtype=np.int32).reshape(-1, len(TEXTS)))
        sink.append("numbers", np.array(figures, dtype=np.float64).reshape(-1, len(NUMBERS)))
        sink.append("inspection", np.full(len(rows), number, dtype=np.int32))
    heads = [[getattr(one, name) for name in HEAD] for one in reading.inspections]
    summary = {"texts": list(texts), "heads": heads, "format": reading.format, "laboratory": reading.laboratory}
    return {**summary, "notes": list(reading.notes)}


#: What is said of an inspection as a whole.
HEAD: Final = tuple(field.name for field in fields(ReportedInspection) if field.name != "rows")


def _format(data: bytes, asked: str) -> str:
    """The format that was named, else the one that the content looks like."""
    if asked:
        if asked not in FORMATS:
            raise InvalidInput("results.format", f"'{asked[:40]}' is no format.", f"Use one of {', '.join(FORMATS)}.")
        return asked
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") or start[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
        return "qif"
    return "json" if start.startswith((b"{", b"[")) else "csv"


def _named(reading: Reading, options: ImportOptions) -> Reading:
    """Serial numbers as the options say; each characteristic stands once in an inspection."""
    pattern = _pattern(options.serial_pattern)
    for place in options.serials:
        if not place.isdecimal() or not 1 <= int(place) <= len(reading.inspections):
            message = f"The file has no inspection {place[:20]}; it has {len(reading.inspections)}."
            raise InvalidInput("results.serial", message, "Inspections are counted from 1 on.")
    found = []
    for number, one in enumerate(reading.inspections, 1):
        serial = options.serials.get(str(number)) or _cut(one.serial, pattern, number)
        _refuse_twice(one, number)
        found.append(replace(one, serial=serial))
    return replace(reading, inspections=tuple(found))


def _pattern(text: str) -> re.Pattern[str] | None:
    if not text:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InvalidInput("results.pattern", f"The pattern of serial numbers is none: {error}.") from error
    if pattern.groups < 1:
        message = "The pattern of serial numbers has no group."
        raise InvalidInput("results.pattern", message, "Put the serial number in parentheses, such as 'PLATE_(.*)'.")
    return pattern


def _cut(serial: str, pattern: re.Pattern[str] | None, number: int) -> str:
    if pattern is None or not serial:
        return serial
    match = pattern.search(serial)
    if match is None or not match[1]:
        raise InvalidInput("results.pattern", f"The pattern finds nothing in '{serial}' (inspection {number}).")
    return match[1]


def _refuse_twice(inspection: ReportedInspection, number: int) -> None:
    seen: set[str] = set()
    for row in inspection.rows:
        if row.key in seen:
            message = f"Inspection {number} ({inspection.serial or inspection.asset}) has '{row.key}' twice."
            hint = "Give each characteristic a key; several inspections of one item a column 'inspection' (CSV)."
            raise InvalidInput("results.twice", message, hint)
        seen.add(row.key)


def fingerprint(options: ImportOptions) -> bytes:
    """The options as bytes: the same ones give the same."""
    return canonical_bytes(options.as_json())
