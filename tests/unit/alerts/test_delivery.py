"""Deliveries: signed, tried again, never to where the settings do not allow, and the same mail whatever names say."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.alerts.channels import EMAIL, WEBHOOK, add_channel, list_deliveries, remove_channel
from appliance.alerts.delivery import PAUSES_S, deliver
from appliance.alerts.engine import look_for_alerts
from appliance.alerts.mail import one_line
from appliance.alerts.models import DELIVERED, GIVEN_UP, WAITING, AlertChannel, AlertDelivery
from appliance.alerts.rules import set_rule
from appliance.alerts.service import acknowledge_alert, list_alerts
from appliance.alerts.webhook import signature
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict, InvalidInput
from appliance.plant.assets import create_asset
from appliance.tenancy.scope import WorkspaceScope
from tests.unit.alerts.receivers import Hook, Mailbox, mail_server, webhook

DAY = timedelta(days=1)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def allowed(scope: WorkspaceScope, hook: Hook) -> WorkspaceScope:
    """A workspace whose webhooks may go to the receiver."""
    settings = replace(scope.settings, webhook_origins=f"https://hooks.plant.example {hook.url}")
    return replace(scope, settings=settings)


def raise_one(scope: WorkspaceScope, name: str = "press-07") -> str:
    """An alert of an asset that nobody scanned; returns its id."""
    create_asset(scope, name)
    set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, reason="as agreed")
    look_for_alerts(scope, utc_now() + 8 * DAY)
    return str(list_alerts(scope)[0].id)


def make_due(scope: WorkspaceScope) -> None:
    """Let the pause of everything that waits be over."""
    with scope.transaction():
        AlertDelivery.update(not_before=rfc3339_us(utc_now())).execute()


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the libraries of Standard Webhooks."""
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_gets_every_event_signed_with_the_secret_that_was_shown(allowed: WorkspaceScope, hook: Hook) -> None:
    _, secret = add_channel(allowed, "hall", WEBHOOK, f"{hook.url}/alerts?line=3")
    assert secret
    alert = raise_one(allowed)
    assert deliver(allowed) == 1
    acknowledge_alert(allowed, alert, "on its way")
    assert deliver(allowed) == 1
    assert deliver(allowed) == 0
    (path, headers, body), (_, _, second) = hook.received
    assert path == "/alerts?line=3"
    key = b64decode(secret.removeprefix("whsec_"))
    assert headers["webhook-signature"] == signature(
        key, headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )
    assert abs(int(headers["webhook-timestamp"]) - utc_now().timestamp()) < 60
    told = json.loads(body)
    assert (told["type"], told["data"]["alert"], told["data"]["evidence"]["interval_days"]) == (
        "alert.raised",
        alert,
        7,
    )
    assert json.loads(second)["data"]["acknowledge_reason"] == "on its way"
    assert [row.state for row in list_deliveries(allowed)] == [DELIVERED, DELIVERED]


@pytest.mark.parametrize("status", [500, 404, 302, 429])
def test_what_is_not_taken_is_tried_again_under_the_same_id_after_a_pause(
    allowed: WorkspaceScope, hook: Hook, status: int
) -> None:
    add_channel(allowed, "hall", WEBHOOK, hook.url)
    raise_one(allowed)
    hook.status, hook.location = status, f"{hook.url}/elsewhere"
    assert deliver(allowed) == 0
    assert deliver(allowed) == 0  # its pause is not over
    (row,) = list_deliveries(allowed)
    assert (row.state, row.attempts, row.last_answer) == (WAITING, 1, f"It answers {status}.")
    assert row.not_before > rfc3339_us(utc_now() + timedelta(seconds=PAUSES_S[0] - 3))
    hook.status, hook.location = 204, ""
    make_due(allowed)
    assert deliver(allowed) == 1
    (path, first, body), (_, second, again) = hook.received
    assert path == "/"  # and no redirect was followed
    assert (first["webhook-id"], body) == (second["webhook-id"], again)


