"""Erasing somebody who signed in: in every log that holds commitments about them, and in the rows that name them.

First whatever forbids it is looked for, in all places; then each workspace is erased, and the control plane last, with
the rows of the person: name, login, the directory's own name of them, where they were signed in from, their password,
second factor, links and tokens.  What is left is an id that nobody can sign in under, so that what they decided still
has an author, and the entries that say that they were erased.

Each place is one transaction.  Whoever is cut goes on by doing it once more: what was erased is passed over.  A person
who is in the directory still, and signs in again, is another one from then on.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.audit.book import Where
from appliance.audit.erasure import erase
from appliance.audit.persons import find_person
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import Conflict, NotFound
from appliance.identity.local.models import (
    InvitationRow,
    LocalPasswordRow,
    PendingLoginRow,
    RecoveryCodeRow,
    SecondFactorRow,
)
from appliance.identity.login import login_hash
from appliance.identity.models import MembershipRow, SessionRow, UserRow
from appliance.identity.oidc import lasting
from appliance.identity.throttle import forget_attempts_of
from appliance.identity.tokens.grants import revoke_grants_of
from appliance.identity.tokens.models import PersonalTokenRow
from appliance.identity.tokens.personal import revoke_all_of
from appliance.identity.users import ERASED, person_of
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

_WITH_ROWS: Final = (MembershipRow, LocalPasswordRow, SecondFactorRow, RecoveryCodeRow, PendingLoginRow)


def erase_user(site: Site, user_id: str, *, legal_basis: str, approver: Principal) -> int:
    """Forget a person who signed in; returns the index of the entry in the control log that says so.

    Raises
    ------
    NotFound : there is no such person
    Conflict : a legal hold forbids it somewhere, or the person is the approver, or was erased before
    InvalidInput : no legal basis is named
    """
    with site.control_session():
        row = UserRow.known(id=user_id)
    if row is None:
        raise NotFound("user.unknown", "There is no such person.")
    if row.source == ERASED:
        raise Conflict("person.erased", "This person was erased before.")
    if row.id == approver.id:
        raise Conflict("person.approver", "Nobody approves the erasure of themselves.")
    scopes = [site.sealed_scope(one.id) for one in site.all_workspaces() if one.destroyed_at is None]
    with site.control_transaction():
        person_of(site, row)  # so that the control log can say it of everybody
    places: list[Where] = [*scopes, site]
    for where in places:
        _require_free(where, user_id)
    for scope in scopes:
        person = find_person(scope, user_id)
        if person is not None and person.erased_at is None:
            erase(scope, user_id, legal_basis=legal_basis, approver=approver)
            point("user.erased_in_a_workspace")
    with site.control_transaction():
        _end_everything(site, row, approver)
        entry = erase(site, user_id, legal_basis=legal_basis, approver=approver)
        _forget_rows(site, row)
    site.control.scrub()
    return entry


def _require_free(where: Where, user_id: str) -> None:
    person = find_person(where, user_id)
    if person is not None and person.held_at is not None:
        reason = f"A legal hold since {person.held_at} forbids the erasure: {person.hold_reason}."
        raise Conflict("person.held", reason, "Release the hold first.")


def _end_everything(site: Site, row: Any, by: Principal) -> None:
    """Tokens and grants end by name, as long as there is one."""
    revoke_all_of(site, row.id, by)
    revoke_grants_of(site, row.id, by)


def _forget_rows(site: Site, row: Any) -> None:
    now = rfc3339_us(utc_now())
    forget_attempts_of(login_hash(site, row.login))
    lasting.forget(row.id)
    for model in _WITH_ROWS:
        model.delete().where(model.user_id == row.id).execute()
    InvitationRow.delete().where((InvitationRow.user_id == row.id) | (InvitationRow.login == row.login)).execute()
    PersonalTokenRow.update(label="").where(PersonalTokenRow.user_id == row.id).execute()
    SessionRow.update(peer="", agent="", foreign_session=None).where(SessionRow.principal_id == row.id).execute()
    is_open = SessionRow.ended_at.is_null()
    SessionRow.update(ended_at=now, ended_by="system").where(SessionRow.principal_id == row.id, is_open).execute()
    nobody = {"source": ERASED, "subject": row.id, "login": "", "name": "", "appliance_role": None}
    UserRow.update(**nobody, disabled_at=row.disabled_at or now).where(UserRow.id == row.id).execute()
