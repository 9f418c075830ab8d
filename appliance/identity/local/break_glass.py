"""The account for the day when nobody can sign in: an owner of the appliance whose password lies in an envelope.

It needs no directory, no second factor and no telephone.  Each use is loud: an entry of its own in the control log, a
line of the highest level in the process's log, a mark on every page of that session, and a warning of the doctor until
somebody makes another password.
"""

from __future__ import annotations

import logging
import secrets
from base64 import b32encode
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import in_groups
from appliance.identity.local.accounts import create_account, local_user, reset_password
from appliance.identity.local.models import LocalPasswordRow
from appliance.identity.records import Roles
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

LOGIN: Final = "break-glass"
_BYTES: Final = 20


def seal_break_glass(site: Site, by: Principal) -> str:
    """Make the account, or another password for it; returns the password, which is kept nowhere."""
    password = in_groups(b32encode(secrets.token_bytes(_BYTES)).decode().lower())
    with site.control_transaction():
        row = local_user(LOGIN)
        if row is None:
            create_account(site, LOGIN, "Break glass", Roles("owner", ()), password, by, is_break_glass=True)
        else:
            row.disabled_at = row.disabled_by = None
            row.appliance_role = "owner"
            row.save()
            reset_password(site, row, password, by)
        record(site, "break_glass.sealed", {}, {}, by=by)
    return password


def note_break_glass(site: Site, principal: Principal) -> None:
    """Say loudly that the account was used, if it is this one."""
    with site.control_transaction():
        row = _known(principal.id)
        if row is None:
            return
        row.used_at = rfc3339_us(utc_now())
        row.save()
        record(site, "break_glass.used", {}, {}, by=principal)
    log.critical(
        "the break-glass account was used: look into the audit log, then seal it anew (d2r account break-glass)"
    )


def is_break_glass(site: Site, principal_id: str) -> bool:
    """Whether somebody sits there with the password of the envelope."""
    with site.control_session():
        return _known(principal_id) is not None


def broken_since(site: Site) -> str | None:
    """When the account was used last, if nobody has made another password since."""
    with site.control_session():
        rows = LocalPasswordRow.alike(is_break_glass=1)
    return max((row.used_at for row in rows if row.used_at), default=None)


def _known(user_id: str) -> Any:
    row = LocalPasswordRow.known(user_id=user_id)
    return row if row is not None and row.is_break_glass else None
