"""Two throw-away workspaces: an attacker's, and one whose every corner holds a marker that may appear nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from appliance.db.engine import Engine
from appliance.identity.api_keys import create_api_key
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.devices import enrol_device
from appliance.plant.models import Asset, Device, Part
from appliance.plant.parts import create_part
from appliance.queue.outbox import Event
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.destruction import destroy
from appliance.workspaces.service import create_workspace, suspend

_REASON: Final = "a check of isolation is over"
#: Tables of the victim that must stay as they are.
_WATCHED: Final = (Asset, Part, Device, Event)


@dataclass(frozen=True)
class Ground:
    """Where the attempts are made: from inside ``mine``, at ``theirs``.

    ``marker`` : random text that stands in every thing of the other workspace
    """

    site: Site
    mine: WorkspaceScope
    theirs: WorkspaceScope
    attacker: Principal
    marker: str
    asset_id: str
    part_id: str
    device_id: str
    object_name: str
    token: str
    own_asset_id: str

    @property
    def database(self) -> Engine:
        """The attacker's own database."""
        return self.mine.database

    @property
    def ids(self) -> tuple[str, ...]:
        """What names things of the other workspace."""
        return (self.asset_id, self.part_id, self.device_id, self.theirs.workspace_id, self.marker)

    def leaks(self, answer: object) -> bool:
        """Whether an answer holds anything of the other workspace."""
        return self.marker in str(answer) or (isinstance(answer, bytes) and self.marker.encode() in answer)

    def state(self) -> tuple[int, ...]:
        """How many rows the other workspace has, as its own scope counts them."""
        with self.theirs:
            return tuple(model.select().count() for model in _WATCHED)


@contextmanager
def ground(site: Site) -> Iterator[Ground]:
    """Make both workspaces, and destroy them when the block ends, whatever happened in it."""
    tag, marker = secrets.token_hex(4), f"marker{secrets.token_hex(12)}"
    slugs = (f"isolation-{tag}-a", f"isolation-{tag}-b")
    for slug in slugs:
        create_workspace(site, slug, slug, SYSTEM)
    try:
        yield _planted(site, slugs, marker)
    finally:
        for slug in slugs:
            suspend(site, slug, _REASON, SYSTEM)
            destroy(site, slug, _REASON, slug, SYSTEM)


def _planted(site: Site, slugs: tuple[str, str], marker: str) -> Ground:
    mine, theirs = (site.scope(SYSTEM, slug) for slug in slugs)
    own = create_asset(mine, "press")
    part, device = create_part(theirs, f"part {marker}"), enrol_device(theirs, f"device {marker}")
    asset = create_asset(theirs, f"press {marker}", part=part, serial=marker, metadata={"secret": marker})
    stored = ObjectStore.of(theirs).put_bytes(marker.encode() * 100)
    key, token = create_api_key(site, slugs[0], "owner", "isolation", SYSTEM)
    attacker = Principal(key.id, "key", key.label, "owner", mine.workspace_id)
    ids = {"asset_id": asset.id, "part_id": part.id, "device_id": device.id, "own_asset_id": own.id}
    return Ground(
        site, site.scope(attacker, slugs[0]), theirs, attacker, marker, object_name=stored.name, token=token, **ids
    )
