"""Edge devices: enrolled with the key that they sign with, revoked for good."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from appliance.plant.devices import enrol_device as enrol
from appliance.plant.devices import find_device
from appliance.plant.devices import list_devices as listed
from appliance.plant.devices import revoke_device as revoke
from appliance.plant.models import Device
from web.api.contract import ADMINISTRATORS, READERS, Area, Call
from web.api.forms import SORT, Body, Name, NamedPageQuery, Out, Page
from web.api.paging import page

_DEVICES: Final = "/workspaces/{slug}/devices"

devices = Area("devices", "Edge devices that send scans.")


class DevicePageQuery(NamedPageQuery):
    """Which devices; filters are joined by 'and'."""

    sort: Literal["id", "-id", "name", "-name"] = Field("id", description=SORT)
    revoked: bool | None = None


class DeviceIn(Body):
    """A new device."""

    name: Name
    vkey: Annotated[str, Field(max_length=300)] | None = Field(None, description="Verifier key of what it signs.")


class DeviceOut(Out):
    """A device."""

    id: str
    name: str
    vkey: str | None
    enrolled_at: str
    enrolled_by: str
    revoked_at: str | None
    revoked_by: str | None


@devices.route("GET", _DEVICES, roles=READERS, query=DevicePageQuery, answer=Page[DeviceOut], summary="Devices")
def list_devices(call: Call) -> object:
    filters = {"revoked": call.query.revoked, "search": call.query.search}
    return page(call, lambda listing: listed(call.scope, listing, **filters))


@devices.route(
    "POST", _DEVICES, roles=ADMINISTRATORS, body=DeviceIn, answer=DeviceOut, status=201, errors=(409,),
    once="workspace", summary="Enrol a device",
)  # fmt: skip
def enrol_device(call: Call) -> Device:
    device = enrol(call.scope, call.body.name, call.body.vkey)
    call.made(f"devices/{device.id}")
    return device


@devices.route("GET", f"{_DEVICES}/{{device}}", roles=READERS, answer=DeviceOut, summary="One device")
def get_device(call: Call, device: str) -> Device:
    return find_device(call.scope, device)


@devices.route(
    "POST", f"{_DEVICES}/{{device}}/revoke", roles=ADMINISTRATORS, answer=DeviceOut, errors=(409,),
    summary="Trust a device no more",
)  # fmt: skip
def revoke_device(call: Call, device: str) -> Device:
    """What it sent before stays what it was. Its API key is revoked apart from this."""
    return revoke(call.scope, device)
