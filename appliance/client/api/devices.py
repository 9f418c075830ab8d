"""Edge devices that send scans.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class DeviceKeyList(TypedDict):
    """Keys, the latest first."""

    items: list[DeviceKeyOut]


class DeviceKeyOut(TypedDict):
    """A key that a device made itself; it counts until it expires or was revoked."""

    id: str
    public_key: str
    enrolled_at: str
    is_current: bool
    last_used_at: str | None
    replaced_at: str | None
    expires_at: str | None
    revoked_at: str | None
    revoked_by: str | None
    reason: str
    stolen_since: str | None


class DeviceOut(TypedDict):
    """A device."""

    id: str
    name: str
    vkey: str | None
    enrolled_at: str
    enrolled_by: str
    revoked_at: str | None
    revoked_by: str | None


class SuspectInspection(TypedDict):
    """What was made of a scan."""

    id: str
    state: str
    verdict: str | None
    report_number: str | None


class SuspectOut(TypedDict):
    """A scan and what depends on it."""

    scan_id: str
    asset_id: str
    received_at: str
    state: str
    suspect_since: str | None
    suspect_reason: str | None
    inspections: list[SuspectInspection]


class TheftOut(TypedDict):
    """The device, and how many scans were marked."""

    device: DeviceOut
    marked: int


class Devices:
    """Edge devices that send scans."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_devices(
        self,
        *,
        search: str | None = None,
        sort: Literal["id", "-id", "name", "-name"] | None = None,
        revoked: bool | None = None,
        at_most: int | None = None,
    ) -> Iterator[DeviceOut]:
        """Devices.

        Parameters
        ----------
        search : a piece of the name; ASCII letters of either case
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/devices",
            at_most=at_most,
            query={"search": search, "sort": sort, "revoked": revoked},
        )

    def enrol_device(self, *, name: str, vkey: str | None = None, idempotency_key: str | None = None) -> DeviceOut:
        """Enrol a device.

        Parameters
        ----------
        vkey : verifier key of what it signs
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: DeviceOut = self._calls.once(
            f"{self._calls.workspace}/devices", idempotency_key, body={"name": name, "vkey": vkey}
        )
        return record

    def get_device(self, device: str, *, held: DeviceOut | None = None) -> DeviceOut:
        """One device.

        Parameters
        ----------
        device : id or name of a device
        held : what the caller holds already; given back where it is unchanged
        """
        record: DeviceOut = self._calls.get(f"{self._calls.workspace}/devices/{quoted(device)}", held)
        return record

    def list_device_keys(self, device: str, *, held: DeviceKeyList | None = None) -> DeviceKeyList:
        """Keys that a device ever had.

        Parameters
        ----------
        device : id or name of a device
        held : what the caller holds already; given back where it is unchanged
        """
        record: DeviceKeyList = self._calls.get(f"{self._calls.workspace}/devices/{quoted(device)}/keys", held)
        return record

    def revoke_device_key(self, device: str, device_key_id: str, *, reason: str) -> DeviceKeyOut:
        """Trust one key of a device no more.

        Its tokens end with it; the device's other keys go on. The last one that counts ends with the device alone.

        Parameters
        ----------
        device : id or name of a device
        """
        record: DeviceKeyOut = self._calls.act(
            "DELETE",
            f"{self._calls.workspace}/devices/{quoted(device)}/keys/{quoted(device_key_id)}",
            query={"reason": reason},
        )
        return record

    def report_device_theft(self, device: str, *, since: str, reason: str) -> TheftOut:
        """Report that a device's key is in other hands.

        Device and keys count nowhere from now on; scans that came since then are marked, and nothing is deleted.

        Parameters
        ----------
        device : id or name of a device
        """
        record: TheftOut = self._calls.act(
            "POST", f"{self._calls.workspace}/devices/{quoted(device)}/theft", body={"since": since, "reason": reason}
        )
        return record

    def list_device_suspects(
        self, device: str, *, since: str | None = None, at_most: int | None = None
    ) -> Iterator[SuspectOut]:
        """Scans since a moment, and what depends on them.

        Parameters
        ----------
        device : id or name of a device
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/devices/{quoted(device)}/suspects", at_most=at_most, query={"since": since}
        )

    def revoke_device(self, device: str) -> DeviceOut:
        """Trust a device no more.

        What it sent before stays what it was. Its API key is revoked apart from this.

        Parameters
        ----------
        device : id or name of a device
        """
        record: DeviceOut = self._calls.act("POST", f"{self._calls.workspace}/devices/{quoted(device)}/revoke")
        return record
