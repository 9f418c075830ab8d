"""How devices come in: codes for those who let them in, and the calls that devices make themselves."""

from __future__ import annotations

from typing import Annotated, Any, Final

from flask import request
from pydantic import Field

from appliance.enrolment.codes import MINUTES, USUAL_MINUTES, list_codes, make_code
from appliance.enrolment.codes import withdraw_code as withdraw
from appliance.enrolment.enrolling import Application, enrol
from appliance.enrolment.models import DeviceCode
from appliance.enrolment.renewing import Renewal, renew
from appliance.enrolment.tokens import Proof, exchange
from web.api.contract import DEVICES, ENROLLERS, Area, Call
from web.api.forms import Body, Name, Out

_CODES: Final = "/workspaces/{slug}/device-codes"

enrolment = Area("enrolment", "Devices come in with a one-time code and a key of their own.")

_Line = Annotated[str, Field(min_length=1, max_length=300)]


class DeviceCodeIn(Body):
    """A code for one device."""

    device: Name | None = Field(None, description="The name that the device shall have; its own choice without one.")
    reason: Annotated[str, Field(max_length=120)] = Field("", description="Why a known device gets another key.")
    minutes: Annotated[int, Field(ge=MINUTES[0], le=MINUTES[-1])] = Field(USUAL_MINUTES, description="How long.")


class DeviceCodeOut(Out):
    """A code, without what is typed."""

    id: str
    device_name: str | None
    reason: str
    created_at: str
    created_by: str
    expires_at: str
    failures: int
    closed_at: str | None


class DeviceCodeMade(DeviceCodeOut):
    """A new code, which is kept nowhere and not shown again."""

    code: str


class DeviceCodeList(Out):
    """Codes that count."""

    items: list[DeviceCodeOut]


class ApplicationIn(Body):
    """A device that wants to come in; docs/uploads.md says what is signed and confirmed."""

    workspace: _Line
    code: _Line = Field(description="The first four signs of the code.")
    name: Name
    host: _Line = Field(description="Host and port as in the address that the device was given.")
    time: _Line
    public_key: _Line = Field(description="Ed25519, base64.")
    certificate: _Line = Field(description="SHA-256 of the TLS certificate that the device saw; '-' without TLS.")
    signature: _Line
    confirmation: _Line


class EnrolledOut(Out):
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


class ProofIn(Body):
    """A proof that the caller holds a device's key."""

    workspace: _Line
    key: _Line = Field(description="Id of the device's key.")
    host: _Line
    time: _Line
    nonce: _Line
    signature: _Line


class DeviceTokenMade(Out):
    """A token for the Authorization header."""

    token: str
    expires_at: str


class RenewalIn(Body):
    """Another key of the device that calls, signed by both."""

    device_key: _Line = Field(description="Id of the key that is replaced.")
    host: _Line
    time: _Line
    public_key: _Line
    signature: _Line = Field(description="By the key that is replaced.")
    new_signature: _Line = Field(description="By the new key, over the same text.")


class RenewedOut(Out):
    """The new key's id; the one before counts until then."""

    key: str
    public_key: str
    old_until: str


@enrolment.route("GET", _CODES, roles=ENROLLERS, answer=DeviceCodeList, summary="Codes that count")
def list_device_codes(call: Call) -> dict[str, list[DeviceCode]]:
    return {"items": list_codes(call.scope)}


@enrolment.route(
    "POST", _CODES, roles=ENROLLERS, body=DeviceCodeIn, answer=DeviceCodeMade, status=201, errors=(409,),
    once="workspace", shows_secret=True, summary="Make a code that lets a device in",
)  # fmt: skip
def make_device_code(call: Call) -> dict[str, Any]:
    """It counts once, for some minutes; only owners let a device in anew that is there already."""
    row, code = make_code(call.scope, device=call.body.device, reason=call.body.reason, minutes=call.body.minutes)
    return {**DeviceCodeOut.model_validate(row).model_dump(), "code": code}


@enrolment.route(
    "POST", f"{_CODES}/{{code_id}}/withdraw", roles=ENROLLERS, answer=DeviceCodeOut, errors=(409,),
    summary="Withdraw a code",
)  # fmt: skip
def withdraw_device_code(call: Call, code_id: str) -> DeviceCode:
    return withdraw(call.scope, code_id)


@enrolment.route(
    "POST", "/device-enrolments", roles=None, proves=True, body=ApplicationIn, answer=EnrolledOut, status=201,
    errors=(403, 409, 429, 503), summary="Come in with a code and a key",
)  # fmt: skip
def enrol_by_code(call: Call) -> dict[str, str]:
    """Public: the code is the right to it. The same application again gets the same answer while the code counts."""
    enrolled, confirmation = enrol(call.site, Application(**call.body.model_dump()), request.host)
    return {**vars(enrolled), "confirmation": confirmation}


@enrolment.route(
    "POST", "/device-tokens", roles=None, proves=True, body=ProofIn, answer=DeviceTokenMade, status=201,
    errors=(403, 429, 503),
    summary="Exchange a proof for a token",
)  # fmt: skip
def make_device_token(call: Call) -> dict[str, str]:
    """Public: the signature is the right to it. Each proof is taken once, within two minutes of its time."""
    token, until = exchange(call.site, Proof(**call.body.model_dump()), request.host)
    return {"token": token, "expires_at": until}


@enrolment.route(
    "POST", "/workspaces/{slug}/device-key", roles=DEVICES, body=RenewalIn, answer=RenewedOut, status=201,
    errors=(409,), summary="Replace the caller's own key",
)  # fmt: skip
def replace_device_key(call: Call) -> dict[str, str]:
    """The old key counts for a day beside the new one. The same request again gets the same answer."""
    key, until = renew(call.scope, Renewal(call.scope.slug, **call.body.model_dump()), request.host)
    return {"key": key.id, "public_key": key.public_key, "old_until": until}
