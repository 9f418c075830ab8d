"""The engine: one alert a cause, whatever happens; closed when the cause is gone, raised anew when it is back."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from appliance.alerts.engine import GONE, SWITCHED_OFF, look_for_alerts
from appliance.alerts.models import ACKNOWLEDGED, CLOSED, OPEN, Alert
from appliance.alerts.rules import set_rule
from appliance.alerts.service import acknowledge_alert, find_alert, list_alerts
from appliance.audit.database_log import DatabaseLog
from appliance.core.canonical import loads_strict
from appliance.core.clock import utc_now
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.queue.outbox import events_since
from appliance.tenancy.scope import WorkspaceScope
from tests.unit.alerts.history import History

DAY = timedelta(days=1)


@pytest.fixture
def overdue(scope: WorkspaceScope) -> History:
    """An asset that should be scanned every week."""
    history = History(scope)
    set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, reason="as agreed with the plant")
    return history


def kinds(scope: WorkspaceScope) -> list[str]:
    with scope:
        return [event.kind for event in events_since(0) if event.kind.startswith("alert.")]


def entries(scope: WorkspaceScope) -> list[str]:
    with scope:
        log = DatabaseLog.of(scope)
        found = [loads_strict(log.entry(index)) for index in range(log.size)]
    return [entry["kind"] for entry in found if entry["kind"].startswith("alert.")]


def test_a_cause_is_raised_once_however_often_it_is_found(scope: WorkspaceScope, overdue: History) -> None:
    late = utc_now() + 8 * DAY
    assert [look_for_alerts(scope, late + k * DAY) for k in range(3)] == [1, 0, 0]
    (alert,) = list_alerts(scope)
    assert (alert.state, alert.asset_id, alert.rule) == (OPEN, overdue.asset.id, "weekly")
    assert "press-07 was not scanned yet; every 7 days are due" in alert.title
    assert kinds(scope) == ["alert.raised"]


def test_before_the_interval_is_over_there_is_nothing(scope: WorkspaceScope, overdue: History) -> None:
    assert look_for_alerts(scope, utc_now() + 6 * DAY) == 0
    assert list_alerts(scope) == []


def test_an_alert_is_closed_when_its_cause_is_gone_and_raised_anew_when_it_is_back(
    scope: WorkspaceScope, overdue: History
) -> None:
    now = utc_now()
    look_for_alerts(scope, now + 8 * DAY)
    overdue.scanned(now + 9 * DAY)
    assert look_for_alerts(scope, now + 10 * DAY) == 0
    (first,) = list_alerts(scope)
    assert (first.state, first.closed_because) == (CLOSED, GONE)
    assert look_for_alerts(scope, now + 20 * DAY) == 1
    second, same = list_alerts(scope)
    assert (second.state, same.id, second.cause) == (OPEN, first.id, first.cause)
    assert kinds(scope) == ["alert.raised", "alert.closed", "alert.raised"]
    assert entries(scope) == kinds(scope)


class Cut(Exception):
    """The process ends here."""


@pytest.fixture
def cut_at(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Places at which the process ends."""
    places: set[str] = set()

    def fall(name: str) -> None:
        if name in places:
            raise Cut

    for module in ("appliance.alerts.engine.point", "appliance.audit.recording.point"):
        monkeypatch.setattr(module, fall)
    return places


@pytest.mark.parametrize("place", ["alerts.looked", "audit.recorded"])
def test_a_look_that_was_cut_is_done_again_and_raises_nothing_twice(
    scope: WorkspaceScope, overdue: History, cut_at: set[str], place: str
) -> None:
    late = utc_now() + 8 * DAY
    cut_at.add(place)
    with pytest.raises(Cut):
        look_for_alerts(scope, late)
    assert list_alerts(scope) == []
    cut_at.clear()
    assert look_for_alerts(scope, late) == 1
    assert look_for_alerts(scope, late) == 0
    assert kinds(scope) == entries(scope) == ["alert.raised"]


