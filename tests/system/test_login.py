"""People at the door, in a browser: name and password of the plant's directory, and who may see what behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from pyotp import TOTP

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.identity.groups import give_role
from appliance.identity.oidc.sign_on import CALLBACK, configure, remove
from appliance.identity.saml.provider import require_known
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests import saml_server
from tests.ldap_server import PASSWORD, SEARCHER_PASSWORD, LdapServer, group, new_server
from tests.oidc_server import SECRET, new_provider
from tests.services import require
from tests.system.test_console import ARGUMENTS, CHROMIUM, CONTRAST, ROOT, free_port, served


@dataclass
class Door:
    """A served appliance, a directory, and a browser."""

    url: str
    data: Path
    owner_key: str
    server: LdapServer
    browser: Any

    def page(self, **how: Any) -> Any:
        page = self.browser.new_context(**how).new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{self.url}/console/")
        return page


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    require("chromium", bool(CHROMIUM), "install chromium")
    from playwright.sync_api import sync_playwright

    server, data, port = new_server(tmp_path_factory.mktemp("ldap")), tmp_path_factory.mktemp("door") / "a", free_port()
    with ExitStack() as opened:
        opened.callback(server.stop)
        site = opened.enter_context(Site.open(load_settings(data, {}), create=True))
        site.create_workspace("main", "Main", SYSTEM)
        _, key = create_api_key(site, None, "owner", "owner", SYSTEM)
        environ = {"D2R_DATA": str(data), "PYTHONPATH": str(ROOT), "D2R_PUBLIC_URL": f"http://localhost:{port}"}
        opened.enter_context(served("web.app:create_app()", port, environ, 8))
        playwright = opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Door(f"http://127.0.0.1:{port}", data, key, server, browser)
        browser.close()


def test_an_owner_sets_up_the_directory_and_a_person_signs_in_through_it(door: Door) -> None:
    page = door.page()
    page.get_by_label("API key").fill(door.owner_key)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Directory").click()
    settings = door.server.settings()
    page.get_by_label("Kind", exact=True).select_option("openldap")
    for label, value in {
        "Servers": settings.urls[0], "Certificate of their CA": settings.ca_pem,
        "Account that searches": settings.bind_dn, "Its password": SEARCHER_PASSWORD,
        "Where people are": settings.user_base, "Where groups are": settings.group_base,
    }.items():  # fmt: skip
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_label("Group, by its").fill(group("Supervisors"))
    page.get_by_label("Role", exact=True).select_option("supervisor")
    page.get_by_role("button", name="Give the role").click()
    page.get_by_label("Name of a person").fill("ann")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("#examined")).to_contain_text("supervisor in main")
    assert page.evaluate(CONTRAST) == []

    other = door.page()
    other.get_by_label("Name", exact=True).fill("ann")
    other.get_by_label("Password").fill("wrong")
    other.keyboard.press("Enter")
    expect(other.get_by_role("alert")).to_contain_text("Name or password is wrong")
    other.get_by_label("Name", exact=True).fill("ann")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    other.wait_for_url("**/console/main/")
    expect(other.get_by_text("Ann Lee · supervisor")).to_be_visible()

    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("row", name="Ann Lee").get_by_text("in main")).to_be_visible()
    end = page.get_by_role("button", name="End the session of Ann Lee")
    end.click()
    expect(end).to_have_count(0)
    other.goto(f"{door.url}/console/main/")
    expect(other).to_have_url(re.compile("/console/login$"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_is_read_by_everybody(door: Door, scheme: str) -> None:
    page = door.page(color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.get_by_text("With an API key").click()
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_somebody_comes_by_a_link_sets_a_second_factor_and_signs_in_with_both(door: Door) -> None:
    owner = door.page()
    owner.get_by_text("With an API key").click()
    owner.get_by_label("API key").fill(door.owner_key)
    owner.keyboard.press("Enter")
    owner.get_by_role("link", name="People").click()
    owner.get_by_label("Login", exact=True).fill("ida")
    owner.get_by_label("Name", exact=True).fill("Ida Moe")
    owner.get_by_label("Role in Main").select_option("operator")
    owner.get_by_role("button", name="Make the link").click()
    link = owner.locator("#link").inner_text()

    page = door.page()
    page.goto(f"{door.url}{link[link.index('/console') :]}")
    for label in ("New password", "The same once more"):
        page.get_by_label(label).fill("seven grey herons wait")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/main/")
    page.get_by_role("link", name="Ida Moe · operator").click()
    page.get_by_role("button", name="Set up a second factor").click()
    assert page.get_by_role("img", name="QR code").evaluate("image => image.naturalWidth") > 100
    totp = TOTP(page.locator("#secret").inner_text())
    page.get_by_label("Code").fill(totp.now())
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("#codes li")).to_have_count(10)
    codes = page.locator("#codes li").all_inner_texts()
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Sign out").click()

    page.get_by_label("Name", exact=True).fill("ida")
    page.get_by_label("Password").fill("seven grey herons wait")
    page.keyboard.press("Enter")
    page.get_by_label("Six digits").fill(codes[0])
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/main/")


def test_the_button_leads_to_the_provider_and_back_across_sites(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The appliance is ``localhost``, the provider 127.0.0.1: another site, whose answer brings no strict cookie."""
    here = door.url.replace("127.0.0.1", "localhost")
    with ExitStack() as opened:
        provider = new_provider(tmp_path_factory.mktemp("oidc"), here + CALLBACK)
        opened.callback(provider.stop)
        site = opened.enter_context(Site.open(load_settings(door.data, {})))
        configure(site, provider.settings(), SECRET, SYSTEM)
        give_role(site, "oidc", "leads", "main", "supervisor", SYSTEM)
        context = door.browser.new_context()
        context.add_cookies([{"name": "who", "value": "u-ann", "url": provider.issuer}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{here}/console/login")
        page.get_by_role("link", name="Plant").click()
        page.wait_for_url(f"{here}/console/main/")
        expect(page.get_by_text("Ann Lee · supervisor")).to_be_visible()
        remove(site, SYSTEM)


def test_somebody_comes_through_the_saml_provider_and_signs_out_in_both_places(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The response is a form of another site, which brings no cookie at all; the browser goes on with its own."""
    here = door.url.replace("127.0.0.1", "localhost")
    with ExitStack() as opened:
        provider = saml_server.new_provider(tmp_path_factory.mktemp("saml"))
        opened.callback(provider.stop)
        site = opened.enter_context(Site.open(load_settings(door.data, {"D2R_PUBLIC_URL": here})))
        owner = door.browser.new_context().new_page()
        owner.set_default_timeout(10_000)
        owner.goto(f"{here}/console/login")
        owner.get_by_text("With an API key").click()
        owner.get_by_label("API key").fill(door.owner_key)
        owner.keyboard.press("Enter")
        owner.get_by_role("link", name="Directory").click()
        owner.get_by_label("Metadata of the provider").fill(provider.metadata())
        owner.get_by_label("What stands on its button").fill("Plant SAML")
        owner.get_by_role("button", name="Keep the SAML provider").click()
        expect(owner.locator("#saml")).to_contain_text(provider.entity_id)
        assert owner.evaluate(CONTRAST) == []
        owner.get_by_label("Group of").select_option("saml")
        owner.get_by_label("Group, by its").fill("leads")
        owner.get_by_label("Role", exact=True).select_option("supervisor")
        owner.get_by_role("button", name="Give the role").click()
        provider.knows(require_known(site).own.metadata())

        page = door.browser.new_context().new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{here}/console/login")
        page.get_by_role("link", name="Plant SAML").click()
        page.locator("input[name=username]").fill("ann")
        page.locator("input[name=password]").fill(saml_server.PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{here}/console/main/")
        expect(page.get_by_text("Ann Lee · supervisor")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text("You are signed out, here and at the provider.").wait_for()
        expect(page).to_have_url(re.compile("/console/login/saml/logout"))
        assert page.evaluate(CONTRAST) == []
        page.goto(f"{here}/console/main/")
        expect(page).to_have_url(re.compile("/console/login$"))
        page.get_by_role("link", name="Plant SAML").click()
        expect(page.locator("input[name=username]"), "signed out there too").to_be_visible()

        owner.get_by_role("link", name="Test the SAML provider").click()
        owner.locator("input[name=username]").fill("ben")
        owner.locator("input[name=password]").fill(saml_server.PASSWORD)
        owner.keyboard.press("Enter")
        owner.wait_for_url("**/console/login/saml/back")
        expect(owner.locator("#tried")).to_contain_text("none: this person cannot sign in")
        assert owner.evaluate(CONTRAST) == []
        owner.get_by_role("link", name="Back to the directory").click()
        expect(owner.get_by_role("heading", name="Directory", exact=True)).to_be_visible()
