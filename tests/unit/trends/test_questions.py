"""Violations, capability, comparisons, charts, recall, what-if, instruments: on histories whose answer is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from appliance.core.clock import rfc3339_us
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.measurements.models import Measurement
from appliance.measurements.recording import supersede_measurements
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.capability import capability_of
from appliance.trends.charts import control_chart, freeze_limits
from appliance.trends.comparing import comparison
from appliance.trends.instruments import STEADY, SUSPECT, UNKNOWN, declare_reference, instrument_states
from appliance.trends.recall import recalled
from appliance.trends.violations import violations, wilson
from appliance.trends.what_if import judged_again
from tests.measured_workspace import Plant

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


def test_violations_are_counted_the_worst_first_and_amendments_count_once(plant: Plant) -> None:
    plant.measure(0, at(0), [0.0, 0.2, None])
    wrong = plant.measure(0, at(1), [0.0, 0.3, 0.1])
    plant.measure(0, at(40), [0.0, -0.3, 0.0])
    again = plant.measure(0, at(1), [0.0, 0.0, 0.1])
    supersede_measurements(plant.scope, [wrong.inspection_id], again.inspection_id)
    first, *others = violations(plant.scope, "part", plant.part)
    assert (first.characteristic, first.failed, first.passed, first.below, first.above) == ("c1", 2, 1, 1, 1)
    assert (first.lowest, first.highest, first.share) == (-0.3, 0.2, 2 / 3)
    assert {one.characteristic: (one.inconclusive, one.not_measured) for one in others} == {"c0": (0, 0), "c2": (1, 1)}
    [january, *_] = violations(plant.scope, "asset", plant.assets[0], until=at(30))
    assert (january.characteristic, january.failed) == ("c1", 1)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: 81/263, 15/148, 0/20, 1/29
    for hits, count, lower, upper in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert wilson(hits, count) == pytest.approx((lower, upper), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_capability_of_normal_values_is_that_of_the_formula(plant: Plant) -> None:
    values = np.random.default_rng(1).normal(0.01, 0.02, 60)
    for n, value in enumerate(values):
        plant.measure(n % 2, at(n / 4), [value])
    [january] = capability_of(plant.scope, "c0", "month", at(0))
    sd = values.std(ddof=1)
    assert (january.method, january.measured) == ("normal", 60)
    assert january.pp == pytest.approx(0.2 / (6 * sd))
    assert january.ppk == pytest.approx((0.1 - abs(values.mean())) / (3 * sd))
    assert january.sd == pytest.approx(sd, rel=1e-4)  # counted in whole nanometres
    weeks = capability_of(plant.scope, "c0", "week", at(0), asset=plant.assets[0])
    assert sum(week.measured for week in weeks) == 30
    assert weeks[0].since == "2025-12-29T00:00:00Z"  # the Monday before the first of January


def test_values_that_are_not_normal_get_no_normal_figure(plant: Plant) -> None:
    values = 0.02 * np.random.default_rng(2).weibull(1.2, 80)
    for n, value in enumerate(values):
        plant.measure(0, at(n / 4), [value])
    [january] = capability_of(plant.scope, "c0", "month", at(0))
    assert january.method == "weibull"
    x50, high = (stats.weibull_min.ppf(q, 1.2, scale=0.02) for q in (0.5, 0.99865))
    assert january.ppk == pytest.approx((0.1 - x50) / (high - x50), rel=0.3)
    days = capability_of(plant.scope, "c0", "day", at(0))
    assert {day.method for day in days} == {"none"}  # four values a day tell nothing


def test_assets_that_differ_are_told_apart_and_others_are_not(plant: Plant) -> None:
    values = np.random.default_rng(3).normal([0.0, 0.02], 0.01, (30, 2))
    for n, pair in enumerate(values):
        for asset, value in enumerate(pair):
            plant.measure(asset, at(n), [value, value - 0.02 * asset])
    told = comparison(plant.scope, "c0", "asset")
    assert told.p == pytest.approx(stats.ttest_ind(values[:, 0], values[:, 1], equal_var=False).pvalue, rel=1e-3)
    [difference] = told.differences
    assert difference.differs
    assert abs(difference.value) == pytest.approx(values[:, 1].mean() - values[:, 0].mean(), rel=1e-4)
    assert "differ" in told.finding
    assert {group.name for group in told.groups} == {"press-00", "press-01"}
    same = comparison(plant.scope, "c1", "asset")
    assert "No difference can be told" in same.finding
    assert not same.differences[0].differs
    assert comparison(plant.scope, "c1", "instrument").finding.startswith("Nothing can be told")


def test_a_chart_is_judged_by_the_limits_that_were_frozen_last(plant: Plant) -> None:
    values = np.random.default_rng(4).normal(0.0, 0.01, 30)
    for day, value in enumerate([*values, 0.2]):
        plant.measure(0, at(day), [value])
    with pytest.raises(NotFound):
        control_chart(plant.scope, "c0")
    freeze_limits(plant.scope, "c0", at(0), at(30), "in control after the start")
    chart = control_chart(plant.scope, "c0")
    spread = np.abs(np.diff(values)).mean() / 1.12838
    assert (chart.version, len(chart.points)) == (1, 31)
    assert (chart.centre, chart.sigma) == pytest.approx((values.mean(), spread), rel=1e-5)
    beyond = [one for one in chart.signals if one.rule == "beyond" and one.statistic != "mr"]
    assert [one.measured_at for one in beyond] == [at(30)]
    assert freeze_limits(plant.scope, "c0", at(0), at(20), "again").version == 2
    assert control_chart(plant.scope, "c0").version == 2
    with pytest.raises(NotFound):
        control_chart(plant.scope, "c0", asset=plant.assets[0])


def test_recall_finds_every_verdict_that_depends_on_it(plant: Plant) -> None:
    one, other = plant.instruments
    made = [
        plant.measure(0, at(day), [0.0], instrument=(one, other)[day % 2], revision=plant.revisions[day // 4])
        for day in range(8)
    ]
    by_instrument = [made[day].inspection_id for day in (0, 2, 4, 6)]
    assert [found.id for found in recalled(plant.scope, instrument=one)] == by_instrument
    assert [found.id for found in recalled(plant.scope, instrument="S5-0")] == by_instrument
    assert [found.id for found in recalled(plant.scope, cad_revision=plant.revisions[1])] == [
        occasion.inspection_id for occasion in made[4:]
    ]
    window = recalled(plant.scope, instrument=one, since=at(2), until=at(6), operator="psn_1")
    assert [found.id for found in window] == by_instrument[1:3]
    assert recalled(plant.scope, operator="psn_2") == ()
    assert [found.id for found in recalled(plant.scope, after=made[5].inspection_id, limit=1)] == [
        made[6].inspection_id
    ]


def test_what_if_judges_history_again_and_writes_nothing(plant: Plant) -> None:
    made = [plant.measure(0, at(day), [value]) for day, value in enumerate((0.0, 0.05, 0.09, 0.2))]
    with plant.scope:
        before = list(Measurement.select().tuples())
    found = judged_again(plant.scope, "c0", -0.05, 0.05)
    assert {(one.before, one.after): one.count for one in found.changes} == {
        ("pass", "pass"): 1, ("pass", "inconclusive"): 1, ("inconclusive", "fail"): 1, ("fail", "fail"): 1,
    }  # fmt: skip
    assert set(found.inspections) == {made[1].inspection_id, made[2].inspection_id}
    assert (found.judged, found.is_complete) == (4, True)
    with plant.scope:
        assert list(Measurement.select().tuples()) == before
    with pytest.raises(InvalidInput):
        judged_again(plant.scope, "c0", 0.1, 0.1)


def test_an_instrument_is_suspect_since_the_last_value_that_vouched_for_it(plant: Plant) -> None:
    values = np.random.default_rng(5).normal(0.0, 0.01, 40)
    for day, value in enumerate(values):
        plant.measure(0, at(day), [value + 0.1 * (day >= 35)], instrument=plant.instruments[0])
        if day < 10:
            plant.measure(0, at(day), [value], instrument=plant.instruments[1])
    assert instrument_states(plant.scope) == ()
    declare_reference(plant.scope, "press-00", "ball bar")
    moved, unknown = instrument_states(plant.scope)
    assert (moved.instrument, moved.state, moved.suspect_since) == ("S5-0", SUSPECT, at(34))
    assert moved.suspicions[0].signal.measured_at == at(35)
    assert (unknown.instrument, unknown.state, unknown.checked) == ("S5-1", UNKNOWN, 0)
    with pytest.raises(Conflict):
        declare_reference(plant.scope, "press-00", "again")


def test_an_artefact_that_stands_still_vouches_for_its_instrument(plant: Plant) -> None:
    for day, value in enumerate(np.random.default_rng(6).normal(0.0, 0.01, 40)):
        plant.measure(0, at(day), [value], instrument=plant.instruments[0])
    declare_reference(plant.scope, "press-00", "ball bar")
    [state] = instrument_states(plant.scope)
    assert (state.state, state.checked) == (STEADY, 20)


def test_a_name_that_several_have_is_asked_for_by_its_id(plant: Plant) -> None:
    plant.measure(0, at(0), [0.0])
    with plant.scope.transaction():
        plant.scope.database.run(
            "INSERT INTO characteristic VALUES ('cha_x', ?, 'other', 'c0', 'z', 'q', 'mm', 'x')", plant.part
        )
    with pytest.raises(Conflict):
        judged_again(plant.scope, "c0", None, 0.1)
    with pytest.raises(NotFound):
        judged_again(plant.scope, "c9", None, 0.1)
