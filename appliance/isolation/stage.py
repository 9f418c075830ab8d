"""Two workspaces that are thrown away: one that tries, and one that has something to hide.

The other workspace holds a ``secret`` in its rows, events, log, objects and keys.  The one that tries knows everything
else about it: ids, names (``handle``), the names and hashes of objects.  Nobody who tries ever writes the secret, so
that an answer, an error or a line of the log that holds it is a leak.  The handle is in what is asked, and may be in
an error; in an answer it is a leak.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass
from hashlib import sha256
from typing import Any, Final

from appliance.db.models import WorkspaceModel
from appliance.identity.api_keys import create_api_key
from appliance.identity.tickets import create_ticket
from appliance.ingest.service import begin
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.devices import enrol_device
from appliance.plant.parts import create_part
from appliance.tenancy.records import Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.destruction import destroy
from appliance.workspaces.service import create_workspace, suspend

#: Tables that hold what is hidden, with the column that orders them.
TABLES: Final = {
    "part": "id", "asset": "id", "device": "id", "upload": "id", "outbox": "seq", "audit_entry": "position",
}  # fmt: skip
_WHY: Final = "The isolation of workspaces was examined."


@dataclass(frozen=True)
class Stage:
    """Both workspaces.

    ``ids`` : what the other workspace's things are called, ids and names
    """

    site: Site
    trying: WorkspaceScope
    other: WorkspaceScope
    secret: str = field(repr=False)
    handle: str
    ids: tuple[str, ...]
    object_name: str
    object_sha256: str
    ticket: str = field(repr=False)

    def shows(self, answer: object) -> bool:
        """Whether an answer holds something of the other workspace."""
        text = written(answer)
        return self.handle in text or self.betrays(text)

    def betrays(self, text: str) -> bool:
        """Whether a text (an error, a line of the log) holds the secret, as it is or in hex."""
        return self.secret in text or self.secret.encode().hex() in text.lower()

    def state_of_other(self) -> str:
        """A digest over what the other workspace holds."""
        digest = sha256()
        with self.other:
            for table, column in TABLES.items():
                digest.update(repr(self.other.database.fetch(f"SELECT * FROM {table} ORDER BY {column}")).encode())
        for name in sorted(ObjectStore.of(self.other).names()):
            digest.update(name.encode())
        return digest.hexdigest()


def written(answer: object) -> str:
    """Everything that an answer holds, as text."""
    if isinstance(answer, WorkspaceModel):
        return repr(vars(answer)["__data__"])
    if isinstance(answer, bytes):
        return answer.decode("latin-1")
    if isinstance(answer, (list, tuple)):
        return " ".join(map(written, answer))
    return repr(vars(answer)) if is_dataclass(answer) else str(answer)


@contextmanager
def staged(site: Site, by: Principal) -> Iterator[Stage]:
    """Two new workspaces, the other one filled; both are destroyed after the block, whatever happens in it.

    Raises
    ------
    Unavailable : PostgreSQL has no schemas ready for them, or the disk is full
    """
    name = f"isolation-{secrets.token_hex(6)}"
    slugs: list[str] = []
    try:
        for end in ("a", "b"):
            slugs.append(create_workspace(site, f"{name}-{end}", "Examined and thrown away", by).slug)
        trying, other = (site.scope(by, slug) for slug in slugs)
        create_asset(trying, "one of our own")
        yield filled(site, trying, other, by)
    finally:
        for slug in slugs:
            suspend(site, slug, _WHY, by)
            destroy(site, slug, _WHY, slug, by)


def filled(site: Site, trying: WorkspaceScope, other: WorkspaceScope, by: Principal) -> Stage:
    """Hide a secret in everything that ``other`` can hold."""
    secret, handle = secrets.token_hex(16), f"handle-{secrets.token_hex(8)}"
    create_part(other, f"hidden {secret}")
    part = create_part(other, handle)
    hidden: dict[str, Any] = {"serial": secret, "location": secret, "metadata": {"note": secret}}
    asset = create_asset(other, handle, part=part, **hidden)
    device = enrol_device(other, handle)
    upload = begin(other, 1000, manifest=None, metadata=secret, partial=True)
    kept = ObjectStore.of(other).put_bytes(secret.encode() * 40)
    key, _ = create_api_key(site, other.slug, "operator", secret, by)
    ids = (part.id, asset.id, device.id, upload.id, key.id, key.prefix, handle, other.workspace_id, other.slug)
    ticket = create_ticket(other)
    return Stage(site, trying, other, secret, handle, ids, kept.name, kept.sha256, ticket)
