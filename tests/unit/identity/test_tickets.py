"""Tickets for live events: one connection, one workspace, for seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.identity import tickets
from appliance.identity.api_keys import create_api_key, principal_of_key, revoke_api_key
from appliance.identity.groups import give_role
from appliance.identity.models import LiveTicket
from appliance.identity.records import Vouched
from appliance.identity.tickets import LIFETIME_S, create_ticket, redeem_ticket
from appliance.identity.tokens.access import authenticate as bearer_of
from appliance.identity.tokens.personal import create_personal_token, revoke_personal_token
from appliance.identity.users import admit
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site


@pytest.fixture
def viewer(site: Site) -> Any:
    row, _ = create_api_key(site, "main", "operator", "viewer", SYSTEM)
    return principal_of_key(site, row.id)


@pytest.fixture
def own(site: Site, viewer: Any) -> WorkspaceScope:
    return site.scope(viewer, "main")


def test_a_ticket_names_its_holder_once(site: Site, own: WorkspaceScope, viewer: Any) -> None:
    ticket = create_ticket(own)
    assert redeem_ticket(site, own.workspace_id, ticket) == viewer
    with pytest.raises(Denied):
        redeem_ticket(site, own.workspace_id, ticket)


def test_a_ticket_is_kept_by_hash_alone(own: WorkspaceScope) -> None:
    ticket = create_ticket(own)
    with own:
        assert ticket not in str(list(LiveTicket.select().dicts()))


def test_a_ticket_expires_and_is_swept(site: Site, own: WorkspaceScope, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = create_ticket(own)
    later = utc_now() + timedelta(seconds=LIFETIME_S + 1)
    monkeypatch.setattr(tickets, "utc_now", lambda: later)
    with pytest.raises(Denied):
        redeem_ticket(site, own.workspace_id, ticket)
    create_ticket(own)
    with own:
        assert LiveTicket.select().count() == 1


def test_a_ticket_opens_its_own_workspace_only(site: Site, own: WorkspaceScope) -> None:
    other = site.create_workspace("other", "Other", SYSTEM)
    with pytest.raises(Denied):
        redeem_ticket(site, other.id, create_ticket(own))


def test_a_ticket_of_a_revoked_key_opens_nothing(site: Site, own: WorkspaceScope, viewer: Any) -> None:
    ticket = create_ticket(own)
    revoke_api_key(site, viewer.id, SYSTEM)
    with pytest.raises(Denied):
        redeem_ticket(site, own.workspace_id, ticket)


def test_a_ticket_ends_with_the_token_by_which_it_was_asked_for(site: Site) -> None:
    give_role(site, "ldap", "cn=crew", "main", "operator", SYSTEM)
    ann = admit(site, Vouched("ldap", "s-1", "ann", "Ann", ("cn=crew",)))
    until = utc_now() + timedelta(days=1)
    row, token = create_personal_token(site, ann, "main", "x", ["events:read"], until)
    scope = site.scope(bearer_of(site, token), "main")
    good, late = create_ticket(scope), create_ticket(scope)
    found = redeem_ticket(site, scope.workspace_id, good)
    assert (found.id, found.scopes) == (ann.id, {"events:read"})
    revoke_personal_token(site, row.id, ann)
    with pytest.raises(Denied):
        redeem_ticket(site, scope.workspace_id, late)
