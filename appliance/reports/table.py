"""Tables that grow with their text, repeat their head after a page break and never overflow a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.reports.palette import HAIRLINE, INK, MUTED, PANEL, Colour
from appliance.reports.sheet import LEFT, Sheet

#: Height of one line of a cell and the free border above and below, mm.
_LINE: Final = 3.9
_BORDER: Final = 1.55
#: Free border left and right of a cell, mm.
_GAP: Final = 1.6


@dataclass(frozen=True)
class Column:
    """One column: its title, its width in mm, ``L`` or ``R``."""

    title: str
    width: float
    align: str = "L"


@dataclass(frozen=True)
class Cell:
    """Text in a face and colour, or a drawing: ``draw(sheet, x, y_of_first_line_middle)``."""

    text: str = ""
    face: str = "text"
    colour: Colour = INK
    draw: Callable[[Sheet, float, float], None] | None = None
    indent: float = 0.0


@dataclass(frozen=True)
class Row:
    """Cells of one row, and a note below them across the whole table."""

    cells: Sequence[Cell]
    note: str = ""


def draw_table(sheet: Sheet, columns: Sequence[Column], rows: Sequence[Row], size: float = 8.2) -> None:
    """The table at the running position, which moves below it."""
    _head(sheet, columns, size)
    for row in rows:
        wrapped = [
            sheet.lines_of(cell.text, column.width - 2 * _GAP - cell.indent, cell.face, size)
            for cell, column in zip(row.cells, columns, strict=True)
        ]
        total = sum(column.width for column in columns)
        note = sheet.lines_of(row.note, total - 2 * _GAP - 3.0, "text", size - 0.6) if row.note else []
        height = max(len(lines) for lines in wrapped) * _LINE + 2 * _BORDER + len(note) * (_LINE - 0.2)
        if sheet.need(height):
            _head(sheet, columns, size)
        _row(sheet, columns, row, wrapped, note, size)
        sheet.y += height
        sheet.line(LEFT, sheet.y, LEFT + total, sheet.y, HAIRLINE)


def _head(sheet: Sheet, columns: Sequence[Column], size: float) -> None:
    titles = [sheet.lines_of(column.title, column.width - 2 * _GAP, "medium", size - 0.7) for column in columns]
    height = max(len(lines) for lines in titles) * 3.4 + 2.6
    sheet.need(height + _LINE + 2 * _BORDER)
    sheet.rect(LEFT, sheet.y, sum(column.width for column in columns), height, PANEL)
    x = LEFT
    for column, lines in zip(columns, titles, strict=True):
        for number, line in enumerate(lines):
            baseline = sheet.y + height - 1.9 - (len(lines) - 1 - number) * 3.4
            _place(sheet, x, column, baseline, line, "medium", size - 0.7, MUTED)
        x += column.width
    sheet.y += height


def _row(
    sheet: Sheet,
    columns: Sequence[Column],
    row: Row,
    wrapped: Sequence[Sequence[str]],
    note: Sequence[str],
    size: float,
) -> None:
    x = LEFT
    first = sheet.y + _BORDER + 2.85
    for cell, column, lines in zip(row.cells, columns, wrapped, strict=True):
        if cell.draw:
            cell.draw(sheet, x + _GAP, first - 1.05)
        for number, line in enumerate(lines):
            _place(sheet, x, column, first + number * _LINE, line, cell.face, size, cell.colour, cell.indent)
        x += column.width
    below = first + max(len(lines) for lines in wrapped) * _LINE - 0.2
    for number, line in enumerate(note):
        sheet.text(LEFT + _GAP, below + number * (_LINE - 0.2), line, "text", size - 0.6, MUTED)


def _place(
    sheet: Sheet,
    x: float,
    column: Column,
    baseline: float,
    text: str,
    face: str,
    size: float,
    colour: Colour,
    indent: float = 0.0,
) -> None:
    if column.align == "R":
        sheet.text(x + column.width - _GAP, baseline, text, face, size, colour, align="R")
    else:
        sheet.text(x + _GAP + indent, baseline, text, face, size, colour)
