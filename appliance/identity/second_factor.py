"""A second factor: codes of an authenticator app, each taken once, and ten recovery codes for when it is gone.

Source: RFC 6238 (30 s, six digits, SHA-1, which is what every app understands), 5.2 (one use, one step of drift).
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from typing import Any, Final

from pyotp import TOTP, random_base32

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret, in_groups
from appliance.errors import Conflict, Denied, NotFound
from appliance.identity import throttle
from appliance.identity.local.models import LocalPasswordRow, RecoveryCodeRow, SecondFactorRow
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_STEP_S: Final = 30
#: Steps before and after the present one whose codes are taken: clocks of telephones.
_DRIFT: Final = (-1, 0, 1)


def has_second_factor(site: Site, user_id: str) -> bool:
    """Whether a person has to show a code."""
    with site.control_session():
        row = SecondFactorRow.known(user_id=user_id)
    return row is not None and row.confirmed_at is not None


def begin_second_factor(site: Site, by: Principal) -> tuple[str, str]:
    """What an authenticator app is to be given: the secret, and the address that a QR code holds.

    Raises
    ------
    Conflict : there is a second factor already, or the account lies in an envelope
    """
    secret = random_base32()
    with site.control_transaction():
        if LocalPasswordRow.alike(user_id=by.id, is_break_glass=1):
            raise Conflict("factor.break_glass", "The break-glass account works without a telephone.")
        row = SecondFactorRow.known(user_id=by.id)
        if row is not None and row.confirmed_at is not None:
            raise Conflict("factor.there", "There is a second factor already.", "Remove it first.")
        SecondFactorRow.delete().where(SecondFactorRow.user_id == by.id).execute()
        wrapped = site.master.wrap(secret.encode(), _context(by.id))
        SecondFactorRow.create(user_id=by.id, wrapped=wrapped, created_at=rfc3339_us(utc_now()))
    return secret, TOTP(secret).provisioning_uri(name=by.label, issuer_name=f"D2R {site.keys.name}")


def confirm_second_factor(site: Site, by: Principal, code: str) -> tuple[str, ...]:
    """From now on a code is asked for: the app shows the right one.  Returns the recovery codes, kept nowhere.

    Raises
    ------
    NotFound : nothing was begun
    Conflict : it was confirmed before
    Denied : it is another code
    """
    throttle.begin_attempt(site, _counted_as(by.id))
    with site.control_transaction():
        row = SecondFactorRow.known(user_id=by.id)
        if row is None:
            raise NotFound("factor.missing", "No second factor was begun.")
        if row.confirmed_at is not None:
            raise Conflict("factor.there", "There is a second factor already.")
        step = _step_of(site, row, code)
        if step is None:
            raise _refused()
        row.last_step, row.confirmed_at = step, rfc3339_us(utc_now())
        row.save()
        codes = _new_recovery_codes(by.id)
        record(site, "second_factor.set", {}, {}, by=by)
    throttle.succeeded(site, _counted_as(by.id))
    return codes


def show_code(site: Site, by: Principal, code: str) -> str:
    """Return how (``totp``, ``recovery``), if this is a code of the person that was never shown before.

    Raises
    ------
    Denied : it is not, or too many others were tried
    """
    throttle.begin_attempt(site, _counted_as(by.id))
    with site.control_transaction():
        row = SecondFactorRow.known(user_id=by.id)
        step = None if row is None or row.confirmed_at is None else _step_of(site, row, code)
        if row is not None and step is not None:
            row.last_step = step
            row.save()
            how = "totp"
        elif _use_recovery_code(by.id, code):
            how = "recovery"
            record(site, "second_factor.recovery_used", {}, {"left": _codes_left(by.id)}, by=by)
        else:
            how = ""
            record(site, "second_factor.refused", {}, {}, by=by)
    if not how:
        raise _refused()
    throttle.succeeded(site, _counted_as(by.id))
    return how


def remove_second_factor(site: Site, user_id: str, by: Principal) -> None:
    """Ask a person for no code any more.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_transaction():
        RecoveryCodeRow.delete().where(RecoveryCodeRow.user_id == user_id).execute()
        if not SecondFactorRow.delete().where(SecondFactorRow.user_id == user_id).execute():
            raise NotFound("factor.missing", "This person has no second factor.")
        record(site, "second_factor.removed", {}, {"own": user_id == by.id}, by=by)


def recovery_codes_left(site: Site, user_id: str) -> int:
    """How many recovery codes were not used yet."""
    with site.control_session():
        return _codes_left(user_id)


def _step_of(site: Site, row: Any, code: str) -> int | None:
    """The time step of this code, if it is one later than the last that was taken."""
    totp = TOTP(site.master.unwrap(bytes(row.wrapped), _context(row.user_id)).decode())
    shown, now = code.replace(" ", "").encode("utf-8", "surrogatepass"), int(utc_now().timestamp()) // _STEP_S
    found = [now + drift for drift in _DRIFT if hmac.compare_digest(totp.generate_otp(now + drift).encode(), shown)]
    return next((step for step in found if step > row.last_step), None)


def _new_recovery_codes(user_id: str) -> tuple[str, ...]:
    RecoveryCodeRow.delete().where(RecoveryCodeRow.user_id == user_id).execute()
    codes = tuple(
        in_groups(b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)
    )
    for code in codes:
        RecoveryCodeRow.create(user_id=user_id, sha256=_hash(code))
    return codes


def _use_recovery_code(user_id: str, code: str) -> bool:
    unused = (RecoveryCodeRow.user_id == user_id) & RecoveryCodeRow.used_at.is_null()
    used = RecoveryCodeRow.update(used_at=rfc3339_us(utc_now())).where(unused, RecoveryCodeRow.sha256 == _hash(code))
    return bool(used.execute())


def _codes_left(user_id: str) -> int:
    unused = (RecoveryCodeRow.user_id == user_id) & RecoveryCodeRow.used_at.is_null()
    return int(RecoveryCodeRow.select().where(unused).count())


def _hash(code: str) -> str:
    return hash_of_secret("".join(character for character in code.lower() if character.isalnum()))


def _refused() -> Denied:
    return Denied("login.code", "This code is not valid, or was used already.", "Wait for the next one.")


def _counted_as(user_id: str) -> str:
    return f"code/{user_id}"


def _context(user_id: str) -> str:
    return f"second-factor/{user_id}"
