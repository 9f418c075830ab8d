"""Attempts by name: whoever knows ids, names and hashes of the other workspace asks for what they name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from random import Random
from typing import Final

from appliance.audit.database_log import DatabaseLog
from appliance.db.listing import Listing
from appliance.identity.api_keys import find_api_key, list_api_keys
from appliance.identity.tickets import redeem_ticket
from appliance.ingest.service import abort, find_upload
from appliance.isolation.records import Kind
from appliance.isolation.stage import Stage
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import find_asset, list_assets
from appliance.plant.devices import find_device, list_devices
from appliance.plant.parts import find_part, list_parts
from appliance.queue.job import job_id
from appliance.queue.outbox import events_since
from appliance.tenancy.records import Principal
from appliance.tenancy.scope import WorkspaceScope

#: What is done to a name before it is asked for.
_BENT: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.upper,
    lambda name: name + " ",
    lambda name: name + "\0",
    lambda name: name[:-1] + "%",
    lambda name: f"{name}' OR '1'='1",
    lambda name: f"../{name}",
    lambda name: f"%2e%2e%2f{name}",
    lambda name: name[::-1],
)
_FINDERS: Final[tuple[Callable[[WorkspaceScope, str], object], ...]] = (
    find_asset, find_part, find_device, find_upload,
)  # fmt: skip
_LISTS: Final = (list_assets, list_parts, list_devices)


def by_id(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Ask for one thing."""
    return random.choice(_FINDERS)(scope, _bent(random.choice(stage.ids), random))


def by_cursor(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Page on behind a thing of the other workspace."""
    after = random.choice(("", random.choice(stage.ids)))
    return random.choice(_LISTS)(scope, Listing(random.choice(("id", "-id")), (after,), random.randrange(1, 500)))


def by_number(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Ask for events and entries of the log by numbers that the other workspace has used."""
    with stage.other:
        size = DatabaseLog.of(stage.other).size
    if random.random() < 0.5:
        with scope:
            return events_since(random.randrange(-1, size))
    with scope:
        log = DatabaseLog.of(scope)
        return log.entry(random.randrange(size)) if size <= log.size else [log.entry(n) for n in range(log.size)]


def by_object(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Read an object by its name there, by its content, or along a path that leads out."""
    store, there = ObjectStore.of(scope), stage.object_name
    split = f"{there[:2]}/{there[2:]}"
    name = random.choice(
        (there, store.name_of(stage.object_sha256), f"../{stage.other.workspace_id}/{split}", split, f"/{split}",
         there.upper(), there + "\0", f"{there[:2]}/../../{stage.other.workspace_id}/{split}")
    )  # fmt: skip
    return store.read_range(name, random.randrange(40), None)


def by_ciphertext(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Bring the sealed file of the other workspace into the store, and read it under a name that fits."""
    store, root = ObjectStore.of(scope), stage.site.settings.objects_folder
    name = random.choice((stage.object_name, store.name_of(stage.object_sha256)))
    source = root / stage.other.object_prefix / stage.object_name[:2] / stage.object_name[2:]
    target = root / scope.object_prefix / name[:2] / name[2:]
    if target != source:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(source, target)
    try:
        return store.read(name)
    finally:
        if target != source:
            store.delete(name)


def by_key(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Ask for keys of the other workspace, show its ticket here, or enter it as one of this workspace."""
    role = random.choice(("owner", "supervisor", "operator", "auditor", "device"))
    principal = Principal("key_of_here", "key", "somebody", role, scope.workspace_id)  # type: ignore[arg-type]
    asked = _bent(random.choice(stage.ids), random)
    ways: tuple[Callable[[], object], ...] = (
        lambda: list_api_keys_of(stage, scope),
        lambda: find_api_key(stage.site, scope.workspace_id, asked).label,
        lambda: list_assets(stage.site.scope(principal, stage.other.slug)),
        lambda: list_assets(stage.site.scope(principal, asked)),
        lambda: redeem_ticket(stage.site, scope.workspace_id, stage.ticket[: random.choice((10, 99))]),
    )
    return random.choice(ways[:4] if scope is stage.other else ways)()


def list_api_keys_of(stage: Stage, scope: WorkspaceScope) -> list[str]:
    """Labels and ids of the keys of a workspace."""
    return [f"{row.label} {row.id}" for row in list_api_keys(stage.site, scope.workspace_id)]


def by_job(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Queue a job of this workspace for a thing of the other: what the job would begin with."""
    subject = _bent(random.choice(stage.ids), random)
    job = job_id("inspect_scan", scope.workspace_id, subject)
    inside = stage.site.system_scope(job.split("-")[1])
    if random.random() < 0.5 and scope is not stage.other:
        abort(inside, subject)
    return random.choice((find_upload, find_asset))(inside, subject)


def _bent(name: str, random: Random) -> str:
    return random.choice(_BENT)(name) if random.random() < 0.5 else name


KINDS: Final = (
    Kind("id", 400, by_id),
    Kind("page", 100, by_cursor),
    Kind("event and log", 100, by_number),
    Kind("object", 300, by_object),
    Kind("ciphertext", 10, by_ciphertext),
    Kind("key and ticket", 200, by_key),
    Kind("job", 100, by_job),
)
