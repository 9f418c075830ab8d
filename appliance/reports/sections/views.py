"""Three views of the deviation field with one colour scale, tied to the tolerance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.inspections.records import Inspection
from appliance.reports.camera import REPORT_VIEWS, Camera
from appliance.reports.figures import millimetres
from appliance.reports.palette import HAIRLINE, INK, MUTED, UNCOVERED, WHITE
from appliance.reports.render import ColourMap, Surface, render
from appliance.reports.sheet import LEFT, WIDTH, Sheet
from appliance.scans.export.colours import colours_of_deviation

#: Pixels of one view; 56 mm wide on paper, about 360 dots per inch.
_PIXELS: Final = (800, 600)
_GAP: Final = 4.0
_VIEW_WIDTH: Final = (WIDTH - 2 * _GAP) / 3
_VIEW_HEIGHT: Final = _VIEW_WIDTH * _PIXELS[1] / _PIXELS[0]
_AXES: Final = (("x", (186, 52, 44)), ("y", (30, 122, 70)), ("z", (36, 92, 168)))
#: Range of colours where the plan has no limits at all, mm.
_SMALLEST_SPAN_MM: Final = 0.001

View = tuple[str, Camera, npt.NDArray[np.uint8]]


def span_of(inspection: Inspection) -> float:
    """Half the range of the colour scale: the widest limit, else the widest percentile, mm."""
    limits = [abs(float(limit)) for c in inspection.plan.characteristics for limit in (c.lower_mm, c.upper_mm) if limit]
    if limits:
        return max(limits)
    statistics = inspection.result.get("deviation_mm", {})
    seen = [abs(float(statistics[name])) for name in ("p1", "p99") if statistics.get(name) is not None]
    return max([*seen, _SMALLEST_SPAN_MM])


def render_views(inspection: Inspection, progress: Callable[[float], None] | None = None) -> list[View]:
    """The three views of a report."""
    views: list[View] = []
    if not len(inspection.cad.mesh.triangles):
        return views
    surface, colours = Surface.of(inspection.cad.mesh), _colours(inspection)
    for title, direction in REPORT_VIEWS:
        camera = Camera.around(inspection.cad.mesh.vertices_mm, direction, _PIXELS[0] / _PIXELS[1])
        pixels = render(surface, camera, inspection.field_at, colours, *_PIXELS)
        views.append((title, camera, pixels))
        if progress:
            progress(len(views) / len(REPORT_VIEWS))
    return views


def draw_views(sheet: Sheet, inspection: Inspection, views: Sequence[View]) -> None:
    """The views side by side, the scale below them."""
    sheet.heading("Deviation from CAD", _VIEW_HEIGHT + 24.0)
    top = sheet.y - 1.5
    for number, (title, camera, pixels) in enumerate(views):
        x = LEFT + number * (_VIEW_WIDTH + _GAP)
        sheet.picture(pixels, x, top, _VIEW_WIDTH, _VIEW_HEIGHT, f"Deviation from CAD, {title.lower()}")
        sheet.rect(x, top, _VIEW_WIDTH, _VIEW_HEIGHT, None, HAIRLINE, radius=1.0)
        sheet.text(x + 2.0, top + 4.2, title, "text", 7.4, MUTED)
        _triad(sheet, camera, x + 7.0, top + _VIEW_HEIGHT - 7.0)
    sheet.y = top + _VIEW_HEIGHT + 4.5
    _scale(sheet, inspection)


def _triad(sheet: Sheet, camera: Camera, x: float, y: float) -> None:
    for axis, (name, colour) in enumerate(_AXES):
        right, down = camera.axis_on_screen(axis)
        sheet.line(x, y, x + 4.6 * right, y + 4.6 * down, colour, 0.4)
        sheet.text(x + 6.2 * right, y + 6.2 * down + 0.8, name, "medium", 6.2, colour, align="C")


def _colours(inspection: Inspection) -> ColourMap:
    return partial(colours_of_deviation, span_mm=span_of(inspection))


def _scale(sheet: Sheet, inspection: Inspection, steps: int = 161) -> None:
    """The bar of colours with ticks and its dark ends, and the key of uncovered surface."""
    span = span_of(inspection)
    bar, end, height, top = 104.0, 7.0, 3.8, sheet.y
    start = LEFT + end
    colours = _colours(inspection)
    centres = (np.arange(steps) + 0.5) / steps * 2 * span - span
    sheet.picture(np.repeat(colours(centres)[None], 4, axis=0), start, top, bar, height, "Colour scale of deviation")
    below, above = (tuple(int(part) for part in colour) for colour in colours(np.array((-2 * span, 2 * span))))
    sheet.rect(LEFT, top, end - 0.6, height, (below[0], below[1], below[2]))
    sheet.rect(start + bar + 0.6, top, end - 0.6, height, (above[0], above[1], above[2]))
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        x = start + (share + 1) / 2 * bar
        sheet.line(x, top + height, x, top + height + 1.1, MUTED, 0.2)
        sheet.text(x, top + height + 4.1, millimetres(share * span, 3, signed=share != 0), "text", 7.4, INK, align="C")
    sheet.text(LEFT + (end - 0.6) / 2, top + 2.7, "less", "medium", 6.4, WHITE, align="C")
    sheet.text(start + bar + 0.6 + (end - 0.6) / 2, top + 2.7, "more", "medium", 6.4, WHITE, align="C")
    note = "mm; − is missing, + is extra material. The scale ends at the widest limit of the plan; dark is beyond it."
    sheet.text(LEFT, top + height + 8.2, note, "text", 7.4, MUTED)
    _uncovered_key(sheet, start + bar + end + 8.0, top, height)
    sheet.y = top + height + 10.5


def _uncovered_key(sheet: Sheet, x: float, top: float, height: float) -> None:
    sheet.rect(x, top, 6.5, height, UNCOVERED)
    with sheet.clip(x, top, 6.5, height):
        for offset in range(0, 12, 2):
            sheet.line(x + offset - 4.0, top + height, x + offset, top, WHITE, 0.45)
    sheet.rect(x, top, 6.5, height, None, MUTED, width=0.15)
    sheet.text(x + 8.5, top + 2.9, "not covered by the scan", "text", 7.6, INK)
