"""The HTML verifier in a real browser, opened from a file as an auditor does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from appliance.crypto.vkey import Signer
from appliance.reports.pack import constant_files
from tests.sample_report import SampleReport, issue_sample, new_witness
from tests.services import require

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return issue_sample(tmp_path_factory.mktemp("html"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require("chromium", bool(CHROMIUM), "install chromium")
    from playwright.sync_api import sync_playwright

    path = tmp_path_factory.mktemp("page") / "verify.html"
    path.write_bytes(constant_files()["verify.html"])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(path.as_uri())
        yield page
        browser.close()


def outcome(page: Any, pack: Path, keys: str, *, require_anchor: bool = False) -> tuple[str, str]:
    """The verdict's word and the text of its box."""
    page.set_input_files("#file", str(pack))
    page.fill("#keys", keys)
    page.set_checked("#anchor", require_anchor)
    page.click("#go")
    page.locator("#verdict.shown").wait_for()
    return page.inner_text("#word"), page.inner_text("#verdict")


def test_an_intact_pack_is_unmodified_and_said_to_be_without_an_anchor(page: Any, sample: SampleReport) -> None:
    word, text = outcome(page, sample.issued.pack, sample.vkey)
    assert word == "UNMODIFIED", text
    assert sample.issued.number in text
    assert "no trusted witness" in text


@pytest.mark.parametrize(
    "name", ["evidence/scan/", "result.json", "report.json", "report.pdf", "README.txt", "PK\x01\x02"]
)
def test_a_flipped_byte_is_found(page: Any, sample: SampleReport, tmp_path: Path, name: str) -> None:
    data = bytearray(sample.issued.pack.read_bytes())
    data[data.index(name.encode()) + 200] ^= 1
    (tmp_path / "evidence.zip").write_bytes(data)
    word, text = outcome(page, tmp_path / "evidence.zip", sample.vkey)
    assert word == "MODIFIED", text


def test_flipped_bytes_anywhere_are_found(page: Any, sample: SampleReport, tmp_path: Path) -> None:
    whole = sample.issued.pack.read_bytes()
    for number in range(12):
        data = bytearray(whole)
        position = len(data) * (2 * number + 1) // 24
        data[position] ^= 1 << (number % 8)
        (tmp_path / "evidence.zip").write_bytes(data)
        assert outcome(page, tmp_path / "evidence.zip", sample.vkey)[0] != "UNMODIFIED", position


def test_a_strange_key_proves_nothing(page: Any, sample: SampleReport) -> None:
    stranger = str(Signer.generate("d2r.example/stranger").verifier)
    word, text = outcome(page, sample.issued.pack, stranger)
    assert word == "NOT PROVABLE"
    assert "not a trusted key" in text


def test_another_key_under_the_same_name_proves_nothing(page: Any, sample: SampleReport) -> None:
    impostor = str(Signer.generate(sample.keys.name).verifier)
    assert outcome(page, sample.issued.pack, impostor)[0] == "NOT PROVABLE"


def test_the_log_of_a_workspace_is_below_the_name_of_its_key(page: Any, tmp_path: Path) -> None:
    own = issue_sample(tmp_path / "own", origin="d2r.example/plant-1/wsp_1")
    word, text = outcome(page, own.issued.pack, own.vkey)
    assert (word, "d2r.example/plant-1/wsp_1" in text) == ("UNMODIFIED", True)
    longer = Signer.generate("d2r.example/plant-1/wsp_1").verifier
    assert outcome(page, own.issued.pack, f"{own.vkey}\n{longer}")[0] == "MODIFIED"


def test_a_demanded_witness_that_is_missing_is_not_provable(page: Any, sample: SampleReport) -> None:
    keys = f"{sample.vkey}\n{new_witness().verifier}"
    word, text = outcome(page, sample.issued.pack, keys, require_anchor=True)
    assert word == "NOT PROVABLE"
    assert "witness" in text


def test_a_truncated_pack_is_modified(page: Any, sample: SampleReport, tmp_path: Path) -> None:
    (tmp_path / "evidence.zip").write_bytes(sample.issued.pack.read_bytes()[:-1])
    assert outcome(page, tmp_path / "evidence.zip", sample.vkey)[0] == "MODIFIED"


def test_the_streamed_hash_of_large_files_is_sha256(page: Any) -> None:
    script = """sizes => sizes.map(size => {
        const data = Uint8Array.from({length: size}, (_, at) => at * 7 & 255), hash = new Sha256();
        for (let at = 0; at < size; at += 100) hash.update(data.slice(at, at + 100));
        return hash.digest(); })"""
    sizes = [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 4096]
    expected = [sha256(bytes(at * 7 & 255 for at in range(size))).hexdigest() for size in sizes]
    assert page.evaluate(script, sizes) == expected


def test_the_page_cannot_reach_a_network(page: Any) -> None:
    assert page.evaluate("fetch('https://example.org').then(() => 'reached', () => 'blocked')") == "blocked"
