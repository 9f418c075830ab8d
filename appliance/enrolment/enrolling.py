"""A device comes in: it shows that it knows a code and holds a key, and the appliance pins the key.

Steps, each of which may end it:

1. There is such a code in such a workspace, and it counts.
2. The device knows it: the confirmation is over the very text that it sends.  Five that are wrong close the code.
3. The device holds the private half of its key: it signed the same text.
4. The proof was made just now, for this host, and over TLS with a certificate that is ours.
5. The code was not used, or by this very key, whose answer was lost: it gets the same one again.
6. One transaction: device, key, code, audit entry.  Before it nothing has happened, after it nothing is missing.

The answer is confirmed with the code too.  Who stands between the two and does not know the code can neither put
another key into the first text, nor another certificate or key of the appliance into the second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.device_proof import (
    ENROL,
    ENROLLED,
    NOTHING,
    confirmation_of,
    is_confirmed,
    is_signed,
    spelled,
)
from appliance.enrolment.codes import close_code, count_failure, key_of
from appliance.enrolment.keys import add_key, revoke_keys
from appliance.enrolment.models import DeviceCode, DeviceKey
from appliance.enrolment.proofs import check_host, check_time
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.plant.devices import find_device
from appliance.plant.models import Device
from appliance.plant.repository import checked_name, insert
from appliance.queue.outbox import emit
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

#: Which fields of an application its text holds, in this order.
_SPELLED: Final = ("workspace", "code", "name", "host", "time", "public_key", "certificate")


@dataclass(frozen=True)
class Application:
    """What a device sends to come in.

    ``code`` : the first four signs of the code; ``certificate``: SHA-256 of the TLS certificate that it saw, or ``-``
    ``signature`` : over the text, by the key; ``confirmation``: of the text, by whoever knows the code
    """

    workspace: str
    code: str
    name: str
    host: str
    time: str
    public_key: str
    certificate: str
    signature: str
    confirmation: str

    @property
    def text(self) -> bytes:
        """What is signed and confirmed."""
        said = asdict(self)
        return spelled(ENROL, {name: said[name] for name in _SPELLED})


@dataclass(frozen=True)
class Enrolled:
    """What a device gets: who it is, whom it believes, and a confirmation that nobody made who does not know the code.

    ``certificates`` : SHA-256 of the TLS certificates that belong to the appliance, comma between; ``-``: not known
    """

    workspace: str
    code: str
    device: str
    name: str
    key: str
    public_key: str
    appliance: str
    certificates: str

    @property
    def text(self) -> bytes:
        """What is confirmed."""
        return enrolled_text(asdict(self))


def enrolled_text(fields: Mapping[str, str]) -> bytes:
    """The text that the appliance confirms, from the fields of its answer."""
    order = ("workspace", "code", "device", "name", "key", "public_key", "appliance", "certificates")
    return spelled(ENROLLED, {name: fields[name] for name in order})


def enrol(site: Site, asked: Application, host: str) -> tuple[Enrolled, str]:
    """Let a device in; returns what it gets, and the confirmation of it.

    Parameters
    ----------
    host : the ``Host`` that was asked

    Raises
    ------
    Denied : no such code, a proof that does not hold, another clock, host or certificate, or a code that was used
    InvalidInput : a field that cannot be used
    Conflict : the name or the key is taken
    """
    # 1. The code.
    scope, code = _code_of(site, asked)
    opened = key_of(scope, code)
    # 2. The device knows it.
    if code.closed_at is not None and code.device_key_id is None:
        raise _refused()
    if not is_confirmed(opened, asked.text, asked.confirmation):
        count_failure(scope, code)
        raise _refused()
    # 3. The device holds its key.
    if not is_signed(asked.public_key, asked.text, asked.signature):
        raise Denied("proof.signature", "The application is not signed with the device's key.", "Sign the same text.")
    # 4. Now, here.
    check_time(asked.time)
    check_host(site.settings, asked.host, host)
    _check_certificate(site, asked.certificate)
    # 5 and 6. Once.
    device, key = _admitted(scope, code, asked)
    answer = Enrolled(
        asked.workspace, asked.code, device.id, device.name, key.id, key.public_key,
        str(scope.keys.signer().verifier), site.settings.tls_certificates or NOTHING,
    )  # fmt: skip
    return answer, confirmation_of(opened, answer.text)


def _code_of(site: Site, asked: Application) -> tuple[WorkspaceScope, DeviceCode]:
    """The code that an application names; that there is none is said in the words of a wrong proof."""
    try:
        scope = site.scope(SYSTEM, asked.workspace)
    except (NotFound, Denied) as error:
        raise _refused() from error
    with scope:
        code: DeviceCode | None = DeviceCode.known(locator=asked.code)
    if code is None or code.expires_at <= rfc3339_us(utc_now()):
        raise _refused()
    return scope, code


def _check_certificate(site: Site, seen: str) -> None:
    known = site.settings.tls_certificates
    if known and seen not in known.split(","):
        hint = "Somebody stands between device and appliance, or 'tls_certificates' is out of date."
        raise Denied("proof.certificate", "The device saw a TLS certificate that is not the appliance's.", hint)


def _admitted(scope: WorkspaceScope, code: DeviceCode, asked: Application) -> tuple[Device, DeviceKey]:
    with scope.transaction():
        row: DeviceCode = DeviceCode.known(id=code.id)
        known: DeviceKey | None = DeviceKey.known(id=row.device_key_id) if row.device_key_id else None
        if known is not None and known.public_key == asked.public_key:
            return find_device(scope, known.device_id), known
        if row.closed_at is None:
            return _let_in(scope, row, asked)
        record(scope, "device_code.used_again", {}, {"code": row.id, "public_key": asked.public_key})
        emit("device_code.used_again", {"code": row.id})
    hint = "If that was not you, revoke the device that it let in, and make another code."
    raise Denied("code.used", "This code was used already, with another key.", hint)


def _let_in(scope: WorkspaceScope, code: DeviceCode, asked: Application) -> tuple[Device, DeviceKey]:
    ended: list[str] = []
    if code.device_id is not None:
        device = find_device(scope, code.device_id)
        _refuse_revoked(device)
        ended = revoke_keys(scope, device, code.reason)
    else:
        device = _new_device(scope, code, asked)
    key = add_key(scope, device, asked.public_key, code.created_by)
    code.device_key_id = key.id
    close_code(code, device.id)
    kind = "device.re_enrolled" if code.device_id else "device.enrolled"
    facts = {"device": device.id, "name": device.name, "code": code.id, "key": key.id, "public_key": key.public_key}
    record(scope, kind, {}, facts | ({"reason": code.reason, "ended": ended} if code.device_id else {}))
    emit(kind, {"device": device.id, "name": device.name})
    return device, key


def _new_device(scope: WorkspaceScope, code: DeviceCode, asked: Application) -> Device:
    name = checked_name(asked.name, "device")
    if code.device_name is not None and name != code.device_name:
        hint = "Give the device the name that the code was made for."
        raise InvalidInput("device.name", "This code is for a device of another name.", hint)
    made = {"enrolled_at": rfc3339_us(utc_now()), "enrolled_by": code.created_by}
    return insert(Device, "device", name, id=new_id("dev"), name=name, vkey=None, **made)


def _refuse_revoked(device: Device) -> None:
    if device.revoked_at:
        raise Denied("device.revoked", f"The device '{device.name}' is revoked since {device.revoked_at}.")


def _refused() -> Denied:
    return Denied(
        "code.refused", "No code that counts fits this proof.", "Check code and workspace, or ask for another."
    )
