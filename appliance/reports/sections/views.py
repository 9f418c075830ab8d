"""Three views of the deviation field with one colour scale, tied to the tolerance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import worker_count
from appliance.inspections.records import Inspection
from appliance.reports.camera import REPORT_VIEWS, Camera
from appliance.reports.palette import HAIRLINE, MUTED
from appliance.reports.render import Surface, render
from appliance.reports.sections.scale import Scale, draw_scale
from appliance.reports.sheet import LEFT, WIDTH, Sheet

#: Pixels of one view; 56 mm wide on paper, about 360 dots per inch.
_PIXELS: Final = (800, 600)
_GAP: Final = 4.0
_VIEW_WIDTH: Final = (WIDTH - 2 * _GAP) / 3
_VIEW_HEIGHT: Final = _VIEW_WIDTH * _PIXELS[1] / _PIXELS[0]
_AXES: Final = (("x", (186, 52, 44)), ("y", (30, 122, 70)), ("z", (36, 92, 168)))

View = tuple[str, Camera, npt.NDArray[np.uint8]]


def render_views(inspection: Inspection, progress: Callable[[float], None] | None = None) -> list[View]:
    """The three views of a report, side by side on all threads.  Memory: about 150 MB a thread."""
    views: list[View] = []
    if not len(inspection.cad.mesh.triangles):
        return views
    surface, colours = Surface.of(inspection.cad.mesh), Scale.of(inspection).colours

    def view(title: str, direction: tuple[float, float, float]) -> View:
        camera = Camera.around(inspection.cad.mesh.vertices_mm, direction, _PIXELS[0] / _PIXELS[1])
        return title, camera, render(surface, camera, inspection.field_at, colours, *_PIXELS)

    # a pool of its own: the field is looked up on the threads of the kernels
    with ThreadPoolExecutor(min(worker_count(), len(REPORT_VIEWS))) as pool:
        for done in pool.map(view, *zip(*REPORT_VIEWS, strict=True)):
            views.append(done)
            if progress:
                progress(len(views) / len(REPORT_VIEWS))
    return views


def draw_views(sheet: Sheet, inspection: Inspection, views: Sequence[View]) -> None:
    """The views side by side, the scale below them."""
    sheet.heading("Deviation from CAD", _VIEW_HEIGHT + 26.0)
    top = sheet.y - 1.5
    for number, (title, camera, pixels) in enumerate(views):
        x = LEFT + number * (_VIEW_WIDTH + _GAP)
        sheet.picture(pixels, x, top, _VIEW_WIDTH, _VIEW_HEIGHT, f"Deviation from CAD, {title.lower()}")
        sheet.rect(x, top, _VIEW_WIDTH, _VIEW_HEIGHT, None, HAIRLINE, radius=1.0)
        sheet.text(x + 2.0, top + 4.2, title, "text", 7.4, MUTED)
        _triad(sheet, camera, x + 7.0, top + _VIEW_HEIGHT - 7.0)
    sheet.y = top + _VIEW_HEIGHT + 4.5
    draw_scale(sheet, Scale.of(inspection))


def _triad(sheet: Sheet, camera: Camera, x: float, y: float) -> None:
    for axis, (name, colour) in enumerate(_AXES):
        right, down = camera.axis_on_screen(axis)
        sheet.line(x, y, x + 4.6 * right, y + 4.6 * down, colour, 0.4)
        sheet.text(x + 6.2 * right, y + 6.2 * down + 0.8, name, "medium", 6.2, colour, align="C")