def test_many_that_look_at_once_raise_one_alert(scope: WorkspaceScope, overdue: History) -> None:
    late, barrier, raised = utc_now() + 8 * DAY, Barrier(4), []

    def look() -> None:
        barrier.wait()
        raised.append(look_for_alerts(scope, late))

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(raised) == [0, 0, 0, 1]
    assert len(list_alerts(scope)) == 1


def test_an_acknowledged_alert_stands_until_its_cause_is_gone(scope: WorkspaceScope, overdue: History) -> None:
    now = utc_now()
    look_for_alerts(scope, now + 8 * DAY)
    (alert,) = list_alerts(scope)
    found = acknowledge_alert(scope, alert.id, " in  repair until May ")
    assert (found.state, found.acknowledge_reason, found.acknowledged_by) == (
        ACKNOWLEDGED, "in repair until May", scope.principal.id,
    )  # fmt: skip
    assert look_for_alerts(scope, now + 9 * DAY) == 0
    assert find_alert(scope, alert.id).state == ACKNOWLEDGED
    overdue.scanned(now + 10 * DAY)
    look_for_alerts(scope, now + 10 * DAY)
    assert find_alert(scope, alert.id).state == CLOSED
    assert entries(scope) == ["alert.raised", "alert.acknowledged", "alert.closed"]


def test_what_is_acknowledged_twice_or_without_a_reason_is_refused(scope: WorkspaceScope, overdue: History) -> None:
    look_for_alerts(scope, utc_now() + 8 * DAY)
    (alert,) = list_alerts(scope)
    with pytest.raises(InvalidInput):
        acknowledge_alert(scope, alert.id, "  ")
    acknowledge_alert(scope, alert.id, "seen")
    with pytest.raises(Conflict):
        acknowledge_alert(scope, alert.id, "seen again")
    with pytest.raises(NotFound):
        acknowledge_alert(scope, "alr_0", "seen")


def test_a_rule_that_is_switched_off_closes_its_alerts_and_raises_none(scope: WorkspaceScope, overdue: History) -> None:
    late = utc_now() + 8 * DAY
    look_for_alerts(scope, late)
    set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, enabled=False, reason="holidays")
    assert look_for_alerts(scope, late) == 0
    (alert,) = list_alerts(scope)
    assert alert.closed_because == SWITCHED_OFF


def test_a_new_version_takes_over_the_alerts_of_the_one_before(scope: WorkspaceScope, overdue: History) -> None:
    late = utc_now() + 8 * DAY
    look_for_alerts(scope, late)
    set_rule(scope, "weekly", "missing_scans", {"interval_days": 5}, reason="the press wears faster")
    assert look_for_alerts(scope, late) == 0
    (alert,) = list_alerts(scope)
    assert alert.state == OPEN
    assert loads_strict(alert.evidence)["interval_days"] == 5.0
    set_rule(scope, "weekly", "missing_scans", {"interval_days": 30}, reason="new tool")
    look_for_alerts(scope, late)
    assert find_alert(scope, alert.id).state == CLOSED


def test_a_rule_that_cannot_look_does_not_keep_the_others(
    scope: WorkspaceScope, overdue: History, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise InvalidInput("spc.broken", "It does not work.")

    set_rule(scope, "a broken one", "drift", {}, reason="test")
    monkeypatch.setattr("appliance.alerts.series.new_pairs", broken)
    monkeypatch.setattr("appliance.alerts.drift.new_pairs", broken)
    assert look_for_alerts(scope, utc_now() + 8 * DAY) == 1
    assert "a broken one" in caplog.text


def test_the_database_itself_allows_one_open_alert_a_cause(scope: WorkspaceScope, overdue: History) -> None:
    look_for_alerts(scope, utc_now() + 8 * DAY)
    with scope:
        row = Alert.select().get()
    with pytest.raises(Exception, match=r"(?i)unique"), scope.transaction():
        Alert.insert(**{**row.__data__, "id": "alr_twice"}).execute()
