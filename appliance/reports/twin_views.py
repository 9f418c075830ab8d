"""A picture of a twin as PNG: two views of the part side by side, and the scale of colours below them."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from appliance.cad.records import TriangleMesh
from appliance.reports.camera import REPORT_VIEWS, Camera
from appliance.reports.render import Surface, render
from appliance.scans.export.colours import colours_of_deviation
from appliance.twin.facets import corners_of_skin
from appliance.twin.pictures import Picture

#: Pixels of one view, and of the scale below: from minus to plus the span over the width, its ends beyond the span.
_WIDTH: Final = 720
_HEIGHT: Final = 540
_BAR: Final = 14
_VIEWS: Final = 2


def png_of(picture: Picture) -> bytes:
    """The part from two sides.  Memory: about 400 bytes a facet, and 150 MB for the views."""
    corners = corners_of_skin(picture.skin).reshape(-1, 3)
    triangles = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    surface = Surface.of(TriangleMesh(corners, triangles, np.full(len(triangles), -1, np.int32)))
    values, colours = picture.facet_values, partial(colours_of_deviation, span_mm=picture.span)
    views = []
    for _, direction in REPORT_VIEWS[:_VIEWS]:
        camera = Camera.around(corners, direction, _WIDTH / _HEIGHT)
        views.append(render(surface, camera, lambda _, triangle: values[triangle], colours, _WIDTH, _HEIGHT))
    pixels = np.vstack([np.hstack(views), _scale(picture)])
    sink = BytesIO()
    Image.fromarray(pixels).save(sink, "PNG", compress_level=6)
    return sink.getvalue()


def _scale(picture: Picture) -> npt.NDArray[np.uint8]:
    """The colours from just beyond minus the span to just beyond plus the span."""
    value = np.linspace(-1.06, 1.06, _VIEWS * _WIDTH) * picture.span
    return np.repeat(colours_of_deviation(value, span_mm=picture.span)[None], _BAR, axis=0)
