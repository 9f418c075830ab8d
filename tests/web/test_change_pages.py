"""Changes in the console: asked for in a form, followed, shown from above in colours, fetched, tried again."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from appliance.inspections import change_arrays
from appliance.inspections.carry_change import carry_change
from appliance.inspections.scan_changes import get_change
from appliance.plant.assets import create_asset
from appliance.scans.models import Scan
from tests.change_samples import SUNK_MM, hills, received, two_scans
from tests.web.conftest import Cast
from tests.web.test_console import signed_in


@pytest.fixture(scope="module")
def scans(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scan, Scan]:
    folder: Path = tmp_path_factory.mktemp("scans")
    return two_scans(cast.scope, folder)


@pytest.fixture(scope="module")
def pages(scans: tuple[Scan, Scan]) -> str:
    return f"/console/main/assets/{scans[0].asset_id}/changes"


@pytest.fixture
def browser(cast: Cast) -> tuple[FlaskClient, str]:
    return signed_in(cast, cast.operator)


def asked(browser: tuple[FlaskClient, str], pages: str, scans: tuple[Scan, Scan], **more: str) -> str:
    """The address of a change that was asked for in the form."""
    client, token = browser
    form = {"token": token, "first": scans[0].id, "second": scans[1].id, "depth_mm": "5", **more}
    answer = client.post(pages, data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


@pytest.fixture(scope="module")
def done(cast: Cast, pages: str, scans: tuple[Scan, Scan]) -> str:
    """The address of a change that was computed."""
    address = asked(signed_in(cast, cast.operator), pages, scans)
    assert carry_change(cast.scope, address.rpartition("/")[2]) == "done"
    return address


def test_the_form_offers_the_scans_of_the_asset_the_two_latest_first(
    browser: tuple[FlaskClient, str], pages: str, scans: tuple[Scan, Scan]
) -> None:
    page = browser[0].get(pages).text
    chosen = re.findall(r'<option value="(scn_\w+)" selected>', page)
    assert chosen == [scans[0].id, scans[1].id]
    other = re.findall(r'<option value="(scn_\w+)" selected>', browser[0].get(f"{pages}?second={scans[0].id}").text)
    assert other == [scans[1].id, scans[0].id]
    assert "a.xyz" in page


def test_a_scan_is_compared_with_the_one_before_it(
    cast: Cast, browser: tuple[FlaskClient, str], tmp_path: Path
) -> None:
    asset = create_asset(cast.scope, "canyon")
    three = [received(cast.scope, asset.id, tmp_path / f"{n}.xyz", hills(20 + n)) for n in range(3)]
    page = browser[0].get(f"/console/main/assets/{asset.id}/changes?second={three[1].id}").text
    assert re.findall(r'<option value="(scn_\w+)" selected>', page) == [three[0].id, three[1].id]


def test_what_stands_in_the_form_is_what_is_compared(
    cast: Cast, browser: tuple[FlaskClient, str], pages: str, scans: tuple[Scan, Scan]
) -> None:
    told = {"cores_mm": "2,5", "scales_mm": "4 8.5", "registration_mm": "0", "align": "1", "scan_unit": "mm"}
    address = asked(browser, pages, scans, **told)
    row: dict[str, Any] = cast.auditor.get(f"changes/{address.rpartition('/')[2]}")
    assert row["parameters"] == {
        "depth_mm": 5.0, "cores_mm": 2.5, "scales_mm": [4.0, 8.5], "align": True, "scan_unit": "mm",
    }  # fmt: skip
    page = browser[0].get(address).text
    assert "4, 8.5 mm" in page
    assert "Waits for a worker" in page
    client, token = browser
    assert client.post(f"{address}/cancel", data={"token": token}).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"depth_mm": "deep"}, 422), ({"radius_mm": "0"}, 422), ({"cores_mm": "nan"}, 422), ({"cores_mm": "1e7"}, 422),
        ({"registration_mm": "-1"}, 422), ({"scales_mm": "1 x"}, 422), ({"scales_mm": "1 " * 17}, 422),
        ({"scan_unit": "ell"}, 422), ({"second": "scn_none"}, 404), ({"first": "scn_none"}, 404),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_in_the_form(
    browser: tuple[FlaskClient, str], pages: str, scans: tuple[Scan, Scan], wrong: dict[str, str], status: int
) -> None:
    client, token = browser
    form = {"token": token, "first": scans[0].id, "second": scans[1].id, **wrong}
    assert client.post(pages, data=form).status_code == status


def test_scans_of_another_asset_are_not_this_ones(
    cast: Cast, browser: tuple[FlaskClient, str], pages: str, scans: tuple[Scan, Scan], tmp_path: Path
) -> None:
    client, token = browser
    other = create_asset(cast.scope, "quarry")
    theirs = received(cast.scope, other.id, tmp_path / "q.xyz", hills(9))
    form = {"token": token, "first": scans[0].id, "second": scans[1].id}
    elsewhere = f"/console/main/assets/{other.id}/changes"
    assert client.post(elsewhere, data=form).status_code == 404
    assert "It takes two stored scans" in client.get(f"{elsewhere}?first={scans[0].id}").text
    assert client.post(pages, data=form | {"second": theirs.id}).status_code == 422


def test_who_only_reads_sees_changes_and_asks_for_none(
    cast: Cast, pages: str, done: str, scans: tuple[Scan, Scan]
) -> None:
    client, token = signed_in(cast, cast.auditor)
    assert done in client.get(pages).text
    assert 'name="first"' not in client.get(pages).text
    assert client.get(done).status_code == 200
    form = {"token": token, "first": scans[0].id, "second": scans[1].id}
    assert client.post(pages, data=form).status_code == 403
    assert client.post(f"{done}/retry", data={"token": token}).status_code == 403


def test_a_change_shows_figures_files_and_its_place_in_the_log(
    cast: Cast, browser: tuple[FlaskClient, str], done: str, scans: tuple[Scan, Scan]
) -> None:
    page = browser[0].get(done).text
    row: dict[str, Any] = cast.auditor.get(f"changes/{done.rpartition('/')[2]}")
    figures = row["summary"]["change"]
    assert f"{100 * figures['significant'] / figures['with_level']:.1f} %" in page
    assert f"{figures['lod_median_mm']:.4f} mm" in page
    for hashed in (row["result_sha256"], scans[0].sha256, scans[1].sha256):
        assert hashed in page
    for name in ("result.json", "change.laz", "change.ply", "change.npz"):
        shown = browser[0].get(f"{done}/{name}")
        assert shown.data == cast.auditor("GET", f"changes/{row['id']}/{name}").data, name
        assert "attachment" in shown.headers["Content-Disposition"]
    assert browser[0].get(f"{done}/change.exe").status_code == 404
    place = re.search(r"entry (\d+)</dd>", page)
    assert place
    entry = cast.auditor.get(f"audit/entries/{place[1]}")
    assert row["result_sha256"] in str(entry)
    assert row["id"] in str(entry)


def test_the_picture_shows_from_above_the_quarter_that_sank(
    cast: Cast, browser: tuple[FlaskClient, str], done: str
) -> None:
    answer = browser[0].get(f"{done}/top.png")
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    pixels = np.asarray(Image.open(BytesIO(answer.data)).convert("RGB")).astype(int)
    middle = pixels.shape[1] // 2
    top, bottom = pixels[100:480], pixels[600:980]
    blue = [(part[..., 2] - part[..., 0] > 40).mean() for part in (
        top[:, middle + 60 : middle + 440], top[:, middle - 440 : middle - 60],
        bottom[:, middle + 60 : middle + 440], bottom[:, middle - 440 : middle - 60],
    )]  # fmt: skip
    assert blue[0] > 0.8, "x and y positive: right and up"
    assert max(blue[1:]) < 0.1
    scale = re.search(r"<span>\+([\d.]+) mm</span></figcaption>", browser[0].get(done).text)
    row: dict[str, Any] = cast.auditor.get(f"changes/{done.rpartition('/')[2]}")
    largest = -row["summary"]["change"]["significant_distance_mm"]["p1"]
    assert scale
    assert SUNK_MM < largest <= float(scale[1]) < 2.5 * largest


def test_what_failed_says_why_and_is_tried_again(
    cast: Cast, browser: tuple[FlaskClient, str], pages: str, tmp_path: Path
) -> None:
    client, token = browser
    asset = create_asset(cast.scope, "cliff")
    flat = np.zeros((3, 3))
    few = [received(cast.scope, asset.id, tmp_path / f"{n}.xyz", flat + n) for n in range(2)]
    address = asked(browser, f"/console/main/assets/{asset.id}/changes", (few[0], few[1]))
    change_id = address.rpartition("/")[2]
    assert carry_change(cast.scope, change_id) == "failed"
    page = client.get(address).text
    assert str(get_change(cast.scope, change_id).error_code) in page
    assert f"{address}/top.png" not in page
    assert client.get(f"{address}/top.png").status_code == 409
    assert client.post(f"{address}/retry", data={"token": token}).headers["Location"] == address
    assert get_change(cast.scope, change_id).state == "requested"
    assert client.post(f"{address}/retry", data={"token": token}).status_code == 409
    assert client.post(f"{address}/cancel", data={"token": token}).status_code == 303
    cancelled = client.get(address).text
    assert "Cancelled" in cancelled
    assert "Try again" in cancelled
    assert client.post(f"{address}/sign", data={"token": token}).status_code == 404


def test_what_has_too_many_core_points_is_not_drawn(
    browser: tuple[FlaskClient, str], done: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_arrays, "MOST_CORES", 10)
    page = browser[0].get(done).text
    assert "too many for a picture" in page
    assert f"{done}/top.png" not in page
    assert browser[0].get(f"{done}/top.png").status_code == 409
