"""Attempts to sign in, counted before they are made: after five that failed, each further one has to wait, and longer.

The count is of the name that is tried, whether anybody has it or not, and stands in the control database: neither
another process nor an emptied Redis forgets it.  It is written before the password is looked at, so a hundred attempts
at once are a hundred attempts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Denied
from appliance.identity.local.models import LoginAttemptRow
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

#: Attempts that may fail before the next one has to wait.
FREE: Final = 5
#: How long after the fifth; each further failure doubles it.
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
#: After so long without an attempt the count begins anew.
_FORGOTTEN: Final = timedelta(hours=24)


def begin_attempt(site: Site, login_hash: str) -> None:
    """Count an attempt as failed, until ``succeeded`` or ``give_back`` says otherwise.

    Raises
    ------
    Denied : there were too many; nothing is looked at
    """
    now = utc_now()
    with site.control_transaction():
        row = LoginAttemptRow.known(login_hash=login_hash)
        if row is None:
            row = LoginAttemptRow.create(login_hash=login_hash, failures=0, last_at=rfc3339_us(now))
        elif row.last_at < rfc3339_us(now - _FORGOTTEN):
            row.failures = 0
        elif row.locked_until is not None and row.locked_until > rfc3339_us(now):
            raise _locked(row.locked_until, now)
        row.failures, row.last_at = row.failures + 1, rfc3339_us(now)
        row.locked_until = rfc3339_us(now + wait_after(row.failures)) if row.failures >= FREE else None
        row.save()
        if row.failures >= FREE:
            facts = {"login_hash": login_hash, "failures": row.failures, "until": row.locked_until}
            record(site, "login.locked", {}, facts)


def succeeded(site: Site, login_hash: str) -> None:
    """Forget what failed before: the right password was shown."""
    with site.control_transaction():
        LoginAttemptRow.delete().where(LoginAttemptRow.login_hash == login_hash).execute()


def give_back(site: Site, login_hash: str) -> None:
    """Count the attempt that is under way no more: nobody could look at the password."""
    with site.control_transaction():
        row = LoginAttemptRow.known(login_hash=login_hash)
        if row is not None:
            row.failures, row.locked_until = max(0, row.failures - 1), None
            row.save()


def unlock(site: Site, login_hash: str, by: Principal) -> bool:
    """Let a name be tried again at once; returns whether anything was counted."""
    with site.control_transaction():
        found = LoginAttemptRow.delete().where(LoginAttemptRow.login_hash == login_hash).execute()
        if found:
            record(site, "login.unlocked", {}, {"login_hash": login_hash}, by=by)
    return bool(found)


def forget_attempts_of(login_hash: str) -> None:
    """Remove the count of a name, in the current control transaction."""
    LoginAttemptRow.delete().where(LoginAttemptRow.login_hash == login_hash).execute()


def forget_attempts(site: Site) -> int:
    """Remove counts that would begin anew anyway; returns how many."""
    with site.control_transaction():
        limit = rfc3339_us(utc_now() - _FORGOTTEN)
        return int(LoginAttemptRow.delete().where(LoginAttemptRow.last_at < limit).execute())


def wait_after(failures: int) -> timedelta:
    """How long the next attempt has to wait after so many failures."""
    if failures < FREE:
        return timedelta()
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(failures - FREE, 20)))


def _locked(until: str, now: datetime) -> Denied:
    seconds = int((datetime.fromisoformat(until) - now).total_seconds()) + 1
    return Denied("login.locked", "Too many attempts failed with this name.", f"Try again in {seconds} s.")
