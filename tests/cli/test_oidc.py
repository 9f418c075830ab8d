"""``d2r oidc`` against a running appliance and a real provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import test_remote
from tests.oidc_server import SECRET, OidcServer, new_provider

Shell = test_remote.Shell
server, shell = test_remote.server, test_remote.shell


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    started = new_provider(tmp_path_factory.mktemp("oidc"), "http://127.0.0.1:1/unused")
    yield started
    started.stop()


def test_a_provider_is_set_up_tested_given_roles_and_removed(
    shell: Shell, provider: OidcServer, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    told = ["--issuer", provider.issuer, "--client-id", "d2r", "--secret-file", str(tmp_path / "secret")]
    code, text = shell("oidc", "set", *told)
    assert code == 0, text
    assert SECRET not in text
    assert shell.json("oidc", "show")["redirect_uri"].endswith("/console/login/oidc/back")
    assert shell.json("oidc", "test")["token_endpoint"] == f"{provider.issuer}/token"
    made = shell.json("oidc", "group", "give", "leads", "--role", "supervisor", "--in", "main")
    assert [row["group"] for row in shell.json("oidc", "group", "list")] == ["leads"]
    assert shell.json("ldap", "group", "list") == []
    assert shell.json("oidc", "group", "take", made["id"]) == {"taken": made["id"]}
    provider.stop()
    try:
        shell.json("oidc", "set", *told, "--label", "Anew")
        code, text = shell("oidc", "test")
    finally:
        provider.start()
    assert code == 3
    assert "[oidc.down]" in text
    assert shell("oidc", "remove")[0] == 0
    assert "[oidc.missing]" in shell("oidc", "test")[1]
