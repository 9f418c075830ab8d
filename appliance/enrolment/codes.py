"""One-time codes: made by somebody of the workspace, read to whoever stands at the device, good for minutes.

A code counts once, for one device of one workspace; five wrong proofs close it.  All of that stands in the workspace's
database: neither another process nor an emptied Redis forgets it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.aead import open_small, seal_small
from appliance.crypto.device_proof import code_key
from appliance.crypto.typed import locator_of, new_code
from appliance.enrolment.models import DeviceCode
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.plant.devices import find_device
from appliance.plant.models import Device
from appliance.plant.repository import checked_name, checked_text
from appliance.tenancy.scope import WorkspaceScope

#: Minutes that a code may count.
MINUTES: Final = range(1, 61)
USUAL_MINUTES: Final = 15
#: Wrong proofs that close a code.
MOST_FAILURES: Final = 5
#: Roles that give a device that is there another key.
_RENEWERS: Final = ("owner", "system")


def make_code(
    scope: WorkspaceScope, *, device: str | None = None, reason: str = "", minutes: int = USUAL_MINUTES
) -> tuple[DeviceCode, str]:
    """A new code, and as it is shown, which is kept nowhere.

    Parameters
    ----------
    device : the name that the new device shall have; None: the one that it gives itself
    reason : why the device of that name gets another key: it is there already, and its keys end with the code's use

    Raises
    ------
    InvalidInput : a name or reason that cannot be used, or too long a time
    Denied : the device is there already, and only owners may let it in anew
    Conflict : the device is there and no reason is given, or it is revoked for good
    NotFound : there is no such device, though a reason is given
    """
    if minutes not in MINUTES:
        raise InvalidInput("code.minutes", f"A code counts {MINUTES[0]} to {MINUTES[-1]} minutes.")
    name, why = None if device is None else checked_name(device, "device"), checked_text(reason, "reason")
    code, now = new_code(), utc_now()
    made, opened = new_id("cod"), code_key(code, scope.slug)
    with scope.transaction():
        _forget_expired(rfc3339_us(now))
        known = _device_to_renew(scope, name, why)
        row: DeviceCode = DeviceCode.create(
            id=made, locator=_free(locator_of(code)), sealed_key=seal_small(scope.data_key, opened, _context(made)),
            device_name=known.name if known else name, device_id=known.id if known else None, reason=why,
            created_at=rfc3339_us(now), created_by=scope.principal.id,
            expires_at=rfc3339_us(now + timedelta(minutes=minutes)),
        )  # fmt: skip
        facts = {"code": row.id, "device": row.device_name, "reason": why, "expires_at": row.expires_at}
        record(scope, "device_code.made", {}, {key: value for key, value in facts.items() if value})
    return row, code


def withdraw_code(scope: WorkspaceScope, code_id: str) -> DeviceCode:
    """Let a code count no more.

    Raises
    ------
    NotFound : there is none
    Conflict : it was used, withdrawn, or closed after too many wrong proofs
    """
    with scope.transaction():
        row: DeviceCode | None = DeviceCode.known(id=code_id)
        if row is None:
            raise NotFound("code.unknown", "There is no such code.")
        if row.closed_at:
            raise Conflict("code.closed", "This code does not count any more.")
        close_code(row, scope.principal.id)
        record(scope, "device_code.withdrawn", {}, {"code": row.id})
    return row


def list_codes(scope: WorkspaceScope) -> list[DeviceCode]:
    """Codes that count, the latest first."""
    with scope:
        query = DeviceCode.select().where(DeviceCode.closed_at.is_null(), DeviceCode.expires_at > rfc3339_us(utc_now()))
        return list(query.order_by(DeviceCode.id.desc()))


def close_code(row: DeviceCode, by: str) -> None:
    """Note, in the caller's transaction, that a code counts no more."""
    row.closed_at, row.closed_by = rfc3339_us(utc_now()), by
    row.save()


def key_of(scope: WorkspaceScope, row: DeviceCode) -> bytes:
    """The key that a code stands for."""
    return open_small(scope.data_key, bytes(row.sealed_key), _context(row.id))


def count_failure(scope: WorkspaceScope, row: DeviceCode) -> None:
    """Note that a proof did not know the code; the fifth time closes it."""
    with scope.transaction():
        known: DeviceCode | None = DeviceCode.known(id=row.id)
        if known is None or known.closed_at:
            return
        known.failures += 1
        known.save()
        if known.failures >= MOST_FAILURES:
            close_code(known, "guessing")
            record(scope, "device_code.guessed", {}, {"code": known.id, "failures": known.failures})


def _device_to_renew(scope: WorkspaceScope, name: str | None, reason: str) -> Device | None:
    """The device that gets another key; None where a new device comes in."""
    row: Device | None = Device.known(name=name) if name else None
    if row is None:
        return find_device(scope, name or "-") if reason else None
    if not reason:
        hint = "Say why it gets another key, or choose another name."
        raise Conflict("device.taken", f"There is a device '{row.name}' already.", hint)
    if scope.principal.role not in _RENEWERS:
        raise Denied("role.denied", "Only owners let a known device in anew.", "Ask an owner.")
    if row.revoked_at:
        hint = "Let it in under another name."
        raise Conflict("device.revoked", f"The device '{row.name}' is revoked since {row.revoked_at}.", hint)
    return row


def _forget_expired(now: str) -> None:
    DeviceCode.delete().where(DeviceCode.expires_at <= now).execute()


def _free(locator: str) -> str:
    """The locator, unless a code that counts has it (one in a million)."""
    if DeviceCode.known(locator=locator) is not None:
        raise Conflict("code.again", "The code could not be made.", "Try again.")
    return locator


def _context(code_id: str) -> str:
    return f"device code {code_id}"
