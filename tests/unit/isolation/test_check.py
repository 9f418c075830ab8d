"""The check of isolation: it tries for real, finds what leaks, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from appliance.db.models import _RoutedModel
from appliance.isolation import attempts as attempts_module
from appliance.isolation.attempts import KINDS
from appliance.isolation.check import Outcome, check_isolation
from appliance.objects.sealed import ObjectStore
from appliance.tenancy import site as site_module
from appliance.tenancy.site import Site

ATTEMPTS = int(os.environ.get("D2R_ISOLATION_ATTEMPTS", "3000"))


def leaks(outcomes: dict[str, Outcome]) -> set[str]:
    return {kind for kind, outcome in outcomes.items() if outcome.leaks}


def test_nothing_leaks_and_every_kind_is_tried(site: Site) -> None:
    told: list[int] = []
    outcomes = check_isolation(site, ATTEMPTS, seed=7, progress=told.append)
    assert leaks(outcomes) == set()
    assert sum(outcome.attempts for outcome in outcomes.values()) == ATTEMPTS
    assert min(outcome.attempts for outcome in outcomes.values()) > ATTEMPTS / len(KINDS) / 2
    assert told[-1] == ATTEMPTS


def test_both_workspaces_are_destroyed_afterwards_whatever_happens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    check_isolation(site, 10)
    assert [one.slug for one in site.workspaces()] == ["main"]
    assert {one.condition for one in site.all_workspaces() if one.slug != "main"} == {"destroyed"}
    monkeypatch.setattr("appliance.isolation.check._try", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        check_isolation(site, 10)
    assert [one.slug for one in site.workspaces()] == ["main"]


def test_the_same_seed_tries_the_same(site: Site) -> None:
    first, second = (check_isolation(site, 200, seed=3) for _ in range(2))
    assert {kind: outcome.attempts for kind, outcome in first.items()} == {
        kind: outcome.attempts for kind, outcome in second.items()
    }


def everybody_belongs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(site_module, "_belongs", lambda principal, workspace_id: True)


def rows_have_no_home(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_RoutedModel, "_go_home", lambda self: None)


def objects_share_a_folder_and_a_key(patch: pytest.MonkeyPatch) -> None:
    theirs: list[ObjectStore] = []
    of = ObjectStore.of

    def first_of(scope: object) -> ObjectStore:
        theirs.append(of(scope))  # type: ignore[arg-type]
        return theirs[0]

    patch.setattr(attempts_module.ObjectStore, "of", first_of)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (everybody_belongs, "the other's door"),
        (rows_have_no_home, "rows and queries taken along"),
        (objects_share_a_folder_and_a_key, "names of the other's objects"),
    ],
)
def test_what_is_broken_is_found(
    site: Site, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None], kind: str
) -> None:
    broken(monkeypatch)
    assert kind in leaks(check_isolation(site, 400, seed=1))
