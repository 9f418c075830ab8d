"""The keys of a device: which of them count, and how one takes the place of another.

A device has one key that it signs with, its current one, and for a day after it replaced it the one before.  Each can
be revoked alone, as long as another one counts.  A key that was ever known in a workspace is never taken again, from no
device.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import is_id, new_id
from appliance.crypto.device_proof import check_public_key
from appliance.crypto.encoding import b64decode
from appliance.crypto.vkey import ALG_ED25519, VerifierKey, parse_vkey
from appliance.enrolment.models import DeviceKey, DeviceToken
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.plant.devices import find_device
from appliance.plant.models import Device
from appliance.plant.repository import checked_text
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

#: How long a key counts beside the one that replaced it: what is on its way arrives.
OVERLAP: Final = timedelta(hours=24)


def list_keys(scope: WorkspaceScope, device: Device | str) -> list[DeviceKey]:
    """All keys that a device ever had, the latest first.

    Raises
    ------
    NotFound : there is no such device
    """
    row = find_device(scope, device)
    with scope:
        found = list(DeviceKey.select().where(DeviceKey.device_id == row.id).order_by(DeviceKey.id.desc()))
    if not row.revoked_at and (current := _current(found)) is not None:
        current.is_current = True
    return found


def find_key(scope: WorkspaceScope, device: Device | str, key_id: str) -> DeviceKey:
    """A key of a device by its id, whether it counts or not.

    Raises
    ------
    NotFound : there is no such device, or it has no such key
    """
    row = find_device(scope, device)
    with scope:
        key: DeviceKey | None = DeviceKey.known(id=key_id) if is_id(key_id, "dky") else None
    if key is None or key.device_id != row.id:
        raise NotFound("device_key.unknown", f"'{row.name}' has no such key.")
    return key


def verifiers_of(scope: WorkspaceScope, device: Device) -> tuple[VerifierKey, ...]:
    """What verifies the manifests of a device now: keys of its own, else the key that it was registered with."""
    with scope:
        keys = list(DeviceKey.select().where(DeviceKey.device_id == device.id))
    if keys:
        return tuple(verifier(device.id, key.public_key) for key in keys if counts(key))
    return (parse_vkey(device.vkey),) if device.vkey else ()


def counts(key: DeviceKey) -> bool:
    """Whether a key is believed now."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > rfc3339_us(utc_now()))


def verifier(device_id: str, public_key: str) -> VerifierKey:
    """A device's key as signatures name it: under the id of the device."""
    return VerifierKey(device_id, ALG_ED25519, b64decode(public_key))


def add_key(scope: WorkspaceScope, device: Device, public_key: str, by: str) -> DeviceKey:
    """Pin a key, in the caller's transaction; the device signs with it from now on.

    Raises
    ------
    InvalidInput : it is no key
    Conflict : the key was seen before, of this device or another
    """
    check_public_key(public_key)
    if DeviceKey.known(public_key=public_key) is not None:
        hint = "Every device makes a key of its own, and a new one each time."
        raise Conflict("device_key.known", "This key was seen before.", hint)
    key: DeviceKey = DeviceKey.create(
        id=new_id("dky"), device_id=device.id, public_key=public_key, enrolled_at=rfc3339_us(utc_now()), enrolled_by=by
    )  # fmt: skip
    device.vkey = str(verifier(device.id, public_key))
    device.save()
    return key


