"""The isolation suite: it finds nothing where all is well, and finds every kind of leak that is made for it."""

from __future__ import annotations

import json
import logging
import os
from random import Random

import pytest

from appliance.cli.main import run
from appliance.db.escapes import escape
from appliance.db.models import WorkspaceModel
from appliance.errors import NotFound
from appliance.isolation.records import Kind, Outcome
from appliance.isolation.stage import TABLES, Stage, staged
from appliance.isolation.suite import KINDS, examine
from appliance.plant.assets import find_asset, list_assets
from appliance.plant.models import Asset
from appliance.plant.parts import create_part
from appliance.tenancy.records import DESTROYED, SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

ATTEMPTS = int(os.environ.get("D2R_ISOLATION_ATTEMPTS", "2000"))


def leaks_of(site: Site, attempt: object, attempts: int = 3) -> Outcome:
    return examine(site, attempts, 1, (Kind("careless", 1, attempt),))  # type: ignore[arg-type]


def careless(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """What a repository function would do that forgot whose rows it asks for."""
    return list_assets(stage.other)


def test_nothing_of_one_workspace_shows_in_another(site: Site) -> None:
    outcome = examine(site, ATTEMPTS, 2026)
    print(f"{outcome.made} attempts in {outcome.seconds:.0f} s: {outcome.kinds}")
    assert (outcome.leaks, outcome.unproven) == ([], [])
    assert outcome.is_tight
    assert outcome.made == ATTEMPTS
    assert all(tally.made for tally in outcome.kinds.values())


def test_both_workspaces_are_gone_afterwards(site: Site) -> None:
    examine(site, 1, 1, KINDS[:1])
    assert [one.slug for one in site.workspaces()] == ["main"]
    gone = [one for one in site.all_workspaces() if one.slug != "main"]
    assert [one.condition for one in gone] == [DESTROYED, DESTROYED]
    assert [folder.name for folder in site.settings.objects_folder.iterdir()] == [site.workspaces()[0].id]


def test_both_workspaces_are_gone_after_a_fault_of_the_suite(site: Site) -> None:
    def broken(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leaks_of(site, broken)
    assert [one.slug for one in site.workspaces()] == ["main"]


def test_an_answer_of_the_other_workspace_is_a_leak(site: Site) -> None:
    outcome = leaks_of(site, careless)
    assert outcome.leaks == ["careless: an answer holds what is of the other workspace"] * 3
    assert not outcome.is_tight


def test_a_name_that_comes_back_in_an_answer_is_a_leak(site: Site) -> None:
    def named(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
        return list_assets(stage.other) if scope is stage.other else find_asset(stage.other, stage.handle).name

    assert len(leaks_of(site, named).leaks) == 3


def test_an_error_that_tells_the_secret_is_a_leak(site: Site) -> None:
    def talkative(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
        if scope is stage.other:
            return stage.secret
        raise NotFound("asset.unknown", f"There is no such thing beside {stage.secret}.")

    assert leaks_of(site, talkative).leaks == ["careless: a NotFound tells what is hidden"] * 3


def test_a_line_of_the_log_that_tells_the_secret_is_a_leak(site: Site) -> None:
    def logs(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
        if scope is stage.trying:
            logging.getLogger("d2r.test").warning("looked at %s", stage.secret)
        return stage.secret if scope is stage.other else ""

    assert leaks_of(site, logs, 1).leaks == ["log line of d2r.test"]


def test_a_change_of_the_other_workspace_is_a_leak(site: Site) -> None:
    def writes(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
        if scope is stage.other:
            return stage.secret
        create_part(stage.other, f"part {random.random()}")
        return ""

    assert leaks_of(site, writes).leaks == ["the other workspace was changed"]


def test_attempts_that_could_find_nothing_prove_nothing(site: Site) -> None:
    outcome = leaks_of(site, lambda stage, scope, random: "")
    assert outcome.unproven == ["careless"]
    assert not outcome.is_tight


def test_no_attempt_is_no_proof() -> None:
    assert not Outcome(1).is_tight


def test_a_careless_function_of_a_repository_cannot_leak(site: Site) -> None:
    kept: list[object] = []
    with staged(site, SYSTEM) as stage:
        with stage.other:
            kept.append(Asset.select().where(Asset.name != ""))
            assert stage.shows(list(kept[0]))  # type: ignore[call-overload]
        stage.trying.database.enter()
        try:
            with pytest.raises(RuntimeError, match="in the scope of"):
                list(kept[0])  # type: ignore[call-overload]
            everything = [stage.trying.database.fetch(f"SELECT * FROM {table}") for table in TABLES]
            models: list[type[WorkspaceModel]] = [Asset]
            assert not stage.shows([everything, [list(model.select()) for model in models]])
        finally:
            stage.trying.database.leave()


def test_statements_differ_and_name_the_other_database(site: Site) -> None:
    random = Random(3)
    with staged(site, SYSTEM) as stage:
        said = {escape(stage.trying.database, stage.other.database, tuple(TABLES), random) for _ in range(500)}
        aimed = [text for text in said if stage.other.workspace_id.lower() in text.lower()]
    assert len(said) > 200
    assert len(aimed) > len(said) / 3


def test_the_command_says_what_was_tried(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command(site), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["attempts"], said["leaks"], said["seed"]) == (60, [], 5)
    assert sum(kind["refused"] + kind["answered"] for kind in said["kinds"].values()) == 60


def test_the_command_ends_in_words(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command(site)) == 0
    said = capsys.readouterr().out
    assert "60 attempts" in said
    assert all(f"{kind.name}: " in said for kind in KINDS)


def test_the_command_fails_at_a_leak(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.isolation.suite.KINDS", (Kind("careless", 1, careless),))
    assert run(command(site)) == 3
    assert "an answer holds what is of the other workspace (60 times)" in capsys.readouterr().out


def command(site: Site) -> list[str]:
    return ["doctor", "isolation", "--data", str(site.settings.data), "--attempts", "60", "--seed", "5"]
