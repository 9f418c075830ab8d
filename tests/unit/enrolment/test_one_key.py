"""One of a device's keys is revoked alone: it and its tokens end in every process, the others go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.core.clock import parse_rfc3339
from appliance.enrolment import keys
from appliance.enrolment.keys import find_key, list_keys, refuse_ended, revoke_key, verifiers_of
from appliance.enrolment.renewing import Renewal, renew
from appliance.enrolment.tokens import authenticate_device
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.plant.devices import find_device, revoke_device
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.device import HOST, Gadget
from tests.unit.enrolment.test_tokens import refused, token_of


def renewed(site: Site, gadget: Gadget) -> Gadget:
    """The device with the key that replaced its first one."""
    acting, new = site.scope(authenticate_device(site, token_of(site, gadget)), "main"), Ed25519PrivateKey.generate()
    key, _ = renew(acting, Renewal(**gadget.renewal(new)), HOST)
    return Gadget(key=new, device=gadget.device, key_id=key.id)


@pytest.fixture
def later(site: Site, gadget: Gadget) -> Gadget:
    return renewed(site, gadget)


def test_a_key_and_its_tokens_end_in_every_process_and_the_other_key_goes_on(
    site: Site, other_process: Site, scope: WorkspaceScope, gadget: Gadget, later: Gadget
) -> None:
    old, new = token_of(site, gadget), token_of(site, later)
    assert authenticate_device(other_process, old)
    revoke_key(scope, gadget.device, gadget.key_id, "Copied by mistake")
    for process in (site, other_process):
        with pytest.raises(Denied):
            authenticate_device(process, old)
        assert authenticate_device(process, new).via == later.key_id
    assert refused(other_process, gadget) == "device_key.ended"
    assert token_of(other_process, later)
    assert len(verifiers_of(scope, find_device(scope, gadget.device))) == 1


def test_it_stands_in_the_log_with_its_reason(scope: WorkspaceScope, gadget: Gadget, later: Gadget) -> None:
    revoke_key(scope, gadget.device, gadget.key_id, " Copied by mistake ")
    log = DatabaseLog.of(scope)
    entry = read_entry(log.entry(log.size - 1))
    said = {"key": gadget.key_id, "reason": "Copied by mistake", "left": [later.key_id]}
    assert entry.kind == "device_key.revoked"
    assert said.items() <= entry.facts.items()
    row = find_key(scope, gadget.device, gadget.key_id)
    assert (row.reason, row.revoked_by, row.stolen_since) == ("Copied by mistake", scope.principal.id, None)


def test_the_last_key_that_counts_ends_with_the_device_alone(
    site: Site, scope: WorkspaceScope, gadget: Gadget, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Conflict, match="no other key") as caught:
        revoke_key(scope, gadget.device, gadget.key_id, "x")
    assert (caught.value.code, "Revoke the device" in caught.value.hint) == ("device_key.last", True)
    later = renewed(site, gadget)
    tomorrow = keys.utc_now() + keys.OVERLAP
    monkeypatch.setattr(keys, "utc_now", lambda: tomorrow)
    with pytest.raises(Conflict, match="no other key"):
        revoke_key(scope, gadget.device, later.key_id, "the old one has come to its end")
    assert find_key(scope, gadget.device, later.key_id).revoked_at is None


def test_what_counts_no_more_or_is_not_there_is_not_revoked(
    scope: WorkspaceScope, gadget: Gadget, later: Gadget
) -> None:
    with pytest.raises(InvalidInput):
        revoke_key(scope, gadget.device, gadget.key_id, "  ")
    with pytest.raises(NotFound):
        revoke_key(scope, gadget.device, "dky_nothing", "x")
    revoke_key(scope, gadget.device, gadget.key_id, "x")
    with pytest.raises(Conflict, match="does not count"):
        revoke_key(scope, gadget.device, gadget.key_id, "x")
    revoke_device(scope, gadget.device)
    with pytest.raises(Conflict, match="does not count"):
        revoke_key(scope, gadget.device, later.key_id, "x")


def test_without_its_current_key_a_device_signs_with_the_one_before_and_may_replace_that_again(
    site: Site, scope: WorkspaceScope, gadget: Gadget, later: Gadget, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = find_key(scope, gadget.device, gadget.key_id).expires_at
    assert [(key.id, key.is_current) for key in list_keys(scope, gadget.device)] == [
        (later.key_id, True), (gadget.key_id, False),
    ]  # fmt: skip
    revoke_key(scope, gadget.device, later.key_id, "The new disk was copied")
    assert [key.is_current for key in list_keys(scope, gadget.device)] == [False, True]
    device = find_device(scope, gadget.device)
    assert [str(device.vkey)] == [str(one) for one in verifiers_of(scope, device)]
    an_hour_later = keys.utc_now() + timedelta(hours=1)
    monkeypatch.setattr(keys, "utc_now", lambda: an_hour_later)
    third = renewed(site, gadget)
    assert list_keys(scope, gadget.device)[0].id == third.key_id
    assert find_key(scope, gadget.device, gadget.key_id).expires_at == ends, "no longer than it was to count"


def test_a_renewal_is_not_answered_with_a_key_that_was_revoked(
    site: Site, scope: WorkspaceScope, gadget: Gadget, later: Gadget
) -> None:
    revoke_key(scope, gadget.device, later.key_id, "x")
    acting = site.scope(authenticate_device(site, token_of(site, gadget)), "main")
    with pytest.raises(Conflict, match="seen before"):
        renew(acting, Renewal(**gadget.renewal(later.key)), HOST)


def test_what_is_being_sent_stops_where_its_own_key_was_revoked(
    site: Site, scope: WorkspaceScope, gadget: Gadget, later: Gadget
) -> None:
    by_old, by_new = (site.scope(authenticate_device(site, token_of(site, one)), "main") for one in (gadget, later))
    revoke_key(scope, gadget.device, gadget.key_id, "x")
    refuse_ended(by_new)
    with pytest.raises(Denied, match="while it was sending"):
        refuse_ended(by_old)


def test_a_key_says_when_it_was_last_used(site: Site, scope: WorkspaceScope, gadget: Gadget) -> None:
    assert find_key(scope, gadget.device, gadget.key_id).last_used_at is None
    before = keys.utc_now()
    token_of(site, gadget)
    assert before <= parse_rfc3339(find_key(scope, gadget.device, gadget.key_id).last_used_at) <= keys.utc_now()
