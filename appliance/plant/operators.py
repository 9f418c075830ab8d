"""Operators: a badge leads to a person, and nothing in the clear leads back.

The badge is kept as a keyed hash (HMAC-SHA256 under a key of the workspace), the person as an id of
``audit.persons``, whose profile is sealed under a key of its own.  Erasing the person cuts the badge off: the next scan
with the same badge begins a new person.
"""

from __future__ import annotations

import hmac
from typing import Final

from appliance.audit.persons import create_person, find_person
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.aead import derive
from appliance.plant.models import Operator
from appliance.plant.repository import checked_name
from appliance.tenancy.scope import WorkspaceScope

_BADGE_PURPOSE: Final = b"d2r/operator-badge/1"


def person_of_badge(scope: WorkspaceScope, badge: str, name: str = "") -> str:
    """The id of the person with this badge; one that nobody knows begins a person, called ``name``.

    Raises
    ------
    InvalidInput : the badge or the name is not printable, or too long
    """
    code = checked_name(badge, "badge")
    profile = {"badge": code} | ({"name": checked_name(name, "operator")} if name else {})
    mac = badge_mac(scope, code)
    with scope.transaction():
        row = Operator.get_or_none(Operator.badge_mac == mac)
        if row is not None and _is_known(scope, row.person_id):
            return str(row.person_id)
        person_id = create_person(scope, profile)
        if row is None:
            Operator.create(id=new_id("opr"), badge_mac=mac, person_id=person_id, created_at=rfc3339_us(utc_now()))
        else:
            Operator.update(person_id=person_id).where(Operator.id == row.id).execute()
    return person_id


def badge_mac(scope: WorkspaceScope, badge: str) -> str:
    """What stands in the place of a badge: its hash under a key of the workspace."""
    return hmac.digest(derive(scope.data_key, b"", _BADGE_PURPOSE), badge.encode(), "sha256").hex()


def _is_known(scope: WorkspaceScope, person_id: str) -> bool:
    person = find_person(scope, person_id)
    return person is not None and person.erased_at is None
