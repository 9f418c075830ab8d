"""Read a file of results: parsed in the sandbox, whatever it does to its parser, checked before anything is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from appliance.core.files import unreadable
from appliance.errors import InvalidInput
from appliance.exchange.parsing import HEAD, NUMBERS, TEXTS
from appliance.exchange.records import MOST_BYTES, ImportOptions, Reading, Reported, ReportedInspection
from appliance.foreign.sandbox import Parsed, run_parser

PARSER: Final = "appliance.exchange.parsing:parse"


def read_results(path: Path, options: ImportOptions) -> Reading:
    """The inspections of a CSV, JSON or QIF file, with what the options say where it says nothing.

    Raises
    ------
    InvalidInput : the file cannot be used; nothing of it is
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    if size > MOST_BYTES:
        raise InvalidInput("results.size", f"The file is larger than {MOST_BYTES >> 20} MiB.", "Split it.")
    if not size:
        raise InvalidInput("results.empty", "The file is empty.")
    reading = decoded(run_parser(PARSER, path, options.as_json()))
    filled = [_filled(one, options, reading.laboratory) for one in reading.inspections]
    return replace(reading, inspections=tuple(filled), laboratory=_laboratory(filled))


def decoded(parsed: Parsed) -> Reading:
    """A reading from what ``parsing.encoded`` made of it."""
    summary, arrays = parsed.summary, parsed.arrays
    texts: list[str | None] = summary["texts"]
    rows: list[list[Reported]] = [[] for _ in summary["heads"]]
    columns = zip(arrays["inspection"].tolist(), arrays["texts"].tolist(), arrays["numbers"].tolist(), strict=True)
    for number, places, figures in columns:
        named: dict[str, Any] = {name: texts[place] for name, place in zip(TEXTS, places, strict=True)}
        named |= {name: None if one != one else one for name, one in zip(NUMBERS, figures, strict=True)}
        rows[number].append(Reported(**named))
    heads = [dict(zip(HEAD, head, strict=True)) for head in summary["heads"]]
    found = tuple(ReportedInspection(**head, rows=tuple(own)) for head, own in zip(heads, rows, strict=True))
    return Reading(summary["format"], found, summary["laboratory"], (*summary["notes"], *parsed.gaps))


def _filled(inspection: ReportedInspection, options: ImportOptions, laboratory: str) -> ReportedInspection:
    """The inspection with what the options or the file say of all that say nothing themselves."""
    names = ("part", "measured_at", "instrument")
    said = {name: getattr(inspection, name) or getattr(options, name) for name in names}
    return replace(inspection, **said, laboratory=options.laboratory or inspection.laboratory or laboratory)


def _laboratory(inspections: Iterable[ReportedInspection]) -> str:
    """The laboratories of a file, as many as 120 characters hold."""
    return ", ".join(sorted({one.laboratory for one in inspections} - {""}))[:120]
