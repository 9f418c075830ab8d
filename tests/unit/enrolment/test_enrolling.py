"""A device comes in with a code and a key, once; whoever lacks either stays out, and the appliance says why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.config.settings import Settings
from appliance.enrolment import codes, enrolling
from appliance.enrolment.codes import MOST_FAILURES, list_codes, make_code, withdraw_code
from appliance.enrolment.enrolling import Application, enrol, enrolled_text
from appliance.enrolment.models import DeviceCode, DeviceKey
from appliance.errors import Conflict, D2RError, Denied, InvalidInput, NotFound
from appliance.plant.devices import enrol_device, find_device, list_devices, revoke_device
from appliance.tenancy.records import Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.device import HOST, Gadget, key_of_code, mac, text_of


def kinds(scope: WorkspaceScope) -> list[str]:
    log = DatabaseLog.of(scope)
    with scope:
        return [json.loads(log.entry(index))["kind"] for index in range(log.size)]


def code_for(scope: WorkspaceScope, **how: Any) -> str:
    return make_code(scope, **how)[1]


def come_in(site: Site, gadget: Gadget, code: str, **other: str) -> enrolling.Enrolled:
    enrolled, _ = enrol(site, Application(**gadget.application(code, **other)), HOST)
    gadget.take(vars(enrolled))
    return enrolled


def refused(site: Site, gadget: Gadget, code: str, **other: str) -> str:
    with pytest.raises(D2RError) as caught:
        come_in(site, gadget, code, **other)
    return caught.value.code


def test_a_device_that_knows_the_code_comes_in_with_its_own_key(site: Site, scope: WorkspaceScope) -> None:
    gadget = Gadget()
    enrolled = come_in(site, gadget, code_for(scope))
    device = find_device(scope, "scanner-8")
    assert (device.id, enrolled.public_key) == (enrolled.device, gadget.public_key)
    assert str(device.vkey).startswith(f"{device.id}+")
    assert kinds(scope)[-2:] == ["device_code.made", "device.enrolled"]
    assert list_codes(scope) == []


def test_the_answer_is_confirmed_with_the_code_over_every_field(site: Site, scope: WorkspaceScope) -> None:
    gadget, code = Gadget(), code_for(scope)
    enrolled, confirmation = enrol(site, Application(**gadget.application(code)), HOST)
    assert enrolled.appliance == str(site.keys.signer().verifier)
    assert confirmation == mac(key_of_code(code, "main"), text_of("enrolled", vars(enrolled)))
    for name in vars(enrolled):
        assert enrolled_text(vars(enrolled) | {name: "other"}) != enrolled.text


@pytest.mark.parametrize("name", ["name", "host", "time", "public_key", "certificate"])
def test_what_was_changed_on_the_way_is_refused(site: Site, scope: WorkspaceScope, name: str) -> None:
    gadget = Gadget()
    said = gadget.application(code_for(scope))
    said[name] = Gadget().public_key if name == "public_key" else "2026-01-01T00:00:00Z" if name == "time" else "other"
    with pytest.raises(Denied, match="fits this proof"):
        enrol(site, Application(**said), HOST)
    assert list_devices(scope) == []


def test_a_key_that_the_device_does_not_hold_is_refused(site: Site, scope: WorkspaceScope) -> None:
    code, thief = code_for(scope), Gadget()
    said = thief.application(code, public_key=Gadget().public_key)
    with pytest.raises(Denied, match="not signed with the device's key"):
        enrol(site, Application(**said), HOST)


def test_five_wrong_guesses_close_a_code_for_good(site: Site, scope: WorkspaceScope) -> None:
    code = code_for(scope)
    guess = Application(**(Gadget().application(code) | {"confirmation": mac(b"x", b"y")}))
    for _ in range(MOST_FAILURES):
        with pytest.raises(Denied, match="fits this proof"):
            enrol(site, guess, HOST)
    assert refused(site, Gadget(), code) == "code.refused"
    assert kinds(scope)[-1] == "device_code.guessed"


def test_guesses_are_counted_in_the_rows_by_all_processes(site: Site, scope: WorkspaceScope) -> None:
    code = code_for(scope)
    guess = Application(**(Gadget().application(code) | {"confirmation": mac(b"x", b"y")}))
    for _ in range(MOST_FAILURES):
        with Site.open(site.settings) as other, pytest.raises(Denied):
            enrol(other, guess, HOST)
    assert refused(site, Gadget(), code) == "code.refused"


@pytest.mark.parametrize("workspace", ["main", "nothing"])
def test_an_unknown_code_and_an_unknown_workspace_say_the_same_as_a_wrong_proof(site: Site, workspace: str) -> None:
    assert refused(site, Gadget(workspace=workspace), "0000-0000-0000") == "code.refused"


def test_a_code_of_one_workspace_opens_no_other(site: Site, scope: WorkspaceScope) -> None:
    site.create_workspace("other", "Other", Principal("system", "system", "appliance", "system"))
    assert refused(site, Gadget(workspace="other"), code_for(scope)) == "code.refused"


def test_a_code_counts_no_longer_than_it_says(
    site: Site, scope: WorkspaceScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_for(scope, minutes=1)
    later = enrolling.utc_now() + timedelta(minutes=1, seconds=1)
    monkeypatch.setattr(enrolling, "utc_now", lambda: later)
    assert refused(site, Gadget(ahead_s=61), code) == "code.refused"


def test_a_withdrawn_code_opens_nothing(site: Site, scope: WorkspaceScope) -> None:
    row, code = make_code(scope)
    withdraw_code(scope, row.id)
    assert refused(site, Gadget(), code) == "code.refused"
    with pytest.raises(Conflict):
        withdraw_code(scope, row.id)
    with pytest.raises(NotFound):
        withdraw_code(scope, "cod_nothing")


def test_the_same_application_again_gets_the_same_answer(site: Site, scope: WorkspaceScope) -> None:
    """As after a crash between the appliance's commit and the device's note of it."""
    gadget, code = Gadget(), code_for(scope)
    first = come_in(site, gadget, code)
    assert come_in(site, gadget, code) == first
    with scope:
        assert DeviceKey.select().count() == 1


def test_a_stolen_code_that_was_used_lets_nobody_else_in_and_is_told(site: Site, scope: WorkspaceScope) -> None:
    code = code_for(scope)
    come_in(site, Gadget(), code)
    assert refused(site, Gadget(name="thief"), code) == "code.used"
    assert kinds(scope)[-1] == "device_code.used_again"
    assert [device.name for device in list_devices(scope)] == ["scanner-8"]


def test_a_second_device_with_the_same_key_is_refused(site: Site, scope: WorkspaceScope) -> None:
    first = Gadget()
    come_in(site, first, code_for(scope))
    code = code_for(scope)
    assert refused(site, Gadget(name="twin", key=first.key), code) == "device_key.known"
    assert [device.name for device in list_devices(scope)] == ["scanner-8"]
    assert come_in(site, Gadget(name="twin"), code).name == "twin"


@pytest.mark.parametrize(("ahead_s", "said"), [(3600, "s ahead of"), (-3600, "s behind")])
def test_a_skewed_clock_is_told_the_appliances_time(
    site: Site, scope: WorkspaceScope, ahead_s: float, said: str
) -> None:
    code = code_for(scope)
    with pytest.raises(Denied, match=rf"3[56]\d\d {said} the appliance's, where it is 20\d\d-.*Z\.") as caught:
        come_in(site, Gadget(ahead_s=ahead_s), code)
    assert caught.value.code == "proof.clock"
    come_in(site, Gadget(), code)


def test_a_proof_for_another_host_is_refused(site: Site, scope: WorkspaceScope) -> None:
    assert refused(site, Gadget(host="evil.example"), code_for(scope)) == "proof.host"


def test_where_the_address_is_set_it_counts_and_not_what_was_asked(site: Site, scope: WorkspaceScope) -> None:
    object.__setattr__(site, "settings", replace(site.settings, public_url="https://d2r.plant.example"))
    code = code_for(scope)
    assert refused(site, Gadget(), code) == "proof.host"
    come_in(site, Gadget(host="D2R.plant.example"), code)


def test_a_certificate_that_is_not_ours_gives_the_man_in_the_middle_away(site: Site, scope: WorkspaceScope) -> None:
    settings: Settings = replace(site.settings, tls_certificates=f"{'a' * 64},{'b' * 64}")
    object.__setattr__(site, "settings", settings)
    code = code_for(scope)
    assert refused(site, Gadget(), code, certificate="c" * 64) == "proof.certificate"
    assert come_in(site, Gadget(), code, certificate="b" * 64).certificates == settings.tls_certificates


def test_a_code_for_a_name_takes_no_other(site: Site, scope: WorkspaceScope) -> None:
    code = code_for(scope, device="scanner-9")
    assert refused(site, Gadget(), code) == "device.name"
    assert come_in(site, Gadget(name="scanner-9"), code).name == "scanner-9"


def test_a_known_device_gets_another_key_with_a_reason_and_loses_the_old_one(site: Site, scope: WorkspaceScope) -> None:
    old, new = Gadget(), Gadget()
    come_in(site, old, code_for(scope))
    with pytest.raises(Conflict, match="already"):
        make_code(scope, device="scanner-8")
    come_in(site, new, code_for(scope, device="scanner-8", reason="Disk replaced"))
    assert new.device == old.device
    with scope:
        keys = {key.public_key: key.revoked_at for key in DeviceKey.select()}
    assert [bool(keys[gadget.public_key]) for gadget in (old, new)] == [True, False]
    assert kinds(scope)[-1] == "device.re_enrolled"


def test_a_device_with_a_registered_key_moves_to_one_of_its_own(site: Site, scope: WorkspaceScope) -> None:
    known = enrol_device(scope, "scanner-8")
    assert come_in(site, Gadget(), code_for(scope, device="scanner-8", reason="Own key")).device == known.id


def test_only_owners_let_a_known_device_in_anew(site: Site, scope: WorkspaceScope) -> None:
    enrol_device(scope, "scanner-8")
    operator = site.scope(Principal("key_op", "key", "op", "operator", scope.workspace_id), "main")
    make_code(operator, device="scanner-9")
    with pytest.raises(Denied, match="Only owners"):
        make_code(operator, device="scanner-8", reason="Disk replaced")


def test_a_revoked_device_does_not_come_back_under_its_name(site: Site, scope: WorkspaceScope) -> None:
    enrol_device(scope, "scanner-8")
    code = code_for(scope, device="scanner-8", reason="Disk replaced")
    revoke_device(scope, "scanner-8")
    with pytest.raises(Conflict, match="revoked since"):
        make_code(scope, device="scanner-8", reason="Disk replaced")
    assert refused(site, Gadget(), code) == "device.revoked"


def test_a_reason_needs_a_device_and_a_time_has_limits(scope: WorkspaceScope) -> None:
    with pytest.raises(NotFound):
        make_code(scope, device="nobody", reason="Disk replaced")
    with pytest.raises(InvalidInput):
        make_code(scope, minutes=61)


def test_the_rows_hold_neither_code_nor_what_it_opens(scope: WorkspaceScope) -> None:
    code = code_for(scope)
    with scope:
        row = DeviceCode.select().get()
    kept = "".join(str(value) for value in row.__data__.values()).encode() + bytes(row.sealed_key)
    assert code.replace("-", "")[4:].encode() not in kept
    assert key_of_code(code, "main") not in kept


def test_codes_whose_time_is_over_are_forgotten(scope: WorkspaceScope, monkeypatch: pytest.MonkeyPatch) -> None:
    make_code(scope, minutes=1)
    later = codes.utc_now() + timedelta(minutes=2)
    monkeypatch.setattr(codes, "utc_now", lambda: later)
    assert list_codes(scope) == []
    make_code(scope)
    with scope:
        assert DeviceCode.select().count() == 1
