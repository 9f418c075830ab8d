"""What every test may use: the real sample data, where it lies beside the checkout."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import copied_databases, postgresql_cluster, warm_readers
from tests.postgresql_cluster import ON_POSTGRESQL

if TYPE_CHECKING:
    from appliance.tenancy.scope import WorkspaceScope
    from appliance.tenancy.site import Site

pytest_plugins = ("tests.log_watch",)

ROOT = Path(__file__).resolve().parent.parent

warm_readers.use_in_this_process()
(postgresql_cluster if ON_POSTGRESQL else copied_databases).use_for_new_sites()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what is about SQLite's files."""
    if ON_POSTGRESQL:
        kept = [item for item in items if item.get_closest_marker("sqlite") is None]
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("sqlite")])
        items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Behind the last test of a file, drop its databases: all of them together would fill the disk."""
    yield
    if nextitem is None or nextitem.path != item.path:
        postgresql_cluster.throw_databases_away()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scans and CAD beside the checkout; the test is skipped where it is not there."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real samples (../shared/data) is not there")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A new appliance with one workspace, ``main``; nobody serves its queue."""
    from appliance.config.settings import load_settings
    from appliance.tenancy.records import SYSTEM
    from appliance.tenancy.site import Site

    settings = load_settings(tmp_path / "appliance", {})
    with Site.open(settings, create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        yield site


@pytest.fixture
def scope(site: Site) -> WorkspaceScope:
    """An owner in the workspace ``main`` of ``site``."""
    from appliance.tenancy.records import Principal

    return site.scope(Principal("key_owner", "key", "owner", "owner"), "main")