def replace_key(scope: WorkspaceScope, old: DeviceKey, public_key: str) -> DeviceKey:
    """Another key in the place of ``old``, which counts for a day beside it; asked again, the same answer.

    Raises
    ------
    InvalidInput, Conflict : as ``add_key``; also where ``old`` was replaced by another key already
    """
    with scope.transaction():
        device, successor = find_device(scope, old.device_id), DeviceKey.known(public_key=public_key)
        if successor is not None and successor.enrolled_by == old.id and successor.revoked_at is None:
            return successor  # type: ignore[no-any-return]
        known = DeviceKey.known(id=old.id)
        if known.replaced_at and any(key.revoked_at is None for key in DeviceKey.alike(enrolled_by=old.id)):
            hint = "Go on with the key that replaced it, or enrol anew."
            raise Conflict("device_key.replaced", "This key was replaced already.", hint)
        now = utc_now()
        end = min(known.expires_at or "~", rfc3339_us(now + OVERLAP))  # an overlap that began is not made longer
        DeviceKey.update(replaced_at=rfc3339_us(now), expires_at=end).where(DeviceKey.id == old.id).execute()
        key = add_key(scope, device, public_key, old.id)
        facts = {"device": device.id, "name": device.name, "old": old.id, "new": key.id, "public_key": public_key}
        record(scope, "device_key.replaced", {}, facts)
        emit("device_key.replaced", {"device": device.id, "name": device.name})
    return key


def refuse_ended(scope: WorkspaceScope) -> None:
    """Return unless a device acts that was revoked, or by a key of its own that was.

    For what takes long: whoever began it showed a key that counted then.

    Raises
    ------
    Denied : it may not go on
    """
    principal = scope.principal
    if principal.kind != "device":
        return
    with scope:
        is_own = is_id(principal.id, "dev")
        device: Device | None = Device.known(id=principal.id) if is_own else Device.known(name=principal.label)
        key: DeviceKey | None = DeviceKey.known(id=principal.via) if is_own else None
    if device is not None and (device.revoked_at or (key is not None and key.revoked_at)):
        raise Denied("device.revoked", f"'{device.name}' was revoked while it was sending.", "Ask an owner.")


def revoke_key(scope: WorkspaceScope, device: Device | str, key_id: str, reason: str) -> DeviceKey:
    """Believe one key of a device no more, nor the tokens that it was exchanged for; its other keys go on.

    Raises
    ------
    NotFound : there is no such device, or it has no such key
    InvalidInput : there is no reason, or one that cannot be used
    Conflict : the key counts no more already, or no other one does
    """
    why = checked_text(reason, "reason")
    if not why:
        raise InvalidInput("reason.missing", "A key is revoked with a reason.", "Say what happened.")
    with scope.transaction():
        row, key = find_device(scope, device), find_key(scope, device, key_id)
        if row.revoked_at or not counts(key):
            raise Conflict("device_key.ended", f"This key of '{row.name}' does not count any more.")
        others = [one for one in list_keys(scope, row) if one.id != key.id and counts(one)]
        if not others:
            hint = "Revoke the device, or let it in anew with a reason: then this key ends too."
            raise Conflict("device_key.last", f"'{row.name}' has no other key that counts.", hint)
        _end(scope, [key], why)
        row.vkey = str(verifier(row.id, others[0].public_key))
        row.save()
        facts = {"device": row.id, "name": row.name, "key": key.id, "reason": why, "left": [one.id for one in others]}
        record(scope, "device_key.revoked", {}, facts)
        emit("device_key.revoked", {"device": row.id, "name": row.name, "key": key.id})
    return key


def revoke_keys(scope: WorkspaceScope, device: Device, reason: str, *, stolen_since: str | None = None) -> list[str]:
    """Believe none of a device's keys any more, in the caller's transaction; returns the ids of those that were."""
    live = [key for key in DeviceKey.select().where(DeviceKey.device_id == device.id) if key.revoked_at is None]
    return _end(scope, live, reason, stolen_since)


def _end(scope: WorkspaceScope, keys: Sequence[DeviceKey], reason: str, stolen_since: str | None = None) -> list[str]:
    """Write that keys are revoked, and forget their tokens; returns the ids of the keys."""
    for key in keys:
        key.revoked_at, key.revoked_by = rfc3339_us(utc_now()), scope.principal.id
        key.reason, key.stolen_since = reason, stolen_since
        key.save()
    ended = [str(key.id) for key in keys]
    DeviceToken.delete().where(DeviceToken.device_key_id << ended).execute()
    return ended


def _current(keys: Sequence[DeviceKey]) -> DeviceKey | None:
    """Of a device's keys, the latest first, the one that it signs with."""
    return next((key for key in keys if counts(key)), None)
