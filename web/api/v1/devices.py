"""Edge devices: enrolled with the key that they sign with, revoked for good; of several keys, one alone."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from appliance.enrolment.keys import list_keys
from appliance.enrolment.keys import revoke_key as revoke_one
from appliance.enrolment.models import DeviceKey
from appliance.ingest.suspicion import Suspect, list_suspects, report_theft
from appliance.plant.devices import enrol_device as enrol
from appliance.plant.devices import find_device
from appliance.plant.devices import list_devices as listed
from appliance.plant.devices import revoke_device as revoke
from appliance.plant.models import Device
from web.api.contract import ADMINISTRATORS, READERS, Area, Call
from web.api.forms import SORT, Body, Model, Moment, Name, NamedPageQuery, Out, Page, PageQuery, Reason
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


class DeviceKeyOut(Out):
    """A key that a device made itself; it counts until it expires or was revoked."""

    id: str
    public_key: str
    enrolled_at: str
    is_current: bool = Field(description="Whether the device signs with it now.")
    last_used_at: str | None = Field(description="When it was last exchanged for a token.")
    replaced_at: str | None
    expires_at: str | None
    revoked_at: str | None
    revoked_by: str | None
    reason: str
    stolen_since: str | None


class DeviceKeyList(Out):
    """Keys, the latest first."""

    items: list[DeviceKeyOut]


class KeyRevocationQuery(Model):
    """Why a key counts no more; it stands in the audit log."""

    reason: Annotated[str, Field(min_length=1, max_length=120)]


class TheftIn(Body):
    """Since when a key is in other hands."""

    since: Moment
    reason: Reason


class TheftOut(Out):
    """The device, and how many scans were marked."""

    device: DeviceOut
    marked: int


class SuspectPageQuery(PageQuery):
    """Since when; left out: what is marked."""

    since: Moment | None = None


class SuspectInspection(Out):
    """What was made of a scan."""

    id: str
    state: str
    verdict: str | None
    report_number: str | None


class SuspectOut(Out):
    """A scan and what depends on it."""

    scan_id: str
    asset_id: str
    received_at: str
    state: str
    suspect_since: str | None
    suspect_reason: str | None
    inspections: list[SuspectInspection]


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
    "GET", f"{_DEVICES}/{{device}}/keys", roles=READERS, answer=DeviceKeyList, summary="Keys that a device ever had"
)  # fmt: skip
def list_device_keys(call: Call, device: str) -> dict[str, list[DeviceKey]]:
    return {"items": list_keys(call.scope, device)}


@devices.route(
    "DELETE", f"{_DEVICES}/{{device}}/keys/{{device_key_id}}", roles=ADMINISTRATORS, query=KeyRevocationQuery,
    answer=DeviceKeyOut, errors=(409,), summary="Trust one key of a device no more",
)  # fmt: skip
def revoke_device_key(call: Call, device: str, device_key_id: str) -> DeviceKey:
    """Its tokens end with it; the device's other keys go on. The last one that counts ends with the device alone."""
    return revoke_one(call.scope, device, device_key_id, call.query.reason)


@devices.route(
    "POST", f"{_DEVICES}/{{device}}/theft", roles=ADMINISTRATORS, body=TheftIn, answer=TheftOut,
    summary="Report that a device's key is in other hands",
)  # fmt: skip
def report_device_theft(call: Call, device: str) -> dict[str, Any]:
    """Device and keys count nowhere from now on; scans that came since then are marked, and nothing is deleted."""
    row, marked = report_theft(call.scope, device, call.body.since, call.body.reason)
    return {"device": row, "marked": marked}


@devices.route(
    "GET", f"{_DEVICES}/{{device}}/suspects", roles=READERS, query=SuspectPageQuery, answer=Page[SuspectOut],
    summary="Scans since a moment, and what depends on them",
)  # fmt: skip
def list_device_suspects(call: Call, device: str) -> object:
    found = page(call, lambda listing: list_suspects(call.scope, device, listing, since=call.query.since), _place)
    return {**found, "items": [_suspect(one) for one in found["items"]]}


@devices.route(
    "POST", f"{_DEVICES}/{{device}}/revoke", roles=ADMINISTRATORS, answer=DeviceOut, errors=(409,),
    summary="Trust a device no more",
)  # fmt: skip
def revoke_device(call: Call, device: str) -> Device:
    """What it sent before stays what it was. Its API key is revoked apart from this."""
    return revoke(call.scope, device)


def _place(one: Suspect) -> tuple[str, ...]:
    return (one.id,)


def _suspect(one: Suspect) -> SuspectOut:
    scan = one.scan
    return SuspectOut(
        scan_id=scan.id, asset_id=scan.asset_id, received_at=scan.received_at, state=scan.state,
        suspect_since=scan.suspect_since, suspect_reason=scan.suspect_reason,
        inspections=[SuspectInspection.model_validate(row) for row in one.inspections],
    )  # fmt: skip
