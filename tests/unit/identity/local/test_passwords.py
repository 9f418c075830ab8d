"""Passwords: argon2id, sealed; long, in no list of stolen ones, not guessed from the person."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from appliance.errors import Denied, InvalidInput
from appliance.identity.local import passwords
from appliance.identity.local.accounts import change_password
from appliance.identity.local.models import LocalPasswordRow
from appliance.identity.local.passwords import has_password, is_password, write_password
from appliance.identity.local.policy import check_password
from appliance.identity.sessions import Visit, begin_session, find_session
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from tests.unit.identity.local.conftest import PASSWORD

Account = Callable[..., Principal]


def test_only_the_password_of_a_person_is_theirs(site: Site, account: Account) -> None:
    ann, ben = account("ann"), account("ben")
    with site.control_transaction():
        write_password(site, ben.id, "another long password")
    assert is_password(site, ann.id, PASSWORD)
    assert not is_password(site, ben.id, PASSWORD)
    for other in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "x" * 100_000, "\ud800"):
        assert not is_password(site, ann.id, other)
    assert not is_password(site, None, PASSWORD)
    assert not is_password(site, None, "nobody")
    assert has_password(site, ann.id)
    assert not has_password(site, "usr_nobody")


def test_a_password_may_be_typed_in_any_form_of_unicode(site: Site, account: Account) -> None:
    ann = account()
    with site.control_transaction():
        write_password(site, ann.id, "caf\u00e9 am Fluss bei Nacht")
    assert is_password(site, ann.id, "cafe\u0301 am Fluss bei Nacht")


def test_what_is_kept_is_argon2id_sealed_by_the_master_key(site: Site, account: Account) -> None:
    ann = account()
    with site.control_session():
        row = LocalPasswordRow.known(user_id=ann.id)
    assert b"argon2" not in bytes(row.wrapped)
    found = extract_parameters(site.master.unwrap(bytes(row.wrapped), f"password/{ann.id}").decode())
    assert (found.type, found.memory_cost, found.time_cost) == (Type.ID, 65_536, 3)


def test_the_hash_of_one_person_opens_nothing_for_another(site: Site, account: Account) -> None:
    from appliance.errors import Modified

    ann, ben = account("ann"), account("ben")
    with site.control_transaction():
        row = LocalPasswordRow.known(user_id=ann.id)
        LocalPasswordRow.update(wrapped=row.wrapped).where(LocalPasswordRow.user_id == ben.id).execute()
    with pytest.raises(Modified):
        is_password(site, ben.id, PASSWORD)


def test_a_hash_of_former_parameters_is_renewed_when_the_password_is_shown(
    site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argon2 import PasswordHasher

    ann = account()
    current = passwords._HASHER
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1))
    with site.control_transaction():
        write_password(site, ann.id, PASSWORD)
    monkeypatch.setattr(passwords, "_HASHER", current)
    assert is_password(site, ann.id, PASSWORD)
    with site.control_session():
        row = LocalPasswordRow.known(user_id=ann.id)
    kept = site.master.unwrap(bytes(row.wrapped), f"password/{ann.id}").decode()
    assert extract_parameters(kept).memory_cost == 65_536


def test_no_more_than_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, gate = 0, 0, threading.Lock()

    class Slow:
        def hash(self, password: bytes) -> str:
            nonlocal running, most
            with gate:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.05)
            with gate:
                running -= 1
            return "x"

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    threads = [threading.Thread(target=passwords._hash, args=("x",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password.short"), ("elevenchars", "password.short"), ("x" * 257, "password.long"),
        ("1qaz2wsx3edc", "password.known"), ("passwordpassword", "password.weak"), ("Password1234!", "password.weak"),
        ("aaaaaaaaaaaaaaaa", "password.weak"), ("123456789012345", "password.weak"),
        ("Ann.Lee@plant1", "password.weak"), ("qwertyuiopasdf", "password.weak"), ("annleeannlee12", "password.weak"),
    ],
)  # fmt: skip
def test_what_others_would_try_is_not_taken(password: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password(password, 12, ("ann.lee@plant", "Ann Lee"))
    assert refused.value.code == code
    assert password not in str(refused.value) or not password


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct-horse-battery-staple!", "Ünter den Brücken 41", "x8#Kq!pd0-Zt"]
)
def test_long_ones_that_nobody_would_try_are_taken_whatever_their_characters(password: str) -> None:
    check_password(password, 12, ("ann.lee@plant", "Ann Lee"))


def test_who_changes_the_password_shows_the_former_one_and_ends_the_other_sessions(
    site: Site, account: Account
) -> None:
    ann = account()
    here, there = (begin_session(site, ann, "local", Visit()) for _ in range(2))
    found = find_session(site, here)
    assert found
    with pytest.raises(Denied):
        change_password(site, ann, "wrong", "another long password 9", found.id)
    with pytest.raises(InvalidInput):
        change_password(site, ann, PASSWORD, "short", found.id)
    change_password(site, ann, PASSWORD, "another long password 9", found.id)
    assert is_password(site, ann.id, "another long password 9")
    assert find_session(site, here)
    assert find_session(site, there) is None
