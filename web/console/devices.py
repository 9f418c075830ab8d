"""Pages of devices: let in by a code that is shown once, revoked, reported as stolen; one with all its keys."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response, request

from appliance.db.listing import Listing
from appliance.enrolment.codes import USUAL_MINUTES, list_codes, make_code, withdraw_code
from appliance.enrolment.keys import counts, list_keys, revoke_key
from appliance.errors import InvalidInput, NotFound
from appliance.ingest.suspicion import report_theft
from appliance.plant.devices import find_device, list_devices, revoke_device
from web.api.contract import ENROLLERS, Call
from web.console.keys import chosen
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_ROWS: Final = 50
_MINUTES: Final = {"5": "5 minutes", str(USUAL_MINUTES): f"{USUAL_MINUTES} minutes", "60": "an hour"}
#: What browsers send of a field of date and time.
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


def devices(call: Call, *, made: tuple[str, str] | None = None) -> Shown:
    """Devices with their keys, and codes that count; ``made``: for whom a code was just made, and the code."""
    after = (request.args["after"],) if "after" in request.args else ()
    found = list_devices(call.scope, Listing("id", after, _ROWS + 1))
    may_enrol = call.caller.role in ENROLLERS
    shown = {
        "devices": [(row, list_keys(call.scope, row)) for row in found[:_ROWS]],
        "more": found[_ROWS - 1].id if len(found) > _ROWS else None, "made": made, "may_enrol": may_enrol,
        "codes": list_codes(call.scope) if may_enrol else [], "lifetimes": _MINUTES, "usual": str(USUAL_MINUTES),
    }  # fmt: skip
    return "devices.html", shown


def device(call: Call, device: str) -> Shown:
    """One device and all keys that it ever had, each with its form to revoke it as long as another one counts."""
    row = find_device(call.scope, device)
    keys = list_keys(call.scope, row)
    live = [] if row.revoked_at else [key.id for key in keys if counts(key)]
    return "device.html", {"device": row, "keys": keys, "live": live}


def revoke_device_key(call: Call, device: str, device_key_id: str) -> Response:
    """Trust one key of a device no more."""
    row = find_device(call.scope, device)
    revoke_key(call.scope, row, device_key_id, request.form.get("reason", ""))
    return see(f"/console/{call.scope.slug}/devices/{row.id}")


def make_device_code(call: Call) -> Shown:
    """Make a code that lets one device in; it is shown once."""
    name, minutes = request.form.get("device", "").strip() or None, chosen(_MINUTES, request.form.get("minutes", ""))
    row, code = make_code(call.scope, device=name, reason=request.form.get("reason", ""), minutes=int(minutes))
    return devices(call, made=(row.device_name or "a device", code))


def withdraw(call: Call, code_id: str) -> Response:
    """Let a code count no more."""
    withdraw_code(call.scope, code_id)
    return see(f"/console/{call.scope.slug}/devices")


def act_on_device(call: Call, device: str, act: str) -> Response:
    """Trust a device no more, or say since when its key is in other hands."""
    row = find_device(call.scope, device)
    if act == "revoke":
        revoke_device(call.scope, row)
    elif act == "theft":
        since, reason = _moment(request.form.get("since", "")), request.form.get("reason", "").strip()
        if not reason:
            raise InvalidInput("reason.missing", "A theft is reported with a reason.", "Go back and say what happened.")
        report_theft(call.scope, row, since, reason)
    else:
        raise NotFound("console.act", "There is no such act.")
    return see(f"/console/{call.scope.slug}/devices")


def _moment(text: str) -> str:
    """A field of date and time, UTC, as it is stored."""
    if not _MOMENT.fullmatch(text):
        raise InvalidInput("console.moment", "This is no date and time.", "Choose one, in UTC.")
    return f"{text if len(text) > 16 else text + ':00'}.000000Z"
