"""The colours of deviation: one diverging map for exports, viewers and reports.

From blue (material missing) over near-white to red (material in excess), straight lines in CIELAB
and of equal lightness on both sides, so that equal steps of deviation look equal and the sign
survives every form of colour blindness.  Beyond the span the colour does not run on but jumps to
a much darker blue or red: what is out of tolerance is told by lightness alone.  Grey is not
measured.

Source: CIE 15:2004 (CIELAB, D65), IEC 61966-2-1 (sRGB); end colours of ColorBrewer's RdBu.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]

#: Steps of the map within the span; odd, so that zero has a colour of its own.
STEPS: Final = 255
#: sRGB at minus the span, at zero, at plus the span.
LOW_END: Final = (67, 147, 195)
ZERO: Final = (247, 247, 247)
HIGH_END: Final = (217, 107, 88)
#: sRGB beyond the span, and where nothing was measured.
BELOW: Final = (5, 38, 82)
ABOVE: Final = (95, 0, 28)
NOT_MEASURED: Final = (128, 128, 128)

_XYZ_OF_RGB: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE: Final = np.array([0.95047, 1.0, 1.08883])
_LINEAR_BELOW: Final = (6 / 29) ** 3


def colours_of_deviation(deviation_mm: npt.NDArray[np.floating], *, span_mm: float) -> UInt8:
    """sRGB uint8 (n, 3) of deviations (n,).

    Parameters
    ----------
    deviation_mm : float64 or float32 (n,), mm, positive out of the material; NaN is not measured
    span_mm : the tolerance: the map runs from minus to plus this, both included

    Raises
    ------
    InvalidInput : the span is not a positive number
    """
    if not 0 < span_mm < np.inf:
        raise InvalidInput("colours.span", f"{span_mm} mm is no span of colours.", "Give a positive tolerance.")
    values = np.ascontiguousarray(deviation_mm)
    colours = np.empty((len(values), 3), np.uint8)
    table = colour_table()
    over_chunks(len(values), lambda a, b: _paint(values[a:b], float(span_mm), table, colours[a:b]))
    return colours


@cache
def colour_table() -> UInt8:
    """sRGB uint8 (STEPS + 3, 3): below the span, the map from minus to plus, above it, not measured."""
    low, zero, high = (_lab_of_rgb(np.array(colour) / 255) for colour in (LOW_END, ZERO, HIGH_END))
    way = np.linspace(-1, 1, STEPS)[:, None]
    lab = zero + np.where(way < 0, (low - zero) * -way, (high - zero) * way)
    inside = np.rint(255 * _rgb_of_lab(lab)).astype(np.uint8)
    table = np.vstack((np.array([BELOW]), inside, np.array([ABOVE, NOT_MEASURED]))).astype(np.uint8)
    table.flags.writeable = False
    return table


@kernel
def _paint(values: Float64, span: float, table: UInt8, colours: UInt8) -> None:
    for i in range(len(values)):
        value = np.float64(values[i])
        if np.isnan(value):
            row = STEPS + 2
        elif value < -span:
            row = 0
        elif value > span:
            row = STEPS + 1
        else:
            row = 1 + int(np.rint((value / span + 1.0) * 0.5 * (STEPS - 1)))
        for channel in range(3):
            colours[i, channel] = table[row, channel]


def _lab_of_rgb(rgb: Float64) -> Float64:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ_OF_RGB.T / _WHITE
    f = np.where(xyz > _LINEAR_BELOW, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), axis=-1)


def _rgb_of_lab(lab: Float64) -> Float64:
    y = (lab[..., 0] + 16) / 116
    f = np.stack((y + lab[..., 1] / 500, y, y - lab[..., 2] / 200), axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(xyz @ np.linalg.inv(_XYZ_OF_RGB).T, 0.0, 1.0)
    rgb: Float64 = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb
