"""Edge devices: enrolled with the key that verifies what they sign, revoked for good."""

from __future__ import annotations

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.vkey import parse_vkey
from appliance.db.listing import WHOLE, Listing
from appliance.errors import Conflict
from appliance.plant.models import Device
from appliance.plant.repository import checked_name, find, insert, named_like, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope


def enrol_device(scope: WorkspaceScope, name: str, vkey: str | None = None) -> Device:
    """A new device; ``vkey`` is its verifier key (``name+hash+key``), where it can sign.

    Raises
    ------
    InvalidInput : the name or the key cannot be used
    Conflict : the name is taken
    """
    chosen, key = checked_name(name, "device"), str(parse_vkey(vkey)) if vkey else None
    made = {"enrolled_at": rfc3339_us(utc_now()), "enrolled_by": scope.principal.id}
    with scope.transaction():
        device = insert(Device, "device", chosen, id=new_id("dev"), name=chosen, vkey=key, **made)
        record(scope, "device.enrolled", {}, {"device": device.id, "name": chosen} | ({"vkey": key} if key else {}))
        emit("device.enrolled", {"device": device.id, "name": chosen})
    return device


def revoke_device(scope: WorkspaceScope, device: Device | str) -> Device:
    """Trust a device no more; what it sent before stays what it was.

    Raises
    ------
    NotFound : there is none in this workspace
    Conflict : it is revoked already
    """
    with scope.transaction():
        row = find_device(scope, device.id if isinstance(device, Device) else device)
        if row.revoked_at:
            raise Conflict("device.revoked", f"The device '{row.name}' is revoked since {row.revoked_at}.")
        row.revoked_at, row.revoked_by = rfc3339_us(utc_now()), scope.principal.id
        row.save()
        record(scope, "device.revoked", {}, {"device": row.id, "name": row.name})
        emit("device.revoked", {"device": row.id, "name": row.name})
    return row


def find_device(scope: WorkspaceScope, device: Device | str) -> Device:
    """A device by its id or its name, revoked or not.

    Raises
    ------
    NotFound : there is none in this workspace
    """
    return device if isinstance(device, Device) else find(scope, Device, device, "device")


def list_devices(
    scope: WorkspaceScope, listing: Listing = WHOLE, *, revoked: bool | None = None, search: str | None = None
) -> list[Device]:
    """Devices; ``search`` is a piece of their names."""
    conditions = [] if revoked is None else [Device.revoked_at.is_null(not revoked)]
    return page(scope, Device, listing, *conditions, *named_like(Device, search))
