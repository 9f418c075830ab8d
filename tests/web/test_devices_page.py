"""The pages of devices: let in by a code that is shown once, revoked, reported as stolen; keys are revoked alone."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from appliance.plant.devices import enrol_device
from tests.web.conftest import Cast
from tests.web.test_console import signed_in
from tests.web.test_enrolment import came_in

PAGE = "/console/main/devices"
CODES = "/console/main/device-codes"


@pytest.fixture
def browser(cast: Cast) -> tuple[FlaskClient, str]:
    return signed_in(cast, cast.owner)


def test_a_code_is_shown_once_and_withdrawn(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    page = client.post(CODES, data={"token": token, "device": "cell-7", "minutes": "15"}).text
    found = re.search(r'<code id="made">([0-9A-Z-]{9,})</code>', page)
    assert found
    again = client.get(PAGE).text
    assert found[1] not in again
    [code] = cast.owner.get("device-codes")["items"]
    assert (code["device_name"], code["id"] in again) == ("cell-7", True)
    assert client.post(f"{CODES}/{code['id']}/withdraw", data={"token": token}).status_code == 303
    assert cast.owner.get("device-codes")["items"] == []


def test_operators_let_devices_in_and_revoke_none(cast: Cast) -> None:
    enrol_device(cast.scope, "cell-1")
    client, token = signed_in(cast, cast.operator)
    page = client.get(PAGE).text
    assert "Let a device in" in page
    assert "Revoke" not in page
    assert client.post(CODES, data={"token": token, "minutes": "5"}).status_code == 200
    assert client.post(f"{PAGE}/cell-1/revoke", data={"token": token}).status_code == 403


def test_who_only_reads_sees_devices_and_no_codes(cast: Cast) -> None:
    client, token = signed_in(cast, cast.auditor)
    page = client.get(PAGE).text
    assert "Let a device in" not in page
    assert client.post(CODES, data={"token": token, "minutes": "5"}).status_code == 403


def test_a_device_is_revoked_and_says_so(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    device = enrol_device(cast.scope, "cell-2")
    assert client.post(f"{PAGE}/{device.id}/revoke", data={"token": token}).status_code == 303
    assert cast.owner.get("devices/cell-2")["revoked_at"]
    assert re.search(r'cell-2</a> <span class="chip">revoked', client.get(PAGE).text)
    assert f"{device.id}/revoke" not in client.get(PAGE).text
    assert client.post(f"{PAGE}/{device.id}/sell", data={"token": token}).status_code == 404


def test_a_theft_is_reported_with_moment_and_reason(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    device = enrol_device(cast.scope, "cell-3")
    theft = {"token": token, "since": "2026-03-01T12:30", "reason": "Lost"}
    for wrong in ({"since": "yesterday"}, {"since": "2999-01-01T00:00"}, {"reason": " "}):
        answer = client.post(f"{PAGE}/{device.id}/theft", data={**theft, **wrong})
        assert answer.status_code == 422, wrong
    assert cast.owner.get("devices/cell-3")["revoked_at"] is None
    assert client.post(f"{PAGE}/{device.id}/theft", data=theft).status_code == 303
    assert cast.owner.get("devices/cell-3")["revoked_at"]
    entries = [str(one) for one in cast.owner.get("audit/entries?limit=200")["items"]]
    [stolen] = [one for one in entries if "device.stolen" in one]
    assert "2026-03-01T12:30:00.000000Z" in stolen


def test_a_device_shows_its_keys_and_an_owner_revokes_one_of_them(cast: Cast, browser: tuple[FlaskClient, str]) -> None:
    client, token = browser
    gadget, calls = came_in(cast, "cell-9")
    page = f"{PAGE}/{gadget.device}"
    assert f"{page}/keys/" not in client.get(page).text, "the last key is not revoked alone"
    new = Ed25519PrivateKey.generate()
    said = gadget.renewal(new)
    del said["workspace"]
    later = calls.made("device-key", said)["key"]
    shown = client.get(page).text
    assert shown.index(later[-8:]) < shown.index(gadget.key_id[-8:]), "the latest first"
    assert re.findall(r"Current|Counts", shown) == ["Current", "Counts"]
    assert page in client.get(PAGE).text
    form = f"{page}/keys/{gadget.key_id}/revoke"
    assert form in shown
    assert client.post(form, data={"token": token, "reason": " "}).status_code == 422
    assert calls("POST", "scans/lookup", {"sha256": ["0" * 64]}).status_code == 200
    assert client.post(form, data={"token": token, "reason": "Copied"}).headers["Location"] == page
    assert calls("POST", "scans/lookup", {"sha256": ["0" * 64]}).status_code == 401
    after = client.get(page).text
    assert re.search(r"Revoked</span> <span class=\"quiet\">[^<]* UTC: Copied", after)
    assert f"{page}/keys/" not in after
    assert client.post(f"{page}/keys/{later}/revoke", data={"token": token, "reason": "x"}).status_code == 409


def test_who_is_no_owner_sees_keys_and_revokes_none(cast: Cast) -> None:
    gadget, calls = came_in(cast, "cell-10")
    said = gadget.renewal(Ed25519PrivateKey.generate())
    del said["workspace"]
    calls.made("device-key", said)
    client, token = signed_in(cast, cast.supervisor)
    page = f"{PAGE}/{gadget.device}"
    assert gadget.public_key in client.get(page).text
    assert "Revoke" not in client.get(page).text
    refused = client.post(f"{page}/keys/{gadget.key_id}/revoke", data={"token": token, "reason": "x"})
    assert refused.status_code == 403
    assert client.get(f"{PAGE}/nothing").status_code == 404
