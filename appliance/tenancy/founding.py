"""Founding: what an appliance and a workspace are made of, in an order that a crash may cut anywhere.

An appliance: folders, signing keys, control database, master key; the owner's API key is written last, and until then
a recovery key that may never have been seen is made anew.  A workspace: its row with its wrapped key, in the state
``creating``; its database and folders; then the row again, ``active``.  Until then nobody can enter it, and making it
once more goes on where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from appliance.config.settings import Settings
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.files import sync_folder
from appliance.core.ids import new_id
from appliance.crypto.keystore import KeyStore
from appliance.crypto.master import MasterKey
from appliance.crypto.private import make_private_folder
from appliance.crypto.sodium import random_bytes
from appliance.db.opening import create_database
from appliance.errors import Conflict, InvalidInput
from appliance.tenancy import postgresql
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import Principal, Workspace

if TYPE_CHECKING:
    from appliance.tenancy.site import Site

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME_CHARACTERS: Final = 200
_KEY_BYTES: Final = 32
#: What stands in the place of a key that was destroyed.
NO_KEY: Final = b""


def key_context(workspace_id: str) -> str:
    """What a wrapped data key is bound to."""
    return f"workspace/{workspace_id}"


def make_folders(settings: Settings) -> None:
    """Make every folder of the appliance (0700) and its empty control database.

    Raises
    ------
    Misconfigured : one is there, and others may look into it
    Unavailable : one cannot be made
    """
    for folder in settings.folders:
        make_private_folder(folder)
    sync_folder(settings.data)
    point("init.folders")


def make_keys(settings: Settings) -> None:
    """Make the signing keys, if there are none."""
    KeyStore.open_or_create(settings.keys_folder, settings.name or None, settings.passphrase)
    point("init.keys")


def make_control(settings: Settings, master: MasterKey, administrator_url: str | None) -> None:
    """Make the control database: a file, or with an administrator a schema of PostgreSQL.

    Raises
    ------
    Conflict : the appliance has its databases in files, and an administrator of PostgreSQL is given
    """
    if administrator_url is None and not settings.database_file.exists():
        create_database(settings.control_db)
    elif settings.control_db.exists():
        raise Conflict("init.database", "This appliance has its databases in files.", "Leave out --database.")
    elif administrator_url is not None:
        postgresql.found(settings.database_file, master, administrator_url)
    point("init.control")


def make_master_key(settings: Settings) -> str | None:
    """Make the master key if there is none; returns its recovery key.

    As long as the owner's API key is not written, nobody has seen the recovery key for certain: it is made anew.  None
    where the founding was finished.
    """
    if settings.admin_key_file.exists():
        return None
    if settings.master_key_file.exists():
        return MasterKey.open(settings.master_key_file, settings.passphrase).renew_recovery()
    _, recovery = MasterKey.create(settings.master_key_file, settings.passphrase)
    point("init.master")
    return recovery


def create_workspace(
    site: Site, slug: str, name: str, by: Principal, record: Callable[[Workspace], None] | None
) -> Workspace:
    """Make a workspace; see ``Site.create_workspace``."""
    check_names(slug, name)
    row = _reserve(site, slug, name, by)
    point("workspace.reserved")
    furnish(site, row.id)
    point("workspace.files")
    with site.control_transaction():
        row.state = "active"
        changed = WorkspaceRow.update(state="active").where(WorkspaceRow.id == row.id, WorkspaceRow.state == "creating")
        if not changed.execute():
            raise _taken(slug)
        if record:
            record(row.record())
    return row.record()


def furnish(site: Site, workspace_id: str) -> None:
    """Make the database and the folders of a workspace whose row is there."""
    site.databases.backend.make_workspace(workspace_id)
    for folder in (site.settings.objects_folder, site.settings.uploads_folder):
        make_private_folder(folder / workspace_id)
        sync_folder(folder)
    site.databases.engine(workspace_id)


def require_free(slug: str) -> None:
    """Return if no workspace has, or had, this slug; inside a control session.

    Raises
    ------
    Conflict : one has
    """
    if WorkspaceRow.select().where(WorkspaceRow.slug == slug).exists():
        raise _taken(slug)


def _reserve(site: Site, slug: str, name: str, by: Principal) -> WorkspaceRow:
    """The row of a workspace that nobody can enter yet; one that a crash left is taken up."""
    with site.control_transaction():
        row: WorkspaceRow | None = WorkspaceRow.get_or_none(WorkspaceRow.slug == slug)
        if row is not None and row.state != "creating":
            raise _taken(slug)
        return row or new_row(site, slug, name, by)


def new_row(site: Site, slug: str | None, name: str, by: Principal) -> WorkspaceRow:
    """The row of a new workspace with a key of its own, in the current control transaction.

    Without a slug it is called by its id, which nobody can choose (``hidden``).
    """
    identifier = postgresql.take_slot(site) if site.settings.database_file.exists() else new_id("wsp")
    wrapped = site.master.wrap(random_bytes(_KEY_BYTES), key_context(identifier))
    columns = {"slug": slug or identifier, "state": "creating", "data_key": wrapped, "created_by": by.id}
    row: WorkspaceRow = WorkspaceRow.create(id=identifier, name=name, created_at=rfc3339_us(utc_now()), **columns)
    return row


def check_names(slug: str, name: str) -> None:
    """Return if a workspace can be called so.

    Raises
    ------
    InvalidInput : the slug cannot stand in an address, or the name is empty, too long or not printable
    """
    if not _SLUG.fullmatch(slug):
        hint = "Use 1 to 63 lower-case letters, digits and inner hyphens."
        raise InvalidInput("workspace.slug", f"'{slug}' cannot stand in an address.", hint)
    if not name.strip() or len(name) > _NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput("workspace.name", f"A workspace has a printable name of 1 to {_NAME_CHARACTERS} characters.")


def _taken(slug: str) -> Conflict:
    return Conflict("workspace.taken", f"There is a workspace '{slug}' already.")
