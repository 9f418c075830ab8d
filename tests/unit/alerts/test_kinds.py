"""What each kind of rule finds, and what not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.alerts.engine import look_for_alerts
from appliance.alerts.models import CLOSED, OPEN
from appliance.alerts.rules import set_rule
from appliance.alerts.service import list_alerts
from appliance.core.canonical import loads_strict
from appliance.core.clock import utc_now
from appliance.measurements.instruments import add_instrument
from appliance.measurements.recording import supersede_measurements
from appliance.tenancy.scope import WorkspaceScope
from tests.unit.alerts.history import START, History

DAY = timedelta(days=1)
#: Twenty values about 10 whose moving ranges have the mean 0.02.
BASELINE = [10.0 + (0.01 if k % 2 else -0.01) for k in range(20)]


def test_an_asset_may_have_an_interval_of_its_own(scope: WorkspaceScope) -> None:
    often, seldom = History(scope, "often", scan_interval_days=2), History(scope, "seldom")
    never = History(scope, "never", scan_interval_days="no")
    set_rule(scope, "own intervals", "missing_scans", {}, reason="test")
    look_for_alerts(scope, utc_now() + 3 * DAY)
    assert [alert.asset_id for alert in list_alerts(scope)] == [often.asset.id]
    set_rule(scope, "own intervals", "missing_scans", {"interval_days": 2.5, "grace_days": 1}, reason="test")
    look_for_alerts(scope, utc_now() + 4 * DAY)
    assert {alert.asset_id for alert in list_alerts(scope)} == {often.asset.id, seldom.asset.id, never.asset.id}


def test_a_value_far_out_is_an_alert_until_the_next_one_is_in_control(scope: WorkspaceScope) -> None:
    history = History(scope)
    set_rule(scope, "control", "run_rules", {}, reason="test")
    for value in BASELINE:
        history.measured(value)
    assert look_for_alerts(scope) == 0
    history.measured(10.2)
    assert look_for_alerts(scope) == 1
    (alert,) = list_alerts(scope)
    evidence = loads_strict(alert.evidence)
    # sigma = 0.02 / 1.128 of the moving ranges
    assert evidence["upper"] == pytest.approx(10.0 + 3 * 0.02 / 1.12838, abs=1e-5)
    assert (evidence["run_rule"], evidence["value"], alert.state) == ("beyond", 10.2, OPEN)
    assert alert.title == "Bore of press-07: beyond 3 standard errors, now 10.2 mm"
    history.measured(10.0)
    assert look_for_alerts(scope) == 0
    assert list_alerts(scope)[0].state == CLOSED


def test_limits_stay_those_of_the_first_values(scope: WorkspaceScope) -> None:
    history = History(scope)
    set_rule(scope, "control", "run_rules", {}, reason="test")
    for value in BASELINE + [10.02] * 9:
        history.measured(value)
    look_for_alerts(scope)
    (alert,) = list_alerts(scope)
    assert loads_strict(alert.evidence)["run_rule"] == "one_side"
    assert loads_strict(alert.evidence)["centre"] == pytest.approx(10.0)
    assert len(loads_strict(alert.evidence)["measurements"]) == 9


def test_a_value_that_was_amended_away_raises_nothing(scope: WorkspaceScope) -> None:
    history = History(scope)
    set_rule(scope, "control", "run_rules", {}, reason="test")
    for value in BASELINE:
        history.measured(value)
    wrong = history.measured(10.2)
    right = history.measured(10.0)
    with scope.transaction():
        supersede_measurements(scope, [wrong], right)
    assert look_for_alerts(scope) == 0


def test_a_look_asks_only_for_what_is_new_and_for_what_stands(scope: WorkspaceScope, monkeypatch) -> None:
    asked: list[tuple[str, str]] = []
    one, two = History(scope, "one"), History(scope, "two")
    set_rule(scope, "control", "run_rules", {}, reason="test")
    for value in [*BASELINE, 10.2]:
        one.measured(value)
        two.measured(value if value != 10.2 else 10.0)
    assert look_for_alerts(scope) == 1
    monkeypatch.setattr("appliance.alerts.run_rules._of_pair", lambda pair, _: asked.append(pair) or [])
    look_for_alerts(scope, utc_now() + 2 * DAY)
    assert len(asked) == 2  # both are within the overlap of the first look
    asked.clear()
    look_for_alerts(scope, utc_now() + 3 * DAY)
    assert asked == []  # nothing is new, and the alert of 'one' was closed


def test_a_characteristic_that_runs_to_its_limit_is_an_alert_with_the_days_that_are_left(scope: WorkspaceScope) -> None:
    history = History(scope)
    set_rule(scope, "drift", "drift", {"horizon_days": 60}, reason="test")
    for day in range(12):
        history.measured(10.0 + 0.02 * day + (0.002 if day % 2 else -0.002))
    look_for_alerts(scope)
    (alert,) = list_alerts(scope)
    evidence = loads_strict(alert.evidence)
    # 0.02 a day from about 10.22 to 11
    assert evidence["slope_per_day"] == pytest.approx(0.02, rel=0.05)
    assert evidence["days_to_limit"] == pytest.approx(39, abs=2)
    assert "drifts by +0.6" in alert.title


def test_a_drift_beyond_the_horizon_and_no_drift_are_none(scope: WorkspaceScope) -> None:
    far, still = History(scope, "far"), History(scope, "still")
    set_rule(scope, "drift", "drift", {"horizon_days": 30}, reason="test")
    for day in range(12):
        far.measured(10.0 + 0.02 * day)
        still.measured(10.0 + 0.01 * (-1) ** day)
    assert look_for_alerts(scope) == 0


def test_an_instrument_that_measures_after_its_calibration_was_due_is_suspect(scope: WorkspaceScope) -> None:
    history = History(scope)
    statement = b'mpe_mm = 0.03\nserial = "42"\ndue_on = 2026-01-10\n'
    row = add_instrument(scope, "S5", statement)
    assert row.due_on == "2026-01-10"
    set_rule(scope, "calibration", "suspect_instrument", {}, reason="ISO 9001, 7.1.5")
    history.measured(10.0, at=START.replace(day=10, hour=23), instrument=row.id)
    assert look_for_alerts(scope) == 0
    history.measured(10.0, at=START.replace(day=11, hour=0), instrument=row.id)
    assert look_for_alerts(scope) == 1
    (alert,) = list_alerts(scope)
    assert (alert.instrument_id, loads_strict(alert.evidence)["measurements"]) == (row.id, 1)
    add_instrument(scope, "S5", statement.replace(b"2026-01-10", b"2099-01-10"))
    look_for_alerts(scope)
    assert list_alerts(scope)[0].state == CLOSED
