"""Two workspaces that live side by side: whatever is done in either, each shows what was done in it, and no more."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.audit.database_log import DatabaseLog
from appliance.config.settings import load_settings
from appliance.errors import Conflict, D2RError, Denied, NotFound
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import change_asset, create_asset, find_asset, list_assets
from appliance.plant.parts import create_part, list_parts
from appliance.queue.outbox import events_since
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.service import resume, suspend

SLUGS = ("first", "second")
WHERE = st.sampled_from(SLUGS)
NAMES = st.sampled_from(("press", "die", "housing", "fixture"))


class TwoWorkspaces(RuleBasedStateMachine):
    """Operations in both, and what each must show."""

    @initialize()
    def found(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.site = Site.open(load_settings(Path(self.folder.name) / "appliance", {}), create=True)
        for slug in SLUGS:
            self.site.create_workspace(slug, slug, SYSTEM)
        ids = {one.slug: one.id for one in self.site.workspaces()}
        self.principals = {slug: Principal(f"key_{slug}", "key", slug, "owner", ids[slug]) for slug in SLUGS}
        self.kept = {slug: self.site.scope(self.principals[slug], slug) for slug in SLUGS}
        self.assets: dict[str, dict[str, str]] = {slug: {} for slug in SLUGS}
        self.places: dict[str, dict[str, str]] = {slug: {} for slug in SLUGS}
        self.parts: dict[str, list[str]] = {slug: [] for slug in SLUGS}
        self.objects: dict[str, dict[str, bytes]] = {slug: {} for slug in SLUGS}
        self.events: dict[str, int] = dict.fromkeys(SLUGS, 0)
        self.suspended: set[str] = set()

    def scope(self, slug: str) -> WorkspaceScope:
        return self.site.scope(self.principals[slug], slug)

    def is_open(self, slug: str) -> bool:
        if slug not in self.suspended:
            return True
        try:
            self.scope(slug)
        except Denied:
            return False
        raise AssertionError(f"{slug} is suspended, and was entered")

    @rule(slug=WHERE, name=NAMES)
    def make_an_asset(self, slug: str, name: str) -> None:
        if not self.is_open(slug):
            return
        try:
            made = create_asset(self.scope(slug), name, location=f"only in {slug}")
        except Conflict:
            assert name in self.assets[slug]
            return
        assert name not in self.assets[slug]
        self.assets[slug][name], self.places[slug][name] = made.id, f"only in {slug}"
        self.events[slug] += 1

    @rule(slug=WHERE, name=NAMES)
    def make_a_part(self, slug: str, name: str) -> None:
        if self.is_open(slug) and name not in self.parts[slug]:
            create_part(self.scope(slug), name)
            self.parts[slug].append(name)
            self.events[slug] += 1

    @rule(slug=WHERE, name=NAMES, number=st.integers(0, 9))
    def move_an_asset(self, slug: str, name: str, number: int) -> None:
        place = f"{slug} hall {number}"
        if self.is_open(slug) and self.places[slug].get(name, place) != place:
            change_asset(self.scope(slug), name, location=place)
            self.places[slug][name] = place
            self.events[slug] += 1

    @rule(slug=WHERE, content=st.binary(min_size=1, max_size=20))
    def store_an_object(self, slug: str, content: bytes) -> None:
        if self.is_open(slug):
            self.objects[slug][ObjectStore.of(self.scope(slug)).put_bytes(content).name] = content

    @rule(slug=WHERE, number=st.integers(0, 9))
    def ask_for_what_the_other_has(self, slug: str, number: int) -> None:
        other = SLUGS[1 - SLUGS.index(slug)]
        if not self.is_open(slug):
            return
        for asked in list(self.assets[other].values()):
            refused(NotFound, find_asset, self.scope(slug), asked)
        for name in self.objects[other]:
            refused(NotFound, ObjectStore.of(self.scope(slug)).read, name)
        refused(NotFound, self.site.scope, self.principals[slug], other)

    @precondition(lambda self: len(self.suspended) < 2)
    @rule(slug=WHERE)
    def suspend(self, slug: str) -> None:
        if slug not in self.suspended:
            suspend(self.site, slug, "a test", SYSTEM)
            self.suspended.add(slug)

    @rule(slug=WHERE)
    def resume(self, slug: str) -> None:
        if slug in self.suspended:
            resume(self.site, slug, "a test", SYSTEM)
            self.suspended.discard(slug)

    @invariant()
    def each_shows_its_own(self) -> None:
        for slug, scope in getattr(self, "kept", {}).items():
            found = {asset.name: (asset.id, asset.location) for asset in list_assets(scope)}
            places = self.places[slug]
            assert found == {name: (key, places[name]) for name, key in self.assets[slug].items()}
            assert [part.name for part in list_parts(scope)] == self.parts[slug]
            store = ObjectStore.of(scope)
            assert {name: store.read(name) for name in store.names()} == self.objects[slug]
            with scope:
                assert len(events_since(0)) == DatabaseLog.of(scope).size == self.events[slug]

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.site.close()
            self.folder.cleanup()


def refused(kind: type[D2RError], call: Any, *arguments: Any) -> None:
    """``call`` is refused with ``kind``."""
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError(f"{call} answered {arguments[-1]}")


TestTwoWorkspaces = TwoWorkspaces.TestCase
TestTwoWorkspaces.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
