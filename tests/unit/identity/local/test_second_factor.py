"""The second factor: a code is taken once, in its time; recovery codes open when the telephone is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pyotp import TOTP, parse_uri

from appliance.errors import Conflict, Denied, NotFound
from appliance.identity import login, second_factor, throttle
from appliance.identity.login import owe_code, pay_code, sign_in
from appliance.identity.second_factor import (
    RECOVERY_CODES,
    begin_second_factor,
    confirm_second_factor,
    has_second_factor,
    recovery_codes_left,
    remove_second_factor,
    show_code,
)
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from tests.unit.identity.local.conftest import OWNER, PASSWORD

NOW = datetime(2026, 5, 4, 12, 0, 10, tzinfo=UTC)
Account = Callable[..., Principal]


class Clock:
    """The time of all that is looked at here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        for module in (second_factor, throttle, login):
            monkeypatch.setattr(module, "utc_now", lambda: self.now)

    def code(self, secret: str, after_s: int = 0) -> str:
        return TOTP(secret).at(self.now + timedelta(seconds=after_s))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def ann(account: Account) -> Principal:
    return account()


@pytest.fixture
def secret(site: Site, ann: Principal, clock: Clock) -> str:
    """Ann's second factor; the code of the moment is used up."""
    made, _ = begin_second_factor(site, ann)
    confirm_second_factor(site, ann, clock.code(made))
    clock.now += timedelta(seconds=30)
    return made


def test_it_counts_once_a_first_code_was_shown(site: Site, ann: Principal, clock: Clock) -> None:
    secret, address = begin_second_factor(site, ann)
    assert parse_uri(address).secret == secret
    assert not has_second_factor(site, ann.id)
    assert not sign_in(site, "ann", PASSWORD).owes_code
    with pytest.raises(Denied):
        confirm_second_factor(site, ann, "000000")
    assert not has_second_factor(site, ann.id)
    assert len(set(confirm_second_factor(site, ann, clock.code(secret)))) == RECOVERY_CODES
    assert has_second_factor(site, ann.id)
    assert sign_in(site, "ann", PASSWORD).owes_code
    with pytest.raises(Conflict):
        begin_second_factor(site, ann)
    with pytest.raises(Conflict):
        confirm_second_factor(site, ann, clock.code(secret, 30))


def test_the_codes_are_those_of_the_standard(site: Site, ann: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 6238, appendix B, SHA-1, cut to six digits: at 59 s the code is 94287082."""
    clock = Clock(monkeypatch)
    clock.now = datetime.fromtimestamp(59, UTC)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"
    monkeypatch.setattr(second_factor, "random_base32", lambda: secret)
    begin_second_factor(site, ann)
    assert confirm_second_factor(site, ann, "287082")


def test_a_code_is_taken_once(site: Site, ann: Principal, secret: str, clock: Clock) -> None:
    code = clock.code(secret)
    assert show_code(site, ann, f" {code[:3]} {code[3:]}") == "totp"
    with pytest.raises(Denied):
        show_code(site, ann, code)
    with pytest.raises(Denied):
        show_code(site, ann, clock.code(secret, -30))  # an older one, seen over the shoulder


@pytest.mark.parametrize(("after_s", "is_taken"), [(-61, False), (0, True), (30, True), (61, False)])
def test_a_code_is_taken_in_its_time(
    site: Site, ann: Principal, secret: str, clock: Clock, after_s: int, is_taken: bool
) -> None:
    clock.now += timedelta(minutes=10)
    if is_taken:
        assert show_code(site, ann, clock.code(secret, after_s)) == "totp"
    else:
        with pytest.raises(Denied):
            show_code(site, ann, clock.code(secret, after_s))


@pytest.mark.parametrize("code", ["", "0", "000000", "１２３４５６", "\ud800", "x" * 1000])
def test_other_codes_are_refused(site: Site, ann: Principal, secret: str, code: str) -> None:
    with pytest.raises(Denied):
        show_code(site, ann, code)


def test_codes_cannot_be_tried_through(site: Site, ann: Principal, secret: str, clock: Clock) -> None:
    for number in range(5):
        with pytest.raises(Denied):
            show_code(site, ann, f"{number:06}")
    with pytest.raises(Denied, match="Too many"):
        show_code(site, ann, clock.code(secret))


def test_a_recovery_code_opens_once(site: Site, ann: Principal, clock: Clock) -> None:
    secret, _ = begin_second_factor(site, ann)
    codes = confirm_second_factor(site, ann, clock.code(secret))
    assert show_code(site, ann, codes[3].upper()) == "recovery"
    with pytest.raises(Denied):
        show_code(site, ann, codes[3])
    assert show_code(site, ann, codes[4].replace("-", "")) == "recovery"
    assert recovery_codes_left(site, ann.id) == RECOVERY_CODES - 2


def test_the_secret_and_the_codes_are_not_kept_in_the_clear(site: Site, ann: Principal, clock: Clock) -> None:
    secret, _ = begin_second_factor(site, ann)
    codes = confirm_second_factor(site, ann, clock.code(secret))
    site.close()
    held = b"".join(file.read_bytes() for file in site.settings.data.rglob("*") if file.is_file())
    assert secret.encode() not in held
    assert not [code for code in codes if code.encode() in held or code.replace("-", "").encode() in held]


def test_a_removed_factor_is_not_asked_for(site: Site, ann: Principal, secret: str) -> None:
    remove_second_factor(site, ann.id, OWNER)
    assert not sign_in(site, "ann", PASSWORD).owes_code
    with pytest.raises(NotFound):
        remove_second_factor(site, ann.id, OWNER)


def test_who_owes_a_code_pays_it_in_time_and_once(site: Site, ann: Principal, secret: str, clock: Clock) -> None:
    token = owe_code(site, sign_in(site, "ann", PASSWORD))
    with pytest.raises(Denied):
        pay_code(site, token + "x", clock.code(secret))
    with pytest.raises(Denied):
        pay_code(site, token, "000000")
    assert pay_code(site, token, clock.code(secret)) == (ann, "local+totp")
    clock.now += timedelta(seconds=30)
    with pytest.raises(Denied, match="too long ago"):
        pay_code(site, token, clock.code(secret))
    token = owe_code(site, sign_in(site, "ann", PASSWORD))
    clock.now += timedelta(minutes=6)
    with pytest.raises(Denied, match="too long ago"):
        pay_code(site, token, clock.code(secret))
