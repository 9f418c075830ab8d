"""The mark of a decision: tick in a circle, cross in an octagon, question mark in a diamond, bar in a square."""

from __future__ import annotations

from math import cos, pi, sin

from appliance.qc.records import FAIL, INCONCLUSIVE, PASS
from appliance.reports.palette import WHITE, look_of
from appliance.reports.sheet import Sheet


def draw_mark(sheet: Sheet, decision: str, x: float, y: float, size: float) -> None:
    """The mark of ``decision``, centred at (x, y), ``size`` mm high."""
    colour = look_of(decision).strong
    half = size / 2
    stroke = size * 0.11
    if decision == PASS:
        sheet.circle(x, y, half, colour)
        tick = [(-0.24, 0.02), (-0.06, 0.19), (0.26, -0.17)]
        sheet.polyline([(x + dx * size, y + dy * size) for dx, dy in tick], WHITE, stroke)
    elif decision == FAIL:
        corners = [(x + half * cos(pi / 8 + k * pi / 4), y + half * sin(pi / 8 + k * pi / 4)) for k in range(8)]
        sheet.polygon(corners, colour)
        arm = 0.17 * size
        sheet.polyline([(x - arm, y - arm), (x + arm, y + arm)], WHITE, stroke)
        sheet.polyline([(x - arm, y + arm), (x + arm, y - arm)], WHITE, stroke)
    elif decision == INCONCLUSIVE:
        reach = half * 1.12
        sheet.polygon([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)], colour)
        sheet.text(x, y + size * 0.235, "?", "bold", size * 1.9, WHITE, align="C")
    else:
        sheet.rect(x - 0.44 * size, y - 0.44 * size, 0.88 * size, 0.88 * size, colour, radius=0.08 * size)
        sheet.polyline([(x - 0.2 * size, y), (x + 0.2 * size, y)], WHITE, stroke)
