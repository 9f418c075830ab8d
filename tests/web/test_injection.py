"""Text that is code to somebody: to a database, a template, a browser, a shell, a path.  Here it stays text."""

from __future__ import annotations

import html
from urllib.parse import quote

import pytest

from tests.web.conftest import Cast
from tests.web.test_console import signed_in

HOSTILE = (
    "'; DROP TABLE asset; --", '" OR "1"="1', "1) UNION SELECT id, secret_sha256 FROM api_key --", "%' OR name LIKE '%",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "{{ 7 * 7 }}{% debug %}", "${7*7}",
    "$(touch x)", "`id`", "| cat", "..%2f..%2fetc", "%s%n%x", "{0.__class__}", "=cmd|' /C calc'!A0", "ねこ O’Hara ✔",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_is_what_was_sent_and_nothing_more(cast: Cast, text: str) -> None:
    before = len(cast.owner.get("assets?limit=200")["items"])
    made = cast.owner.made("assets", {"name": text, "metadata": {"note": text}})
    assert made["name"] == text
    key = made["id"] if "/" in text or "%" in text else quote(text, safe="")
    found = cast.owner.get(f"assets/{key}")
    assert (found["id"], found["metadata"]) == (made["id"], {"note": text})
    assert len(cast.owner.get("assets?limit=200")["items"]) == before + 1


@pytest.mark.parametrize("text", HOSTILE)
def test_a_filter_that_looks_like_a_query_finds_nothing(cast: Cast, text: str) -> None:
    query = quote(f"nothing {text}", safe="")
    for path in (f"inspections?asset={query}", f"scans?state={query}", f"instruments?name={query}"):
        response = cast.owner("GET", path)
        assert response.status_code in (200, 404, 422)
        assert not (response.json or {}).get("items")


def test_the_console_shows_names_as_text(cast: Cast) -> None:
    made = [cast.owner.made("assets", {"name": f"shown {text}"}) for text in HOSTILE]
    browser, _ = signed_in(cast, cast.owner)
    for asset, text in zip(made, HOSTILE, strict=True):
        page = browser.get(f"/console/main/assets/{asset['id']}").text
        assert f"shown {text}" in html.unescape(page)
        assert "<" not in text or text not in page
