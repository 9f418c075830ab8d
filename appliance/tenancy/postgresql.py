"""An appliance whose databases are schemas of PostgreSQL: founded, provisioned and migrated by an administrator.

``database.json`` in the data folder names server and database, and holds the password of the control plane's login
role, wrapped by the master key; those of workspaces stand in the control database, wrapped as well.  The
administrator's own connection is used while ``d2r init`` or ``d2r database`` runs and is kept nowhere.

A schema is made before the row that makes it known, so that a crash between them leaves a schema that nobody uses.  It
is not removed by itself: after a restore of the control database, it could be one that somebody does use.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.files import write_whole
from appliance.core.ids import new_id
from appliance.crypto.master import MasterKey
from appliance.crypto.sodium import random_bytes
from appliance.db.backends import CONTROL_NAME, PostgresqlBackend
from appliance.db.postgresql import Login
from appliance.db.provisioning import CONTROL_SCHEMA, Administrator, role_of
from appliance.errors import Misconfigured, Unavailable
from appliance.tenancy.models import SlotRow, WorkspaceRow

if TYPE_CHECKING:
    from appliance.tenancy.site import Site

FORMAT: Final = "d2r-database/1"
#: Schemas kept ready for new workspaces.
SPARE_SCHEMAS: Final = 8
_PASSWORD_BYTES: Final = 24
_CONTROL_CONTEXT: Final = "database/control"


def found(file: Path, master: MasterKey, administrator_url: str) -> None:
    """Make the control schema, where it is missing, and the file that says where it is.

    Raises
    ------
    Misconfigured : the database holds another appliance, or the administrator may not make roles
    """
    with Administrator.at(administrator_url) as administrator:
        if not file.exists() and CONTROL_SCHEMA in administrator.schemas():
            hint = "Make an empty database for this appliance."
            raise Misconfigured("database.taken", f"'{administrator.database}' holds another appliance.", hint)
        administrator.confine()
        password = _password_in(file, master) if file.exists() else _new_password()
        record = {
            "format": FORMAT, "url": administrator.public_url, "database": administrator.database,
            "password": b64encode(master.wrap(password.encode(), _CONTROL_CONTEXT)).decode(),
        }  # fmt: skip
        if not file.exists():
            write_whole(file, canonical_bytes(record), 0o600)
        point("init.database")
        administrator.make_schema(CONTROL_SCHEMA, password)
        administrator.migrate(CONTROL_SCHEMA, CONTROL_NAME)


def backend_of(file: Path, master: MasterKey, password_of: Callable[[str], str]) -> PostgresqlBackend:
    """The backend that ``database.json`` names."""
    record = _record(file)
    role = role_of(record["database"], CONTROL_SCHEMA)
    login = Login(record["url"], CONTROL_SCHEMA, role, _password_in(file, master))
    return PostgresqlBackend(login, record["database"], password_of)


def provision(site: Site, administrator_url: str, spare: int = SPARE_SCHEMAS) -> int:
    """Make schemas until ``spare`` are ready for new workspaces; returns how many were made.

    Schemas of workspaces that were destroyed go, with their roles and what only grew in them.
    """
    with Administrator.at(administrator_url) as administrator:
        _require_same(site.settings.database_file, administrator)
        for workspace_id in _destroyed(site) & administrator.schemas():
            administrator.drop(workspace_id)
        missing = spare - spare_slots(site)
        for _ in range(missing):
            _make_slot(site, administrator)
    return max(0, missing)


def migrate(file: Path, administrator_url: str) -> dict[str, list[str]]:
    """Bring every schema to this program; returns the steps that were applied, by schema.

    Works beside nothing: no process of the appliance may run.
    """
    with Administrator.at(administrator_url) as administrator:
        _require_same(file, administrator)
        schemas = sorted(administrator.schemas())
        return {
            schema: administrator.migrate(schema, CONTROL_NAME if schema == CONTROL_SCHEMA else "workspace")
            for schema in schemas
        }


def take_slot(site: Site) -> str:
    """Take the schema that was ready for longest, in the current control transaction; returns its workspace id.

    Raises
    ------
    Unavailable : none is ready
    """
    slot = SlotRow.select().where(SlotRow.taken_at.is_null()).order_by(SlotRow.workspace_id).first()
    if slot is None:
        hint = "An administrator of PostgreSQL makes some: d2r database provision."
        raise Unavailable("database.no_slot", "No schema is ready for another workspace.", hint)
    SlotRow.update(taken_at=rfc3339_us(utc_now())).where(SlotRow.workspace_id == slot.workspace_id).execute()
    return str(slot.workspace_id)


def spare_slots(site: Site) -> int:
    """How many schemas are ready for new workspaces."""
    with site.control_session():
        return int(SlotRow.select().where(SlotRow.taken_at.is_null()).count())


def password_of(site: Site, workspace_id: str) -> str:
    """The password of a workspace's login role.

    Raises
    ------
    Misconfigured : there is none
    """
    with site.control_session() as control:
        rows = control.fetch("SELECT password FROM database_slot WHERE workspace_id = ?", workspace_id)
    if not rows:
        raise Misconfigured("database.slot", f"The control database knows no schema of {workspace_id}.")
    return site.master.unwrap(bytes(rows[0][0]), _context(workspace_id)).decode()


def _destroyed(site: Site) -> set[str]:
    with site.control_session():
        return {row.id for row in WorkspaceRow.select(WorkspaceRow.id).where(WorkspaceRow.destroyed_at.is_null(False))}


def _make_slot(site: Site, administrator: Administrator) -> None:
    workspace_id, password = new_id("wsp"), _new_password()
    administrator.make_schema(workspace_id, password)
    administrator.migrate(workspace_id, "workspace")
    point("database.schema_made")
    with site.control_transaction():
        wrapped = site.master.wrap(password.encode(), _context(workspace_id))
        SlotRow.create(workspace_id=workspace_id, password=wrapped, provisioned_at=rfc3339_us(utc_now()))


def _require_same(file: Path, administrator: Administrator) -> None:
    if _record(file)["database"] != administrator.database:
        raise Misconfigured("database.other", "This is not the database of this appliance.", "See database.json.")


def _record(file: Path) -> dict[str, Any]:
    try:
        record = loads_strict(file.read_bytes())
    except OSError as error:
        raise Misconfigured("database.file", f"{file} cannot be read: {error.strerror}.") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise Misconfigured("database.file", f"{file} does not say where the databases are.", "Restore it.")
    return record


def _password_in(file: Path, master: MasterKey) -> str:
    return master.unwrap(b64decode(_record(file)["password"]), _CONTROL_CONTEXT).decode()


def _new_password() -> str:
    return random_bytes(_PASSWORD_BYTES).hex()


def _context(workspace_id: str) -> str:
    return f"database/{workspace_id}"
