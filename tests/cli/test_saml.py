"""``d2r saml`` against a running appliance and a real provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.identity.saml.sign_on import begin
from tests.cli import test_remote
from tests.saml_server import SamlServer, new_provider

Shell = test_remote.Shell
server, shell = test_remote.server, test_remote.shell


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    started = new_provider(tmp_path_factory.mktemp("saml"))
    yield started
    started.stop()


def test_a_provider_is_set_up_tried_given_roles_and_removed(shell: Shell, provider: SamlServer, tmp_path: Path) -> None:
    (tmp_path / "idp.xml").write_text(provider.metadata())
    code, text = shell("saml", "set", "--metadata", str(tmp_path / "idp.xml"), "--label", "Plant")
    assert code == 0, text
    shown = shell.json("saml", "show")
    assert (shown["issuer"], shown["label"], len(shown["certificates"])) == (provider.entity_id, "Plant", 1)
    code, text = shell("saml", "metadata")
    assert (code, text.lstrip()[:20]) == (0, "<md:EntityDescriptor")
    provider.knows(text)
    made = shell.json("saml", "group", "give", "leads", "--role", "supervisor", "--in", "main")
    assert [row["group"] for row in shell.json("saml", "group", "list")] == ["leads"]

    (tmp_path / "response").write_text(provider.visit(begin(shell.site)[0], "ann")["SAMLResponse"])
    found = shell.json("saml", "test", str(tmp_path / "response"))
    assert (found["login"], list(found["workspace_roles"].values())) == ("ann", ["supervisor"])
    (tmp_path / "response").write_text("PGEvPg==")
    code, text = shell("saml", "test", str(tmp_path / "response"))
    assert code == 3
    assert "no SAML 2.0 response" in text

    assert shell.json("saml", "group", "take", made["id"]) == {"taken": made["id"]}
    before = text_of(shell)
    code, _ = shell("saml", "set", "--metadata", str(tmp_path / "idp.xml"), "--new-key")
    assert code == 0
    assert text_of(shell) != before
    assert shell("saml", "remove")[0] == 0
    assert "[saml.missing]" in shell("saml", "metadata")[1]


def text_of(shell: Shell) -> str:
    """The certificate of ours in our metadata."""
    text = shell("saml", "metadata")[1]
    return text[text.index("<md:KeyDescriptor") : text.index("</md:KeyDescriptor>")]