def test_a_delivery_is_given_up_after_the_last_pause_or_when_the_receiver_wants_no_more(
    allowed: WorkspaceScope, hook: Hook
) -> None:
    add_channel(allowed, "hall", WEBHOOK, hook.url)
    raise_one(allowed)
    hook.status = 500
    for _ in range(len(PAUSES_S) + 1):
        make_due(allowed)
        deliver(allowed)
    (row,) = list_deliveries(allowed)
    assert (row.state, row.attempts) == (GIVEN_UP, len(PAUSES_S) + 1)
    assert deliver(allowed) == 0
    hook.status = 410
    acknowledge_alert(allowed, row.alert_id, "seen")
    deliver(allowed)
    assert list_deliveries(allowed)[0].state == GIVEN_UP
    assert len(hook.received) == len(PAUSES_S) + 2


def test_a_receiver_that_is_down_costs_one_attempt_a_round(allowed: WorkspaceScope, hook: Hook) -> None:
    add_channel(allowed, "hall", WEBHOOK, hook.url)
    add_channel(allowed, "office", WEBHOOK, f"{hook.url}/office")
    acknowledge_alert(allowed, raise_one(allowed), "seen")
    hook.status = 503
    deliver(allowed)
    assert sorted(path for path, _, _ in hook.received) == ["/", "/office"]


class Cut(Exception):
    """The process ends here."""


