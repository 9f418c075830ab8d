"""``d2r account`` against a running appliance: links, roles, unlocking, the envelope."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.cli.main import run
from appliance.core.files import write_whole
from appliance.errors import Denied
from appliance.identity import login
from appliance.identity.local.invitations import accept
from appliance.identity.login import sign_in
from tests.cli import test_remote

Shell = test_remote.Shell
server, shell = test_remote.server, test_remote.shell
PASSWORD = "seven grey herons wait"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.0)


def test_an_account_is_invited_given_other_roles_and_reset(shell: Shell) -> None:
    made = shell.json("account", "invite", "ann", "--name", "Ann", "--in", "main", "operator")
    assert made["link"].startswith("http://")
    assert "new account" in shell("account", "invitations")[1]
    person = accept(shell.site, made["link"].partition("token=")[2], PASSWORD)
    changed = shell.json("account", "roles", person.id, "--of-appliance", "plant-it", "--in", "main", "auditor")
    assert (changed["roles"]["appliance"], list(changed["roles"]["workspaces"].values())) == ("plant-it", ["auditor"])
    reset = shell.json("account", "reset", person.id)
    assert shell.json("account", "withdraw", reset["id"]) == {"withdrawn": reset["id"]}
    assert shell.json("account", "invitations") == []
    code, text = shell("account", "remove-second-factor", person.id)
    assert code == 3
    assert "[factor.missing]" in text
    code, text = shell("account", "invite", "ann", "--name", "Ann", "--in", "main", "operator")
    assert "[account.taken]" in text
    assert shell("account", "invite", "ben", "--name", "Ben")[0] == 3


def test_a_locked_name_is_unlocked(shell: Shell) -> None:
    for _ in range(5):
        with pytest.raises(Denied):
            sign_in(shell.site, "nobody", "wrong")
    assert shell.json("account", "unlock", "nobody") == {"was_counted": True}


def test_the_envelope_is_filled_on_the_appliance_itself(shell: Shell, tmp_path: Path) -> None:
    settings = shell.site.settings
    write_whole(settings.admin_key_file, f"{shell.key}\n".encode(), 0o600)
    assert run(["account", "break-glass", "--data", str(settings.data), "--json"]) == 0
    told = json.loads(shell.capsys.readouterr().out)
    assert sign_in(shell.site, told["login"], told["password"]).principal.is_everywhere
