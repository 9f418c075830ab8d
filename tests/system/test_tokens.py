"""Keys and personal tokens in a browser: made, used, rotated, ended, and read by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from appliance.config.settings import load_settings
from appliance.identity.local.accounts import roles_named
from appliance.identity.local.invitations import accept, invite
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.services import require
from tests.system.test_console import ARGUMENTS, CHROMIUM, CONTRAST, ROOT, free_port, served

PASSWORD = "seven grey herons wait"


@dataclass
class Office:
    """A served appliance, with an owner of ``main`` called olga, and a browser."""

    url: str
    browser: Any

    def signed_in(self, **how: Any) -> Any:
        page = self.browser.new_context(**how).new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{self.url}/console/")
        page.get_by_label("Name", exact=True).fill("olga")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/main/")
        return page

    def status(self, token: str, path: str = "workspaces/main/assets") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.url}/api/v1/{path}", headers=headers, timeout=10).status_code


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    require("chromium", bool(CHROMIUM), "install chromium")
    from playwright.sync_api import sync_playwright

    data, port = tmp_path_factory.mktemp("office") / "a", free_port()
    with ExitStack() as opened:
        site = opened.enter_context(Site.open(load_settings(data, {}), create=True))
        site.create_workspace("main", "Main", SYSTEM)
        _, link = invite(site, "olga", "Olga Fry", roles_named(site, SYSTEM, None, {"main": "owner"}), SYSTEM)
        accept(site, link, PASSWORD)
        environ = {"D2R_DATA": str(data), "PYTHONPATH": str(ROOT), "D2R_PUBLIC_URL": f"http://localhost:{port}"}
        opened.enter_context(served("web.app:create_app()", port, environ, 8))
        playwright = opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Office(f"http://127.0.0.1:{port}", browser)
        browser.close()


def test_a_key_is_made_rotated_and_revoked(office: Office) -> None:
    page = office.signed_in()
    page.get_by_role("link", name="Keys", exact=True).click()
    page.get_by_label("Whose key it is").fill("edge 7")
    page.get_by_label("Role", exact=True).select_option("operator")
    page.get_by_label("assets:read").check()
    page.get_by_role("button", name="Make the key").click()
    first = page.locator("#made").inner_text()
    assert (office.status(first), office.status(first, "workspaces/main/scans")) == (200, 403)
    page.get_by_label("When the present secret of edge 7 ends").select_option("1")
    page.get_by_role("button", name="Make another secret for edge 7").click()
    expect(page.locator("#made")).not_to_have_text(first)
    second = page.locator("#made").inner_text()
    assert office.status(first) == office.status(second) == 200
    page.get_by_role("button", name="Revoke the key of edge 7").click()
    expect(page.get_by_role("row", name="edge 7").get_by_text("revoked")).to_be_visible()
    assert office.status(first) == office.status(second) == 401


def test_a_personal_token_is_made_used_and_ended(office: Office) -> None:
    page = office.signed_in()
    page.get_by_role("link", name="Olga Fry").click()
    page.get_by_label("What it is for").fill("nightly report")
    page.get_by_label("assets:read").check()
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("#made").inner_text()
    assert (office.status(token), office.status(token, "workspaces/main/keys")) == (200, 403)
    page.goto(f"{office.url}/console/main/keys")
    expect(page.get_by_role("list").last).to_contain_text("nightly report")
    page.goto(f"{office.url}/console/-/me")
    page.get_by_role("button", name="End the token nightly report").click()
    assert office.status(token) == 401


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["main/keys", "-/me", "main/alert-rules", "main/devices", "main/trends"])
def test_the_pages_are_read_by_everybody(office: Office, path: str, scheme: str) -> None:
    page = office.signed_in(color_scheme=scheme, viewport={"width": 360, "height": 740})
    page.goto(f"{office.url}/console/{path}")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
