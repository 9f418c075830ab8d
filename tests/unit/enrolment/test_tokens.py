"""A proof becomes a token once; a key is replaced with overlap, and ends at once when it is revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.enrolment import keys, tokens
from appliance.enrolment.keys import list_keys, replace_key, revoke_keys, verifiers_of
from appliance.enrolment.proofs import MAY_DIFFER
from appliance.enrolment.renewing import Renewal, renew
from appliance.enrolment.tokens import MOST_TOKENS, Proof, authenticate_device, exchange
from appliance.errors import Conflict, D2RError, Denied, NotFound
from appliance.plant.devices import find_device, revoke_device
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.device import HOST, Gadget, b64


def token_of(site: Site, gadget: Gadget, **other: str) -> str:
    return exchange(site, Proof(**gadget.proof(**other)), HOST)[0]


def refused(site: Site, gadget: Gadget, **other: str) -> str:
    with pytest.raises(D2RError) as caught:
        token_of(site, gadget, **other)
    return caught.value.code


def test_a_proof_becomes_a_token_of_the_device_in_its_workspace(
    site: Site, other_process: Site, scope: WorkspaceScope, gadget: Gadget
) -> None:
    principal = authenticate_device(other_process, token_of(site, gadget))
    assert (principal.id, principal.kind, principal.role) == (gadget.device, "device", "device")
    assert (principal.label, principal.workspace_id) == ("scanner-8", scope.workspace_id)


def test_a_proof_that_is_shown_again_is_refused_by_every_process(
    site: Site, other_process: Site, gadget: Gadget
) -> None:
    proof = Proof(**gadget.proof())
    exchange(site, proof, HOST)
    for one in (site, other_process):
        with pytest.raises(Denied, match="shown before"):
            exchange(one, proof, HOST)


def test_a_proof_is_remembered_longer_than_it_counts() -> None:
    assert tokens.LIFETIME > 2 * MAY_DIFFER


@pytest.mark.parametrize("ahead_s", [-125.0, 125.0])
def test_a_proof_of_another_time_is_refused_with_the_appliances(site: Site, gadget: Gadget, ahead_s: float) -> None:
    gadget.ahead_s = ahead_s
    assert refused(site, gadget) == "proof.clock"


def test_a_proof_for_another_host_is_refused(site: Site, gadget: Gadget) -> None:
    assert refused(site, gadget, host="evil.example") == "proof.host"


def test_another_key_proves_nothing(site: Site, gadget: Gadget) -> None:
    assert refused(site, gadget, key="dky_nothing") == "proof.refused"
    assert refused(site, gadget, workspace="nothing") == "proof.refused"
    gadget.key = Ed25519PrivateKey.generate()
    assert refused(site, gadget) == "proof.refused"


@pytest.mark.parametrize("token", ["d2rd_", "d2rd_" + "0" * 26 + "_" + "a" * 52, "d2rd_x_y", ""])
def test_what_is_no_token_opens_nothing(site: Site, token: str) -> None:
    with pytest.raises(Denied):
        authenticate_device(site, token)


def test_a_token_counts_ten_minutes(site: Site, gadget: Gadget, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(site, gadget)
    later = tokens.utc_now() + tokens.LIFETIME
    monkeypatch.setattr(tokens, "utc_now", lambda: later)
    with pytest.raises(Denied):
        authenticate_device(site, token)


def test_a_key_has_no_more_tokens_than_it_may(site: Site, gadget: Gadget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    assert MOST_TOKENS > 2
    token_of(site, gadget), token_of(site, gadget)
    assert refused(site, gadget) == "rate.exceeded"


def test_a_revoked_key_opens_nothing_in_any_process_from_the_commit_on(
    site: Site, other_process: Site, scope: WorkspaceScope, gadget: Gadget
) -> None:
    token = token_of(site, gadget)
    assert authenticate_device(other_process, token)
    with scope.transaction():
        assert revoke_keys(scope, find_device(scope, gadget.device), "lost") == [gadget.key_id]
    with pytest.raises(Denied):
        authenticate_device(other_process, token)
    assert refused(other_process, gadget) == "device_key.ended"


def test_a_revoked_device_opens_nothing_in_any_process_from_the_commit_on(
    site: Site, other_process: Site, scope: WorkspaceScope, gadget: Gadget
) -> None:
    token = token_of(site, gadget)
    assert authenticate_device(other_process, token)
    revoke_device(scope, gadget.device)
    with pytest.raises(Denied):
        authenticate_device(other_process, token)
    assert refused(other_process, gadget) == "device_key.ended"


def test_a_device_replaces_its_key_and_both_count_for_a_day(
    site: Site, scope: WorkspaceScope, gadget: Gadget, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting = site.scope(authenticate_device(site, token_of(site, gadget)), "main")
    new = Ed25519PrivateKey.generate()
    key, until = renew(acting, Renewal(**gadget.renewal(new)), HOST)
    later = Gadget(key=new, device=gadget.device, key_id=key.id)
    assert authenticate_device(site, token_of(site, gadget)).id == authenticate_device(site, token_of(site, later)).id
    device = find_device(scope, gadget.device)
    assert len(verifiers_of(scope, device)) == 2
    assert str(device.vkey).endswith(b64(b"\1" + new.public_key().public_bytes_raw()))
    monkeypatch.setattr(keys, "utc_now", lambda: tokens.utc_now() + keys.OVERLAP)
    assert until <= keys.rfc3339_us(keys.utc_now())
    assert len(verifiers_of(scope, device)) == 1
    assert refused(site, gadget) == "device_key.ended"


def test_a_replacement_that_is_asked_for_again_changes_nothing(
    site: Site, scope: WorkspaceScope, gadget: Gadget
) -> None:
    """As after a crash between the appliance's commit and the device's note of it."""
    acting, new = site.scope(authenticate_device(site, token_of(site, gadget)), "main"), Ed25519PrivateKey.generate()
    first = renew(acting, Renewal(**gadget.renewal(new)), HOST)
    again = renew(acting, Renewal(**gadget.renewal(new)), HOST)
    assert (first[0].id, first[1]) == (again[0].id, again[1])
    assert len(list_keys(scope, gadget.device)) == 2
    with pytest.raises(Conflict, match="replaced already"):
        renew(acting, Renewal(**gadget.renewal(Ed25519PrivateKey.generate())), HOST)


def test_a_key_is_replaced_only_by_itself(site: Site, scope: WorkspaceScope, gadget: Gadget) -> None:
    acting = site.scope(authenticate_device(site, token_of(site, gadget)), "main")
    new = Ed25519PrivateKey.generate()
    said = gadget.renewal(new)
    for changed in ({"signature": said["new_signature"]}, {"new_signature": said["signature"]}, {"host": "x"}):
        with pytest.raises(Denied):
            renew(acting, Renewal(**(said | changed)), HOST)
    with pytest.raises(NotFound):
        renew(acting, Renewal(**gadget.renewal(new, device_key="dky_nothing")), HOST)
    with pytest.raises(Conflict, match="seen before"):
        renew(acting, Renewal(**gadget.renewal(gadget.key)), HOST)
    assert len(list_keys(scope, gadget.device)) == 1


def test_a_replaced_key_ends_by_its_time_though_its_token_is_younger(
    site: Site, scope: WorkspaceScope, gadget: Gadget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "OVERLAP", timedelta(minutes=1))
    token, (old,) = token_of(site, gadget), list_keys(scope, gadget.device)
    replace_key(scope, old, Gadget().public_key)
    later = tokens.utc_now() + timedelta(minutes=2)
    monkeypatch.setattr(tokens, "utc_now", lambda: later)
    with pytest.raises(Denied):
        authenticate_device(site, token)
