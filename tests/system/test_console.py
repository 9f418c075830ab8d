"""The console in a browser: signed in with a key, read with keyboard and screen reader, followed live."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from appliance.config.settings import load_settings
from appliance.core.ids import new_id
from appliance.identity.api_keys import create_api_key, revoke_api_key
from appliance.inspections import service
from appliance.inspections.carry_change import carry_change
from appliance.inspections.models import InspectionRow, ScanChange
from appliance.inspections.scan_changes import changes_under_way
from appliance.measurements.models import InstrumentSuspicion, MeasuredCharacteristic
from appliance.plant.assets import create_asset
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.change_samples import hills, received
from tests.line_samples import known_part, sample_files, stored_scan
from tests.measured_workspace import Plant
from tests.services import require

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Console:
    """A served appliance with one asset, and a browser before it."""

    url: str
    site: Site
    key: str
    key_id: str
    inspection_id: str
    browser: Any

    @property
    def scope(self) -> WorkspaceScope:
        return self.site.scope(SYSTEM, "main")

    @contextmanager
    def page(self, expected: str | None = None, **how: Any) -> Iterator[Any]:
        """A signed-in page, whose errors fail the test, but those that hold ``expected``."""
        context = self.browser.new_context(**how)
        page, problems = context.new_page(), []
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(f"{self.url}/console/")
        page.get_by_label("API key").fill(self.key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/main/")
        yield page
        context.close()
        assert [text for text in problems if expected is None or expected not in text] == []


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    require("chromium", bool(CHROMIUM), "install chromium")
    from playwright.sync_api import sync_playwright

    data, port, live_port = tmp_path_factory.mktemp("console") / "appliance", free_port(), free_port()
    sample = sample_files(tmp_path_factory.mktemp("sample"), points=2_000)
    with ExitStack() as opened:
        site = opened.enter_context(Site.open(load_settings(data, {}), create=True))
        site.create_workspace("main", "Main", SYSTEM)
        row, key = create_api_key(site, "main", "supervisor", "Ann", SYSTEM)
        scope = site.scope(SYSTEM, "main")
        scan = stored_scan(scope, sample, known_part(scope, sample))
        inspection = service.create_inspection(scope, scan.id)
        environ = {"D2R_DATA": str(data), "D2R_REALTIME_PORT": str(live_port), "PYTHONPATH": str(ROOT)}
        opened.enter_context(served("web.app:create_app()", port, environ, 8))
        opened.enter_context(served("web.realtime.app:create_app()", live_port, environ, 24))
        playwright = opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield Console(f"http://127.0.0.1:{port}", site, key, row.id, inspection.id, browser)
        browser.close()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it, for ten seconds at most."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(application: str, port: int, environ: dict[str, str], threads: int) -> Iterator[None]:
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", str(threads), "--graceful-timeout", "3"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ}, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


def test_a_supervisor_signs_in_and_finds_the_asset_by_keyboard(console: Console) -> None:
    with console.page() as page:
        expect(page.get_by_role("heading", name="Assets")).to_be_visible()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.get_by_role("link", name="housing-0001").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/assets/*")
        expect(page.get_by_role("heading", name="housing-0001")).to_be_visible()
        expect(page.get_by_text("Hall 3")).to_be_visible()


def test_progress_and_end_of_an_inspection_are_followed_live(console: Console) -> None:
    def change(**columns: Any) -> None:
        with console.scope:
            InspectionRow.update(**columns).where(InspectionRow.id == console.inspection_id).execute()

    with console.page() as page:
        page.goto(f"{console.url}/console/main/inspections/{console.inspection_id}")
        page.wait_for_selector("#live.on")
        change(state="decoded", step="align", progress=0.42)
        until(lambda: page.evaluate("document.querySelector('progress').value") == 0.42)
        expect(page.get_by_text("align", exact=True)).to_be_visible()
        service.cancel(console.scope, console.inspection_id)
        page.wait_for_selector("text=Cancelled")
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector("text=Waiting")
        assert service.get_inspection(console.scope, console.inspection_id).state == "stored"


def test_what_a_file_says_is_text_and_never_runs(console: Console) -> None:
    name = "<script>document.title='owned'</script>"
    create_asset(console.scope, name, serial='"><img src=x onerror=alert(1)>')
    with console.page() as page:
        expect(page.get_by_role("link", name=name)).to_be_visible()
        assert page.title() != "owned"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(console: Console, scheme: str) -> None:
    """Contrast of at least 4.5 for every text. Source: WCAG 2.2, 1.4.3 and the definition of relative luminance."""
    with console.page(color_scheme=scheme) as page:
        page.goto(f"{console.url}/console/main/inspections/{console.inspection_id}")
        assert page.evaluate(CONTRAST) == []


def test_a_small_screen_shows_everything_without_scrolling_sideways(console: Console) -> None:
    with console.page(viewport={"width": 360, "height": 740}) as page:
        for path in ("", f"inspections/{console.inspection_id}", "quarantine"):
            page.goto(f"{console.url}/console/main/{path}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_series_is_read_by_everybody_and_its_values_lead_on(console: Console, scheme: str) -> None:
    plant = Plant.of(console.scope, name=f"housing {scheme}")
    inspections = [
        plant.measure(0, f"2026-03-{day:02}T12:00:00.000000Z", [0.012 * day]).inspection_id for day in range(1, 13)
    ]
    with console.scope:
        series = MeasuredCharacteristic.known(name="c0", part_id=plant.part)
    with console.page(color_scheme=scheme, viewport={"width": 360, "height": 740}) as page:
        page.goto(f"{console.url}/console/main/trends?asset={plant.assets[0]}")
        page.get_by_role("link", name="c0").first.click()
        page.wait_for_url(f"**/trends/{series.id}")
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.locator("figure a circle").last.click()
        page.wait_for_url(f"**/inspections/{inspections[-1]}")
        expect(page.get_by_role("link", name="c0"), "and back to the series").to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_change_is_asked_for_followed_live_and_seen_from_above(console: Console, scheme: str, tmp_path: Path) -> None:
    asset = create_asset(console.scope, f"dune {scheme}")
    for n in range(2):
        received(console.scope, asset.id, tmp_path / f"{n}.xyz", hills(10 * len(scheme) + n))
    with console.page(color_scheme=scheme, viewport={"width": 360, "height": 740}) as page:
        page.goto(f"{console.url}/console/main/assets/{asset.id}")
        page.get_by_role("link", name="Changes").click()
        page.get_by_role("button", name="Compare").click()
        page.wait_for_url("**/changes/chg_*")
        page.wait_for_selector("#live.on")
        [row] = changes_under_way(console.scope)
        with console.scope.transaction():
            ScanChange.update(step="registration", progress=0.42).where(ScanChange.id == row.id).execute()
        until(lambda: page.evaluate("document.querySelector('progress').value") == 0.42)
        expect(page.get_by_text("registration", exact=True)).to_be_visible()
        assert carry_change(console.scope, row.id) == "done"
        page.wait_for_selector("text=Computed")
        until(lambda: page.evaluate("document.querySelector('figure img')?.naturalWidth") == 1440)
        for path in (f"changes/{row.id}", f"assets/{asset.id}/changes"):
            page.goto(f"{console.url}/console/main/{path}")
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_suspect_instrument_measured_is_told_to_everybody(console: Console, scheme: str) -> None:
    plant, at = Plant.of(console.scope, name=f"suspect {scheme}"), "2026-03-{:02}T12:00:00.000000Z"
    made = [plant.measure(0, at.format(day), [0.0], instrument=plant.instruments[0]) for day in range(1, 13)]
    with console.scope.transaction():
        series = MeasuredCharacteristic.known(name="c0", part_id=plant.part)
        seen = {"asset": "ball bar", "asset_id": plant.assets[0], "characteristic_id": series.id, "why": "beyond 3"}
        suspicion = InstrumentSuspicion.create(
            id=new_id("sus"), instrument_id=plant.instruments[0], since=at.format(9), evidence=json.dumps([seen]),
            found_at=at.format(12),
        )  # fmt: skip
    with console.page(color_scheme=scheme, viewport={"width": 360, "height": 740}) as page:
        page.goto(f"{console.url}/console/main/assets/{plant.assets[0]}/trends/{series.id}")
        expect(page.locator("circle.ring")).to_have_count(3)
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.locator("figure a circle").last.click()
        page.wait_for_url(f"**/inspections/{made[-1].inspection_id}")
        expect(page.get_by_role("link", name="ball bar")).to_be_visible()
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.get_by_label("What explains it").fill("a speck of dust")
        page.get_by_role("button", name="Lift the suspicion").click()
        page.wait_for_url("**/trends")
        expect(page.get_by_role("heading", name="Trends")).to_be_visible()
    with console.scope:
        assert InstrumentSuspicion.known(id=suspicion.id).lifted_reason == "a speck of dust"


def test_a_session_ends_when_its_key_is_revoked(console: Console) -> None:
    row, key = create_api_key(console.site, "main", "operator", "Bob", SYSTEM)
    console_of_bob = Console(console.url, console.site, key, row.id, console.inspection_id, console.browser)
    with console_of_bob.page(expected="Authentication failed") as page:  # live events may try once more
        revoke_api_key(console.site, row.id, SYSTEM)
        page.goto(f"{console.url}/console/main/")
        expect(page).to_have_url(re.compile("/console/login$"))


CONTRAST = """() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const f = c.slice(0, 3).map(v => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${e.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
