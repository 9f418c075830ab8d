"""Rules: versions that are never changed, settings that are checked, entries that say why."""

from __future__ import annotations

import pytest

from appliance.alerts.rules import KINDS, current_rules, find_rule, list_rules, set_rule, settings_of
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.tenancy.scope import WorkspaceScope


def test_a_change_is_a_new_version_and_the_old_one_stays(scope: WorkspaceScope) -> None:
    first = set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, reason="agreed")
    second = set_rule(scope, "weekly", "missing_scans", {"interval_days": 5}, reason="wear")
    assert [(row.version, row.is_current) for row in list_rules(scope)] == [(1, 0), (2, 1)]
    assert settings_of(find_rule(scope, first.id))["interval_days"] == 7.0
    assert find_rule(scope, "weekly").id == second.id
    assert [row.id for row in current_rules(scope)] == [second.id]


def test_a_rule_that_is_the_same_already_stays_as_it_is(scope: WorkspaceScope) -> None:
    first = set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, reason="agreed")
    assert set_rule(scope, "weekly", "missing_scans", {"interval_days": 7.0}, reason="again").id == first.id


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_settings_of_its_own(scope: WorkspaceScope, kind: str) -> None:
    assert settings_of(set_rule(scope, "x", kind, {}, reason="test")) == dict(KINDS[kind].defaults)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("no_such", {}),
        ("missing_scans", {"interval": 7}),
        ("missing_scans", {"interval_days": -1}),
        ("missing_scans", {"interval_days": "7"}),
        ("missing_scans", {"interval_days": True}),
        ("run_rules", {"baseline": 20.5}),
        ("run_rules", {"rules": "all"}),
        ("run_rules", {"rules": ["nelson"]}),
    ],
)
def test_settings_that_a_kind_does_not_take_are_refused(scope: WorkspaceScope, kind: str, settings: dict) -> None:
    with pytest.raises(InvalidInput):
        set_rule(scope, "x", kind, settings, reason="test")
    assert list_rules(scope) == []


def test_a_rule_keeps_its_kind_and_needs_a_reason(scope: WorkspaceScope) -> None:
    set_rule(scope, "x", "drift", {}, reason="test")
    with pytest.raises(Conflict):
        set_rule(scope, "x", "missing_scans", {}, reason="test")
    with pytest.raises(InvalidInput):
        set_rule(scope, "y", "drift", {}, reason=" ")
    with pytest.raises(NotFound):
        find_rule(scope, "y")