def test_a_process_that_ends_after_sending_sends_the_same_again(
    allowed: WorkspaceScope, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_channel(allowed, "hall", WEBHOOK, hook.url)
    raise_one(allowed)

    def cut(name: str) -> None:
        raise Cut(name)

    with monkeypatch.context() as patch:
        patch.setattr("appliance.alerts.delivery.point", cut)
        with pytest.raises(Cut):
            deliver(allowed)
    assert deliver(allowed) == 1
    first, second = hook.received
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert list_deliveries(allowed)[0].state == DELIVERED


def test_a_webhook_goes_nowhere_but_to_origins_of_the_settings(allowed: WorkspaceScope, hook: Hook) -> None:
    port = hook.url.rpartition(":")[2]
    for url in (
        "http://169.254.169.254/latest", f"https://127.0.0.1:{port}/", f"http://localhost:{port}/", "http://127.0.0.1:1/",
        "http://127.0.0.1/", f"http://127.0.0.1.evil.example:{port}/", "https://hooks.plant.example:8443/",
    ):  # fmt: skip
        with pytest.raises(Conflict):
            add_channel(allowed, "x", WEBHOOK, url)
    for url in (
        "file:///etc/passwd", "ftp://hooks.plant.example/", f"http://evil.example@127.0.0.1:{port}/", "//x", "", "http://",
        f"{hook.url}/a b", f"{hook.url}/\r\nX: y", f"{hook.url}/#f", f"{hook.url}\\@evil.example/", "http://[::1",
        "https://hooks.plant.example:99999/", f"{hook.url}/{'a' * 600}",
    ):  # fmt: skip
        with pytest.raises((InvalidInput, Conflict)):
            add_channel(allowed, "x", WEBHOOK, url)
    assert add_channel(allowed, "ok", WEBHOOK, "https://HOOKS.plant.example/path")[1]


def test_an_origin_that_is_allowed_no_more_is_sent_nothing(allowed: WorkspaceScope, hook: Hook) -> None:
    add_channel(allowed, "hall", WEBHOOK, hook.url)
    raise_one(allowed)
    deliver(replace(allowed, settings=replace(allowed.settings, webhook_origins="")))
    assert hook.received == []
    assert list_deliveries(allowed)[0].state == WAITING


def test_a_removed_channel_hears_nothing_more_and_its_secret_is_gone(allowed: WorkspaceScope, hook: Hook) -> None:
    row, secret = add_channel(allowed, "hall", WEBHOOK, hook.url)
    with allowed:
        stored = bytes(AlertChannel.select().get().secret)
    assert b64decode(str(secret).removeprefix("whsec_")) not in stored
    with pytest.raises(Conflict):
        add_channel(allowed, "hall", WEBHOOK, hook.url)
    raise_one(allowed)
    removed = remove_channel(allowed, row.id)
    assert removed.secret is None
    assert deliver(allowed) == 0
    assert list_deliveries(allowed)[0].state == GIVEN_UP
    add_channel(allowed, "hall", WEBHOOK, hook.url)


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with mail_server(tmp_path_factory.mktemp("mail")) as found:
        yield found


@pytest.fixture
def mailing(scope: WorkspaceScope, mailbox: Mailbox) -> WorkspaceScope:
    """A workspace whose mail goes to the server, which keeps nothing of the test before."""
    mailbox.taken.clear()
    mailbox.refused.clear()
    settings = replace(
        scope.settings, smtp_host="localhost", smtp_port=mailbox.port, smtp_sender="d2r@plant.example",
        smtp_ca_file=str(mailbox.ca_file), smtp_user="d2r", smtp_password="let me in",
    )  # fmt: skip
    return replace(scope, settings=settings)


def test_a_mailbox_gets_one_message_over_tls(mailing: WorkspaceScope, mailbox: Mailbox) -> None:
    add_channel(mailing, "shift", EMAIL, "ann@plant.example")
    alert = raise_one(mailing)
    assert deliver(mailing) == 1
    (envelope,) = mailbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("d2r@plant.example", ["ann@plant.example"])
    text = envelope.content.decode()
    assert "Subject: [main] raised: press-07 was not scanned yet" in text
    assert f"Message-ID: <{list_deliveries(mailing)[0].id}@plant.example>" in text
    assert f"Alert: {alert}" in text


def test_no_name_adds_a_header_or_a_recipient(mailing: WorkspaceScope, mailbox: Mailbox) -> None:
    add_channel(mailing, "shift", EMAIL, "ann@plant.example")
    raise_one(mailing)
    with mailing.transaction():
        row = AlertDelivery.select().get()
        content = json.loads(row.body)
        content["data"]["title"] = (
            "x\r\nBcc: eve@evil.example\r\n\r\n.\r\nMAIL FROM:<a@b>\u2028\x85To: eve@evil.example"
        )
        AlertDelivery.update(body=json.dumps(content)).execute()
    assert deliver(mailing) == 1
    (envelope,) = mailbox.taken
    head, _, _ = envelope.content.decode().partition("\r\n\r\n")
    names = [line.partition(":")[0] for line in head.splitlines() if line[:1] not in (" ", "\t")]
    assert "Bcc" not in names
    assert names.count("To") == 1
    assert envelope.rcpt_tos == ["ann@plant.example"]


@pytest.mark.parametrize(
    "address",
    ["ann", "ann@", "@plant", "a b@plant.example", "ann@plant.example\r\nRCPT TO:<eve@x>", "ann@x>,<eve@x", "ä@x"],
)
def test_what_is_no_address_is_refused(mailing: WorkspaceScope, address: str) -> None:
    with pytest.raises(InvalidInput):
        add_channel(mailing, "shift", EMAIL, address)


def test_a_server_that_another_ca_signed_gets_nothing(
    mailing: WorkspaceScope, mailbox: Mailbox, tmp_path: Path
) -> None:
    add_channel(mailing, "shift", EMAIL, "ann@plant.example")
    raise_one(mailing)
    with mail_server(tmp_path) as other:
        strange = replace(mailing.settings, smtp_ca_file=str(other.ca_file))
        assert deliver(replace(mailing, settings=strange)) == 0
    assert mailbox.taken == []
    assert list_deliveries(mailing)[0].last_answer == "The mail was not taken: SSLCertVerificationError."


def test_an_address_that_the_server_does_not_know_is_given_up(mailing: WorkspaceScope, mailbox: Mailbox) -> None:
    mailbox.refused.add("gone@plant.example")
    add_channel(mailing, "shift", EMAIL, "gone@plant.example")
    raise_one(mailing)
    assert deliver(mailing) == 0
    (row,) = list_deliveries(mailing)
    assert (row.state, row.last_answer) == (GIVEN_UP, "The server answers 550.")


def test_without_a_mail_server_in_the_settings_there_is_no_mailbox(scope: WorkspaceScope) -> None:
    with pytest.raises(Conflict):
        add_channel(scope, "shift", EMAIL, "ann@plant.example")


def test_one_line_is_one_line() -> None:
    assert one_line(" a\r\n\tb\x00\u2028c  d ") == "a b c d"
