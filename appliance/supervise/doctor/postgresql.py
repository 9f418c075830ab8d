"""Databases in PostgreSQL: reachable, of this program, and each role with the rights of its own schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from appliance.config.settings import Settings
from appliance.db.backends import PostgresqlBackend
from appliance.db.rights import excess_rights, server_version, weak_settings
from appliance.supervise.doctor.records import Finding, attempted, judged
from appliance.tenancy.postgresql import spare_slots
from appliance.tenancy.site import Site

#: Fewer schemas than this ready for new workspaces are worth a word.
_FEW: Final = 2


def schemas(settings: Settings) -> Iterator[Finding]:
    """Server, settings, every schema and its role, and what is ready for new workspaces."""
    opened: list[Site] = []

    def reach() -> str:
        opened.append(Site.open(settings))
        return "it answers"

    yield attempted("PostgreSQL", "reachable, of this program", reach)
    if opened:
        with opened[0] as site:
            yield from _looked_over(site)


def _looked_over(site: Site) -> Iterator[Finding]:
    backend = site.databases.backend
    assert isinstance(backend, PostgresqlBackend)  # the data folder says so
    version = server_version(backend.login(None))
    yield judged("server version", True, version, "15 or newer", "")
    weak = weak_settings(backend.login(None))
    remedy = "Switch them on in postgresql.conf: what was acknowledged could be lost."
    yield judged("durability of the server", not weak, ", ".join(weak) or "on", "on", remedy)
    names: list[tuple[str, str | None]] = [("control", None), *((one.id, one.id) for one in site.workspaces())]
    for name, workspace_id in names:
        yield attempted(f"schema {name}", "of this program", _current(backend, workspace_id))
        yield _rights(backend, name, workspace_id)
    spare, ahead = spare_slots(site), "d2r database provision makes more."
    yield judged("schemas for new workspaces", spare >= _FEW, f"{spare} ready", f"{_FEW}", ahead, warning=True)


def _current(backend: PostgresqlBackend, workspace_id: str | None) -> Callable[[], str]:
    def attempt() -> str:
        backend.check(workspace_id)
        return "up to date"

    return attempt


def _rights(backend: PostgresqlBackend, name: str, workspace_id: str | None) -> Finding:
    measured: list[str] = []

    def attempt() -> str:
        measured.extend(excess_rights(backend.login(workspace_id)))
        return "rows of its own schema"

    finding = attempted(f"rights of {name}", "rows of its own schema", partial(attempt))
    if not measured:
        return finding
    remedy = "Take them away, then run d2r database migrate."
    return judged(f"rights of {name}", False, f"it {', '.join(measured)}", "rows of its own schema", remedy)
