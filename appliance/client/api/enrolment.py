"""Devices come in with a one-time code and a key of their own.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from typing import TypedDict

from appliance.client.calls import Calls, quoted


class DeviceCodeList(TypedDict):
    """Codes that count."""

    items: list[DeviceCodeOut]


class DeviceCodeMade(TypedDict):
    """A new code, which is kept nowhere and not shown again."""

    id: str
    device_name: str | None
    reason: str
    created_at: str
    created_by: str
    expires_at: str
    failures: int
    closed_at: str | None
    code: str


class DeviceCodeOut(TypedDict):
    """A code, without what is typed."""

    id: str
    device_name: str | None
    reason: str
    created_at: str
    created_by: str
    expires_at: str
    failures: int
    closed_at: str | None


class DeviceTokenMade(TypedDict):
    """A token for the Authorization header."""

    token: str
    expires_at: str


class EnrolledOut(TypedDict):
    """What the device is from now on, confirmed by whoever knows the code."""

    workspace: str
    code: str
    device: str
    name: str
    key: str
    public_key: str
    appliance: str
    certificates: str
    confirmation: str


class RenewedOut(TypedDict):
    """The new key's id; the one before counts until then."""

    key: str
    public_key: str
    old_until: str


class Enrolment:
    """Devices come in with a one-time code and a key of their own."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_device_codes(self, *, held: DeviceCodeList | None = None) -> DeviceCodeList:
        """Codes that count.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: DeviceCodeList = self._calls.get(f"{self._calls.workspace}/device-codes", held)
        return record

    def make_device_code(
        self,
        *,
        device: str | None = None,
        reason: str | None = None,
        minutes: int | None = None,
        idempotency_key: str | None = None,
    ) -> DeviceCodeMade:
        """Make a code that lets a device in.

        It counts once, for some minutes; only owners let a device in anew that is there already.

        Parameters
        ----------
        device : the name that the device shall have; its own choice without one
        reason : why a known device gets another key
        minutes : how long
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: DeviceCodeMade = self._calls.once(
            f"{self._calls.workspace}/device-codes",
            idempotency_key,
            body={"device": device, "reason": reason, "minutes": minutes},
        )
        return record

    def withdraw_device_code(self, code_id: str) -> DeviceCodeOut:
        """Withdraw a code."""
        record: DeviceCodeOut = self._calls.act(
            "POST", f"{self._calls.workspace}/device-codes/{quoted(code_id)}/withdraw"
        )
        return record

    def enrol_by_code(
        self,
        *,
        workspace: str,
        code: str,
        name: str,
        host: str,
        time: str,
        public_key: str,
        certificate: str,
        signature: str,
        confirmation: str,
    ) -> EnrolledOut:
        """Come in with a code and a key.

        Public: the code is the right to it. The same application again gets the same answer while the code counts.

        Parameters
        ----------
        code : the first four signs of the code
        host : host and port as in the address that the device was given
        public_key : ed25519, base64
        certificate : sHA-256 of the TLS certificate that the device saw; '-' without TLS
        """
        record: EnrolledOut = self._calls.act(
            "POST",
            "device-enrolments",
            body={
                "workspace": workspace,
                "code": code,
                "name": name,
                "host": host,
                "time": time,
                "public_key": public_key,
                "certificate": certificate,
                "signature": signature,
                "confirmation": confirmation,
            },
        )
        return record

    def make_device_token(
        self, *, workspace: str, key: str, host: str, time: str, nonce: str, signature: str
    ) -> DeviceTokenMade:
        """Exchange a proof for a token.

        Public: the signature is the right to it. Each proof is taken once, within two minutes of its time.

        Parameters
        ----------
        key : id of the device's key
        """
        record: DeviceTokenMade = self._calls.act(
            "POST",
            "device-tokens",
            body={
                "workspace": workspace,
                "key": key,
                "host": host,
                "time": time,
                "nonce": nonce,
                "signature": signature,
            },
        )
        return record

    def replace_device_key(
        self, *, device_key: str, host: str, time: str, public_key: str, signature: str, new_signature: str
    ) -> RenewedOut:
        """Replace the caller's own key.

        The old key counts for a day beside the new one. The same request again gets the same answer.

        Parameters
        ----------
        device_key : id of the key that is replaced
        signature : by the key that is replaced
        new_signature : by the new key, over the same text
        """
        record: RenewedOut = self._calls.act(
            "POST",
            f"{self._calls.workspace}/device-key",
            body={
                "device_key": device_key,
                "host": host,
                "time": time,
                "public_key": public_key,
                "signature": signature,
                "new_signature": new_signature,
            },
        )
        return record
