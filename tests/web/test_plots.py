"""The geometry of a series: everything that is shown lies within the picture, and ticks are where their values are."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.spc.series import REPAIR, Break
from appliance.trends.history import MeasuredPoint, day_of
from web.console.plots import Plot, plot_of

values = st.floats(-1e6, 1e6).map(lambda value: round(value, 6))
maybe = st.none() | st.floats(1e-6, 1e3)
limits = st.none() | st.floats(-1e3, 1e3)
rows = st.lists(st.tuples(st.integers(1, 28), values, maybe), min_size=1, max_size=20)


def points(rows: list[tuple[int, float, float | None]], low: float | None, high: float | None) -> list[MeasuredPoint]:
    return [
        MeasuredPoint(f"2026-03-{day:02}T12:00:00.000000Z", value, expanded, low, high, "pass", "ins_1")
        for day, value, expanded in sorted(rows, key=lambda row: row[0])
    ]


@given(rows, limits, limits)
def test_whatever_was_measured_lies_within_the_picture(
    rows: list[tuple[int, float, float | None]], low: float | None, high: float | None
) -> None:
    plot = plot_of(points(rows, low, high), [], None)
    across = [mark.x for mark in plot.marks] + [tick.at for tick in plot.x_ticks]
    along = [side for mark in plot.marks for side in (mark.y, mark.low, mark.high)]
    along += [tick.at for tick in (*plot.y_ticks, *plot.limits)]
    assert plot.left <= min(across) <= max(across) <= plot.right
    assert plot.top <= min(along) <= max(along) <= plot.bottom
    assert all(mark.high <= mark.y <= mark.low for mark in plot.marks), "upwards is less"
    assert len(plot.y_ticks) <= 8


def test_a_tick_stands_where_its_value_is() -> None:
    plot = plot_of(points([(1, 0.0, None), (11, 0.2, None)], None, None), [], None)
    place = {tick.label: tick.at for tick in plot.y_ticks}
    first, last = plot.marks
    assert (place["0.00"], place["0.20"]) == (first.y, last.y)
    assert [tick.label for tick in plot.x_ticks] == [f"2026-03-{day:02}" for day in (1, 3, 5, 7, 9, 11)]


def test_what_was_measured_within_hours_is_told_by_the_minute() -> None:
    first, last = points([(1, 0.0, None), (1, 0.2, None)], None, None)
    plot = plot_of([first, replace(last, measured_at="2026-03-01T13:15:00.000000Z")], [], None)
    labels = [tick.label for tick in plot.x_ticks]
    assert labels == [f"03-01 {time}" for time in ("12:00", "12:15", "12:30", "12:45", "13:00", "13:15")]


def test_breaks_are_drawn_where_something_was_measured_around_them() -> None:
    def with_break(at: str) -> Plot:
        return plot_of(points([(1, 0.0, None), (3, 0.1, None)], None, None), [Break(day_of(at), REPAIR)], None)

    plot = with_break("2026-03-02T12:00:00Z")
    assert [(one.at, one.label) for one in plot.breaks] == [((plot.left + plot.right) / 2, REPAIR)]
    assert with_break("2026-02-02T12:00:00Z").breaks == ()
