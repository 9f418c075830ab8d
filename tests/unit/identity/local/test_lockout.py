"""Brute force: counted before it is looked at, across processes, without Redis; strangers look like everybody."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.identity import login, throttle
from appliance.identity.login import login_hash, sign_in
from appliance.identity.throttle import FREE, LONGEST_WAIT, forget_attempts, unlock, wait_after
from appliance.identity.users import set_disabled
from appliance.queue.connection import connect
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from tests.redis_server import running_redis
from tests.unit.identity.local.conftest import OWNER, PASSWORD, refused
from tests.unit.identity.test_users import entries

Account = Callable[..., Principal]
ROOT = Path(__file__).resolve().parents[4]


def later(monkeypatch: pytest.MonkeyPatch, span: timedelta) -> None:
    moment = utc_now() + span
    monkeypatch.setattr(throttle, "utc_now", lambda: moment)


def test_the_right_password_opens_and_forgets_what_failed_before(site: Site, account: Account) -> None:
    ann = account()
    for _ in range(3):
        for _ in range(FREE - 1):
            assert refused(site) == "login.refused"
        entered = sign_in(site, " ANN", PASSWORD)
        assert (entered.principal.id, entered.method, entered.owes_code) == (ann.id, "local", False)


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_after_five_failures_nothing_is_looked_at_whether_there_is_an_account_or_not(
    site: Site, account: Account, name: str
) -> None:
    account("ann")
    assert [refused(site, name) for _ in range(FREE)] == ["login.refused"] * FREE
    assert refused(site, name, PASSWORD) == "login.locked"
    with Site.open(site.settings) as other:
        assert refused(other, name, PASSWORD) == "login.locked"


def test_each_further_failure_waits_twice_as_long_up_to_an_hour(
    site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account()
    assert [wait_after(count).total_seconds() for count in (0, 4, 5, 6, 7, 12)] == [0, 0, 30, 60, 120, 3600]
    assert wait_after(10_000) == LONGEST_WAIT
    for _ in range(FREE):
        refused(site)
    later(monkeypatch, timedelta(seconds=31))
    assert refused(site) == "login.refused"
    later(monkeypatch, timedelta(seconds=31 + 59))
    assert refused(site, password=PASSWORD) == "login.locked"
    later(monkeypatch, timedelta(seconds=31 + 62))
    assert sign_in(site, "ann", PASSWORD)


def test_attempts_at_the_same_moment_are_all_counted(site: Site, account: Account) -> None:
    account()
    codes: list[str] = []

    def attack(number: int) -> None:
        try:
            sign_in(site, "ann", f"guess {number}")
        except Denied as error:
            codes.append(error.code)

    threads = [threading.Thread(target=attack, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["login.locked"] * (20 - FREE) + ["login.refused"] * FREE


def test_the_count_holds_across_processes(site: Site, account: Account) -> None:
    """Three processes with two guesses each, and no Redis at all: five are looked at."""
    account()
    attack = (
        "import sys; from pathlib import Path; from appliance.config.settings import load_settings\n"
        "from appliance.errors import Denied; from appliance.identity.login import sign_in\n"
        "from appliance.tenancy.site import Site\n"
        "with Site.open(load_settings(Path(sys.argv[1]), {})) as site:\n"
        "    for guess in sys.argv[2:]:\n"
        "        try: sign_in(site, 'ann', guess)\n"
        "        except Denied as error: print(error.code)\n"
    )
    command = [sys.executable, "-c", attack, str(site.settings.data)]
    running = [
        subprocess.Popen([*command, f"a{n}", f"b{n}"], cwd=ROOT, stdout=subprocess.PIPE, text=True) for n in range(3)
    ]
    said = sorted(line for process in running for line in process.communicate()[0].split())
    assert said == ["login.locked"] + ["login.refused"] * FREE
    assert refused(site, password=PASSWORD) == "login.locked"


def test_the_count_holds_when_redis_is_emptied(site: Site, account: Account) -> None:
    account()
    with running_redis(site.settings):
        for _ in range(FREE):
            assert refused(site) == "login.refused"
        shared = connect(site.settings)
        shared.set("something", "x")
        shared.flushall()
        assert shared.dbsize() == 0
        assert refused(site, password=PASSWORD) == "login.locked"
    assert refused(site, password=PASSWORD) == "login.locked"


def test_an_owner_unlocks_a_name_and_old_counts_are_forgotten(
    site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account()
    for _ in range(FREE):
        refused(site)
    assert unlock(site, login_hash(site, "Ann"), OWNER)
    assert not unlock(site, login_hash(site, "Ann"), OWNER)
    assert sign_in(site, "ann", PASSWORD)
    refused(site)
    assert forget_attempts(site) == 0
    later(monkeypatch, timedelta(hours=25))
    assert forget_attempts(site) == 1


def test_the_log_says_what_was_tried_and_not_with_which_name(site: Site, account: Account) -> None:
    account()
    for _ in range(FREE + 1):
        refused(site, password="hunter2 hunter2")
    told = [entry for entry in entries(site) if entry["kind"].startswith("login.")]
    assert [entry["kind"] for entry in told] == (
        ["login.refused"] * (FREE - 1) + ["login.locked", "login.refused", "login.refused"]
    )
    assert {entry["facts"]["login_hash"] for entry in told} == {login_hash(site, "ann")}
    assert "hunter2" not in str(entries(site))


def test_somebody_who_was_disabled_stays_out(site: Site, account: Account) -> None:
    ann = account()
    set_disabled(site, ann.id, True, OWNER)
    assert refused(site, password=PASSWORD) == "login.disabled"


def test_a_refusal_is_not_said_before_its_time(site: Site, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account()
    sign_in(site, "ann", PASSWORD)  # the first hash of nobody's password is made
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.8)
    for name, password in (("ann", "wrong"), ("nobody", "wrong"), ("", ""), ("ann", "x" * 10_000)):
        began = time.monotonic()
        refused(site, name, password)
        assert 0.79 < time.monotonic() - began < 1.6
