"""A4 paper to draw a report on: fonts, text that always fits, page breaks, PDF/A-3B (only importer of fpdf).

Positions are millimetres from the upper left corner of the page; a text's y is its baseline.
The sheet never breaks a page by itself: a section asks for room with ``need``.  Characters that
the fonts do not have are written as ``<U+4E2D>``, because PDF/A refuses missing glyphs and a
report must not drop what it was given.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import fpdf
import numpy as np
import numpy.typing as npt
from fontTools.ttLib import TTFont
from PIL import Image

from appliance.reports.palette import ACCENT, HAIRLINE, INK, MUTED, Colour

_FONTS: Final = Path(__file__).resolve().parent / "fonts"
#: Family and style -> file.  ``medium`` is a family of its own because PDF knows no medium weight.
_FACES: Final = {
    "text": ("Roboto", "", "Roboto-Regular.ttf"),
    "medium": ("RobotoMedium", "", "Roboto-Medium.ttf"),
    "bold": ("Roboto", "B", "Roboto-Bold.ttf"),
    "mono": ("JetBrainsMono", "", "JetBrainsMono-Regular.ttf"),
}

PAGE_WIDTH: Final = 210.0
PAGE_HEIGHT: Final = 297.0
LEFT: Final = 17.0
RIGHT: Final = PAGE_WIDTH - 17.0
WIDTH: Final = RIGHT - LEFT
TOP: Final = 27.0
BOTTOM: Final = PAGE_HEIGHT - 21.0
_FOOT: Final = PAGE_HEIGHT - 10.0
#: Millimetres in one typographic point.
_MM_PER_POINT: Final = 25.4 / 72.0


class Sheet:
    """A PDF under construction with a running position ``y``."""

    def __init__(
        self, *, title: str, subject: str, running_title: str, running_right: str, issued_at: datetime
    ) -> None:
        self._pdf: Any = fpdf.FPDF(unit="mm", format="A4", enforce_compliance="PDF/A-3B")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.c_margin = 0
        for family, style, file_name in _FACES.values():
            self._pdf.add_font(family, style, _FONTS / file_name)
        self._pdf.set_title(title)
        self._pdf.set_subject(subject)
        self._pdf.set_author("D2R Appliance")
        self._pdf.set_creator("D2R Appliance")
        self._pdf.set_lang("en-GB")
        self._pdf.set_creation_date(issued_at)
        self._issued_at = issued_at
        self._running = (running_title, running_right)
        self.y = TOP
        self.new_page()

    # -- pages --------------------------------------------------------------------------------
    def new_page(self) -> None:
        """Begin a page with its running head and foot."""
        self._pdf.add_page()
        title, right = self._running
        self.rect(0, 0, PAGE_WIDTH, 3.2, ACCENT)
        if self._pdf.page_no() > 1:
            self.text(LEFT, 14.5, title, "medium", 8, MUTED, width=WIDTH * 0.6)
            self.text(RIGHT, 14.5, right, "mono", 7.5, MUTED, align="R")
            self.line(LEFT, 17.5, RIGHT, 17.5)
        self.line(LEFT, _FOOT - 5.0, RIGHT, _FOOT - 5.0)
        self.text(LEFT, _FOOT, f"{right}  ·  D2R Appliance", "text", 7.5, MUTED)
        self.y = TOP

    @property
    def page_count(self) -> int:
        """Pages so far."""
        return int(self._pdf.pages_count)

    def need(self, height: float) -> bool:
        """Break the page if less than ``height`` is left; True if it broke."""
        if self.y + height <= BOTTOM:
            return False
        self.new_page()
        return True

    def heading(self, title: str, room: float = 24.0) -> None:
        """A section title that stays with at least ``room`` of its section."""
        if not self.need(room + 10.0) and self.y > TOP:
            self.y += 5.5
        self._pdf.start_section(title)
        self.text(LEFT, self.y + 4.0, title, "bold", 12.5, ACCENT)
        self.line(LEFT, self.y + 6.6, RIGHT, self.y + 6.6, ACCENT, 0.35)
        self.y += 10.0

    # -- text ---------------------------------------------------------------------------------
    def text(
        self,
        x: float,
        y: float,
        text: str,
        face: str = "text",
        size: float = 9.0,
        colour: Colour = INK,
        *,
        align: str = "L",
        width: float | None = None,
    ) -> None:
        """One line at its baseline; with ``width`` it is shortened by an ellipsis rather than overflow."""
        text = printable(text, face)
        self._use(face, size)
        if width is not None:
            text = self._shortened(text, width)
        offset = {"L": 0.0, "C": 0.5, "R": 1.0}[align] * self._pdf.get_string_width(text) if align != "L" else 0.0
        self._pdf.set_text_color(*colour)
        if text:
            self._pdf.text(x - offset, y, text)

    def width_of(self, text: str, face: str = "text", size: float = 9.0) -> float:
        """Width in mm of one line."""
        self._use(face, size)
        return float(self._pdf.get_string_width(printable(text, face)))

    def lines_of(self, text: str, width: float, face: str = "text", size: float = 9.0) -> list[str]:
        """``text`` in lines of at most ``width``; a word that is too long is cut."""
        self._use(face, size)
        lines: list[str] = []
        for paragraph in text.split("\n"):
            lines.extend(self._wrapped(printable(paragraph, face), width))
        return lines

    def paragraph(
        self,
        text: str,
        x: float = LEFT,
        width: float = WIDTH,
        face: str = "text",
        size: float = 9.0,
        colour: Colour = INK,
        leading: float = 1.38,
    ) -> None:
        """Lines of text at the running position, which moves below them."""
        step = size * _MM_PER_POINT * leading
        for line in self.lines_of(text, width, face, size):
            self.need(step)
            self.text(x, self.y + size * _MM_PER_POINT * 0.95, line, face, size, colour)
            self.y += step

    # -- shapes -------------------------------------------------------------------------------
    def line(self, x1: float, y1: float, x2: float, y2: float, colour: Colour = HAIRLINE, width: float = 0.18) -> None:
        """A straight line."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.line(x1, y1, x2, y2)

    def dashed(self, x1: float, y1: float, x2: float, y2: float, colour: Colour, width: float = 0.25) -> None:
        """A dashed line."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.set_dash_pattern(dash=1.1, gap=0.8)
        self._pdf.line(x1, y1, x2, y2)
        self._pdf.set_dash_pattern()

    def rect(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        fill: Colour | None = None,
        edge: Colour | None = None,
        radius: float = 0.0,
        width: float = 0.18,
    ) -> None:
        """A rectangle, filled, outlined or both, with rounded corners if ``radius`` is given."""
        style = ("F" if fill else "") + ("D" if edge else "")
        if fill:
            self._pdf.set_fill_color(*fill)
        if edge:
            self._pdf.set_draw_color(*edge)
            self._pdf.set_line_width(width)
        rounded = {"round_corners": True, "corner_radius": radius} if radius else {}
        self._pdf.rect(x, y, w, h, style=style, **rounded)

    def polygon(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """A filled polygon."""
        self._pdf.set_fill_color(*fill)
        self._pdf.polygon(list(points), style="F")

    def circle(self, x: float, y: float, radius: float, fill: Colour) -> None:
        """A filled circle around its centre."""
        self._pdf.set_fill_color(*fill)
        self._pdf.ellipse(x - radius, y - radius, 2 * radius, 2 * radius, style="F")

    def polyline(self, points: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
        """An open line through points, with round ends."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.polyline(list(points), style="D")

    def picture(self, pixels: npt.NDArray[np.uint8], x: float, y: float, w: float, h: float, alternative: str) -> None:
        """An RGB picture, uint8 (rows, columns, 3), with its description."""
        self._pdf.image(Image.fromarray(pixels), x=x, y=y, w=w, h=h, alt_text=alternative)

    @contextmanager
    def clip(self, x: float, y: float, w: float, h: float) -> Iterator[None]:
        """Nothing drawn inside the block leaves the rectangle."""
        with self._pdf.rect_clip(x, y, w, h):
            yield

    # -- the file -----------------------------------------------------------------------------
    def attach(self, name: str, data: bytes, mime: str, description: str, relationship: str) -> None:
        """Embed a file as an associated file of the document (PDF/A-3, ISO 19005-3 6.8)."""
        self._pdf.embed_file(
            bytes=data,
            basename=name,
            modification_date=self._issued_at,
            creation_date=self._issued_at,
            mime_type=mime,
            associated_file_relationship=relationship,
            desc=description,
            compress=False,
        )

    def to_bytes(self) -> bytes:
        """The finished PDF; every page now says how many there are."""
        for page in range(1, self.page_count + 1):
            self._pdf.page = page
            self._use("mono", 7.5)  # a font that is not the next one's: fpdf names a font only where it changes
            self.text(RIGHT, _FOOT, f"Page {page} of {self.page_count}", "text", 7.5, MUTED, align="R")
        target = io.BytesIO()
        self._pdf.output(target)
        return target.getvalue()

    # -- inside -------------------------------------------------------------------------------
    def _use(self, face: str, size: float) -> None:
        family, style, _ = _FACES[face]
        self._pdf.set_font(family, style, size)

    def _shortened(self, text: str, width: float) -> str:
        if self._pdf.get_string_width(text) <= width:
            return text
        keep = len(text)
        while keep and self._pdf.get_string_width(text[:keep].rstrip() + "…") > width:
            keep -= 1
        return text[:keep].rstrip() + "…"

    def _wrapped(self, paragraph: str, width: float) -> list[str]:
        lines: list[str] = []
        line = ""
        for word in paragraph.split(" "):
            candidate = f"{line} {word}" if line else word
            if self._pdf.get_string_width(candidate) <= width:
                line = candidate
                continue
            if line:
                lines.append(line)
            while self._pdf.get_string_width(word) > width and len(word) > 1:
                keep = self._fitting(word, width)
                lines.append(word[:keep])
                word = word[keep:]
            line = word
        return [*lines, line]

    def _fitting(self, word: str, width: float) -> int:
        keep = 1
        while keep < len(word) and self._pdf.get_string_width(word[: keep + 1]) <= width:
            keep += 1
        return keep


def printable(text: str, face: str) -> str:
    """``text`` with every character that the face lacks, and every control character, spelled out.

    A line break is one too: whoever wants lines splits the text before.
    """
    known = _characters(face)
    return "".join(c if ord(c) in known and c >= " " else f"<U+{ord(c):04X}>" for c in text)


@cache
def _characters(face: str) -> frozenset[int]:
    with TTFont(_FONTS / _FACES[face][2]) as font:
        return frozenset(font.getBestCmap())
