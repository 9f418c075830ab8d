"""The colours of deviation, judged by an independent CIELAB and by simulated colour blindness."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from appliance.errors import InvalidInput
from appliance.scans.export.colours import ABOVE, BELOW, HIGH_END, LOW_END, NOT_MEASURED, ZERO, colours_of_deviation

Array = npt.NDArray[Any]

#: Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB (doi:10.1109/TVCG.2009.113).
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab_as_seen(rgb: Any, blindness: str = "none") -> Array:
    """CIELAB under D65 of sRGB colours, one at a time by the textbook (CIE 15:2004)."""
    rows = []
    for colour in np.atleast_2d(np.asarray(rgb, float)) / 255:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        r, g, b = np.clip(BLINDNESS[blindness] @ linear, 0, 1)
        x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
        y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
        z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
        fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
        rows.append((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)))
    return np.array(rows)


def distance(one: Any, other: Any, blindness: str = "none") -> float:
    return float(np.linalg.norm(lab_as_seen(one, blindness) - lab_as_seen(other, blindness)))


def ramp(count: int = 101) -> Array:
    return colours_of_deviation(np.linspace(-0.2, 0.2, count), span_mm=0.2)


def test_the_ends_the_middle_and_what_lies_beyond_have_their_colours() -> None:
    given = np.array([-0.2, 0.0, 0.2, -0.2000001, 0.2000001, -np.inf, np.inf, np.nan])
    wanted = [LOW_END, ZERO, HIGH_END, BELOW, ABOVE, BELOW, ABOVE, NOT_MEASURED]
    assert np.array_equal(colours_of_deviation(given, span_mm=0.2), wanted)


def test_equal_steps_of_deviation_are_equal_steps_to_the_eye() -> None:
    colours = colours_of_deviation(np.arange(-126, 127, 14) * 0.2 / 127, span_mm=0.2)
    steps = np.linalg.norm(np.diff(lab_as_seen(colours), axis=0), axis=1)
    for side in (steps[:9], steps[9:]):
        assert side.max() / side.min() < 1.15


def test_both_sides_are_equally_light_and_zero_is_lightest() -> None:
    lightness = lab_as_seen(ramp())[:, 0]
    assert np.abs(lightness - lightness[::-1]).max() < 1.0
    assert (np.diff(lightness[:51]) > 0).all()
    assert (np.diff(lightness[50:]) < 0).all()


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_sign_and_the_tolerance_are_told_apart_by_every_eye(blindness: str) -> None:
    inside = ramp()
    for index in range(25):
        assert distance(inside[index], inside[100 - index], blindness) > 15
    for beyond in (BELOW, ABOVE):
        assert min(distance(colour, beyond, blindness) for colour in inside) > 30
        assert distance(beyond, NOT_MEASURED, blindness) > 30
    assert distance(BELOW, ABOVE, blindness) > 15
    assert min(distance(colour, NOT_MEASURED, blindness) for colour in inside) > 10


def test_beyond_the_tolerance_is_darker_even_in_black_and_white() -> None:
    darkest = lab_as_seen(ramp())[:, 0].min()
    for colour in (BELOW, ABOVE):
        assert darkest - lab_as_seen(colour)[0, 0] > 35


def test_single_precision_and_strided_values_have_the_same_colours() -> None:
    values = np.random.default_rng(7).normal(0, 0.1, 200_000).astype(np.float32)
    whole = colours_of_deviation(values.astype(np.float64), span_mm=0.125)
    assert np.array_equal(colours_of_deviation(values, span_mm=0.125), whole)
    assert np.array_equal(colours_of_deviation(values[::2], span_mm=0.125), whole[::2])
    assert colours_of_deviation(values[:0], span_mm=0.125).shape == (0, 3)


@pytest.mark.parametrize("span", [0.0, -1.0, np.nan, np.inf])
def test_a_span_that_is_no_tolerance_is_refused(span: float) -> None:
    with pytest.raises(InvalidInput):
        colours_of_deviation(np.zeros(3), span_mm=span)
