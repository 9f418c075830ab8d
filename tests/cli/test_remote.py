"""The commands that speak to an appliance: each once against a real server, as a person and as a script."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from appliance.alerts.engine import look_for_alerts
from appliance.cli.main import run
from appliance.config.settings import load_settings
from appliance.core.clock import utc_now
from appliance.exchange.carrying import carry_results
from appliance.identity.api_keys import create_api_key
from appliance.inspections import service
from appliance.inspections.carry import carry
from appliance.inspections.carry_change import carry_change
from appliance.inspections.models import InspectionRow
from appliance.inspections.replaying import carry_replay
from appliance.measurements.sets import add_set
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.reports.issuing import issue
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from appliance.trends.suspicions import watch_instruments
from tests.change_samples import two_scans
from tests.full_workspace import definitions
from tests.line_samples import known_part, sample_files, stored_scan
from tests.measured_workspace import Plant
from tests.results_samples import CSV
from tests.unit.cad.test_revisions import box
from tests.unit.twin.conftest import CELLS, flat_field, on
from tests.unit.twin.conftest import Plant as TwinPlant

ROOT = Path(__file__).resolve().parents[2]
PLAN = b"name,zone,quantity,lower_mm,upper_mm,coverage\nskin,all,profile,-0.1,0.1,0.9\n"
STATEMENT = b'serial = "4711"\ncertificate = "DK-1"\ncalibrated_on = 2026-01-15\ndue_on = 2027-01-15\nmpe_mm = 0.03\n'


@dataclass
class Shell:
    """A person at a terminal, with the owner's key of an appliance that runs."""

    site: Site
    url: str
    key: str
    capsys: Any = None

    def __call__(self, *words: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        code = run([*words, "--url", self.url, "--key", self.key])
        said = self.capsys.readouterr()
        return code, said.out + said.err

    def bearing(self, token: str) -> Shell:
        """Somebody else at the same terminal."""
        return replace(self, key=token)

    def json(self, *words: str) -> Any:
        code, text = self(*words, "--json")
        assert code == 0, text
        return json.loads(text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    data = tmp_path_factory.mktemp("remote") / "appliance"
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    with Site.open(load_settings(data, {}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        _, key = create_api_key(site, None, "owner", "owner", SYSTEM)
        places = {"D2R_DATA": str(data), "D2R_FREE_SPACE_FLOOR_BYTES": "0", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "gunicorn", "web.app:create_app()", "--bind", f"127.0.0.1:{port}"]
        process = subprocess.Popen(
            [*command, "--worker-class", "gthread", "--threads", "4"], cwd=ROOT, env={**os.environ, **places},
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.05)
            yield Shell(site, f"http://127.0.0.1:{port}", key)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(15)


@pytest.fixture
def shell(server: Shell, capsys: pytest.CaptureFixture[str]) -> Shell:
    server.capsys = capsys
    return server


def test_a_plant_is_set_up_from_the_command_line(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_bytes(PLAN)
    (tmp_path / "scanner.toml").write_bytes(STATEMENT)
    part = shell.json("part", "add", "box")
    assert shell.json("part", "show", "box")["id"] == part["id"]
    cad = shell.json("cad", "add", "box", str(box(tmp_path / "box.stl")), "--label", "A", "--unit", "mm")
    assert cad["triangles"] == 12
    plan = shell.json("characteristic", "add", "box", str(tmp_path / "plan.csv"))
    assert plan["version"] == 1
    assert shell.json("instrument", "add", "S5", str(tmp_path / "scanner.toml"))["serial"] == "4711"
    asset = shell.json("asset", "add", "box 1/7", "--part", "box", "--metadata", "line=3")
    assert asset["metadata"] == {"line": "3"}
    assert shell.json("asset", "change", "box 1/7", "--serial", "9")["serial"] == "9"
    for kind, name in (("cad", "A"), ("characteristic", "1"), ("instrument", "S5"), ("part", "box")):
        code, text = shell(kind, "list")
        assert (code, name in text) == (0, True)
    assert shell.json("cad", "select", cad["id"])["id"] == cad["id"]
    assert shell.json("characteristic", "select", plan["id"])["id"] == plan["id"]


def test_a_key_is_exchanged_refreshed_and_its_grant_ended(shell: Shell, tmp_path: Path) -> None:
    made = shell.json("key", "add", "--role", "auditor", "--label", "watch", "--scope", "assets:read")
    pair = shell.bearing(made["token"]).json("token", "exchange")
    assert (pair["scopes"], pair["expires_in_s"]) == (None, 600)
    kept = tmp_path / "refresh"
    kept.write_text(pair["refresh_token"] + "\n")
    following = shell.json("token", "refresh", str(kept))
    acting = shell.bearing(following["access_token"])
    assert acting.json("asset", "list") is not None
    assert acting("key", "list")[0] == 3
    (grant,) = acting.json("token", "list", "--grants")
    assert grant["holder_id"] == made["id"]
    acting.json("token", "revoke", grant["id"])
    assert acting("asset", "list")[0] == 3
    assert shell.json("token", "list") == shell.json("token", "list", "--own") == []
    assert len(shell.json("token", "rotate-key")["kid"]) == 43


def test_a_key_gets_another_secret(shell: Shell) -> None:
    made = shell.json("key", "add", "--role", "auditor", "--label", "watch", "--expires", "2036-01-01T00:00:00Z")
    rotated = shell.json("key", "rotate", made["prefix"], "--overlap", "5")
    assert (rotated["id"], rotated["expires_at"]) == (made["id"], made["expires_at"])
    for one in (made, rotated):
        assert shell.bearing(one["token"])("asset", "list")[0] == 0


def test_devices_and_keys_are_made_and_revoked(shell: Shell) -> None:
    shell.json("device", "add", "scanner-7")
    assert shell.json("device", "revoke", "scanner-7")["revoked_at"]
    made = shell.json("key", "add", "--role", "operator", "--label", "cell 7")
    assert made["token"].startswith("d2r_")
    assert shell.json("key", "revoke", made["prefix"])["revoked_at"]
    code, text = shell("key", "list")
    assert (code, made["token"] in text, made["prefix"] in text) == (0, False, True)


def test_alerts_are_seen_and_acknowledged(shell: Shell) -> None:
    shell.json("asset", "add", "unseen", "--metadata", "line=9")
    rule = ("alerts", "set", "weekly", "--kind", "missing_scans", "--reason", "as agreed")
    assert shell.json(*rule, "--setting", "interval_days=7")["settings"]["interval_days"] == 7.0
    assert shell.json("alerts", "rules")[0]["name"] == "weekly"
    look_for_alerts(shell.site.scope(SYSTEM, "main"), utc_now() + timedelta(days=8))
    (alert,) = shell.json("alerts", "list", "--state", "open", "--asset", "unseen")
    assert shell.json("alerts", "show", alert["id"])["title"] == alert["title"]
    assert shell.json("alerts", "acknowledge", alert["id"], "--reason", "in repair")["state"] == "acknowledged"
    code, text = shell("alerts", "list", "--state", "acknowledged")
    assert (code, alert["id"] in text) == (0, True)
    code, text = shell("alerts", "channel", "add", "hall", "--webhook", "http://127.0.0.1/x")
    assert (code, "[channel.origin]" in text) == (3, True)
    assert shell.json("alerts", "channel", "list") == shell.json("alerts", "deliveries") == []
    assert shell.json(*rule, "--off")["enabled"] is False
    code, text = shell(*rule, "--setting", "nonsense")
    assert (code, "--setting is KEY=VALUE" in text) == (3, True)


def test_errors_are_one_line_with_their_code(shell: Shell) -> None:
    code, text = shell("part", "show", "nothing")
    assert (code, text) == (3, "d2r: There is no part 'nothing'. [part.unknown]\n")
    code, text = shell("asset", "add", "x", "--metadata", "nonsense")
    assert code == 3
    assert "--metadata is KEY=VALUE" in text


def test_an_inspection_is_followed_fetched_verified_and_replayed(
    shell: Shell, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sample, scope = sample_files(tmp_path_factory.mktemp("sample")), shell.site.scope(SYSTEM, "main")
    scan = stored_scan(scope, sample, known_part(scope, sample))
    made = shell.json("inspection", "add", scan.id, "--priority", "high")
    store = ObjectStore.of(scope)
    with scope:
        InspectionRow.update(
            alignment_object=store.put_file(sample.alignment).name,
            instrument_object=store.put_file(sample.series.instrument).name,
        ).where(InspectionRow.id == made["id"]).execute()
    assert carry(scope, made["id"], issue) == "recorded"
    code, text = shell("inspection", "show", made["id"], "--wait")
    assert (code, "Pad wear" in text) == (0, True)
    assert [row["id"] for row in shell.json("inspection", "list", "--verdict", "pass")] == [made["id"]]
    code, text = shell("report", "get", made["id"], "--out", str(tmp_path / "report"))
    assert code == 0, text
    vkey = str(shell.site.keys.own_keys()[0])
    assert run(["verify", str(tmp_path / "report" / "evidence.zip"), "--trust", vkey]) in (0, 2)
    assert "UNMODIFIED" in shell.capsys.readouterr().out
    replay = shell.json("inspection", "replay", made["id"])
    carry_replay(scope, replay["id"])
    other = service.create_inspection(scope, scan.id)
    assert shell.json("inspection", "cancel", other.id, "--reason", "twice")["state"] == "cancelled"
    code, _ = shell("inspection", "show", other.id, "--wait")
    assert code == 3
    assert shell.json("inspection", "retry", other.id)["state"] == "stored"


def test_a_workspace_moves_to_another_appliance(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    there, private = tmp_path / "there", tmp_path / "archive.key"
    assert run(["init", "--data", str(there), "--name", "elsewhere.example/2"]) == 0
    shell.capsys.readouterr()
    assert run(["workspace", "archive-key", str(private)]) == 0
    lock = shell.capsys.readouterr().out.strip()
    assert private.stat().st_mode & 0o777 == 0o600
    assert run(["workspace", "archive-key", str(private)]) == 3
    shell.capsys.readouterr()
    shell.json("workspace", "create", "hall-3")
    said = shell.json("workspace", "export", "hall-3", "--reason", "a move", "--lock", lock)
    assert said["size_bytes"] == (tmp_path / "hall-3.d2rw").stat().st_size

    command = ["workspace", "import", "hall-3.d2rw", "--key-file", str(private), "--data", str(there)]
    command += ["--reason", "a move", "--json"]
    shell.capsys.readouterr()
    assert run(command) == 2  # nobody said whose word counts
    assert "not a trusted key" in shell.capsys.readouterr().err
    assert run([*command, "--trust", str(shell.site.keys.own_keys()[0]), "--slug", "hall-4"]) == 0
    made = json.loads(shell.capsys.readouterr().out)
    assert (made["slug"], made["name"], made["condition"]) == ("hall-4", "hall-3", "active")
    assert run(["audit", "verify", "--data", str(there), "--workspace", "hall-4"]) == 2  # no witness has seen it


def test_an_export_that_is_refused_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    command = ("workspace", "export", "main", "--reason", "r", "--out", str(tmp_path / "x"), "--lock")
    code, text = shell(*command, "AAAAAAA-BBBBBBB")
    assert (code, "archive lock" in text, list(tmp_path.iterdir())) == (3, True, [])


def test_long_lists_are_searched_and_sorted(shell: Shell) -> None:
    shell.json("part", "add", "lid")
    for name, location in (("press-b", "hall 1"), ("press-c", "hall 2"), ("press-a", "hall 2")):
        shell.json("asset", "add", name, "--part", "lid", "--location", location)
    names = [row["name"] for row in shell.json("asset", "list", "--search", "PRESS", "--sort", "-name")]
    assert names == ["press-c", "press-b", "press-a"]
    at = ("--part", "lid", "--location", "hall 2", "--sort", "name")
    assert [row["name"] for row in shell.json("asset", "list", *at)] == ["press-a", "press-c"]
    assert [row["name"] for row in shell.json("part", "list", "--search", "li")] == ["lid"]
    assert shell.json("device", "list", "--search", "nothing") == []


def test_results_from_elsewhere_are_looked_at_recorded_and_fetched(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plates.csv").write_text(CSV.replace("value", "Ist"))
    words = ("results", "import", "plates.csv", "--part", "plate", "--create", "--column", "value=Ist")
    code, text = shell(*words, "--dry-run")
    assert code == 0, text
    assert "2 inspections, 4 measurements, 1 contradicted; nothing was recorded." in text
    assert "plate A1 (new)" in text
    row = shell.json(*words, "--no-wait")
    assert carry_results(shell.site.scope(SYSTEM, "main"), row["id"]) == "recorded"
    again = shell.json(*words)
    assert (again["id"], again["state"], again["measurements"]) == (row["id"], "recorded", 4)
    for asked in (("results", "list"), ("results", "show", row["id"])):
        code, text = shell(*asked)
        assert (code, "recorded" in text) == (0, True)
    code, text = shell("results", "contradictions")
    assert (code, "Top" in text, "inconclusive" in text) == (0, True, True)
    shell.json("results", "fetch", row["id"], "--out", "back.csv")
    assert Path("back.csv").read_bytes() == Path("plates.csv").read_bytes()
    inspection = shell.json("inspection", "list")[0]
    code, text = shell("inspection", "show", inspection["id"])
    assert (code, "mm" in text) == (0, True)


def test_results_that_cannot_be_recorded_are_one_line(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("serial,name,value,unit\nA,x,nan,mm\n")
    code, text = shell("results", "import", str(path))
    assert (code, text) == (
        3, "d2r: line 2: value: a value that is not finite. Leave it blank. [results.not_finite]\n",
    )  # fmt: skip
    code, text = shell("results", "import", str(path), "--column", "value")
    assert (code, "[option.pair]" in text) == (3, True)


def test_trends_are_asked_for_at_the_command_line(shell: Shell) -> None:
    shell.site.create_workspace("worn", "Worn", SYSTEM)
    plant, noise = Plant.of(shell.site.scope(SYSTEM, "worn")), Random(1)
    with plant.scope.transaction():
        for day in range(1, 29):
            moment = f"2026-01-{day:02}T12:00:00.000000Z"
            plant.measure(0, moment, [0.001 * day + noise.gauss(0, 0.002)], instrument=plant.instruments[0])
    in_worn = ("--workspace", "worn")
    code, text = shell("trends", "degrading", *in_worn)
    assert (code, "press-00" in text, "2026-0" in text) == (0, True, True)
    assert shell.json("trends", "degrading", *in_worn)[0]["finding"] == "degrades"
    assert shell.json("trends", "show", "press-00", "c0", *in_worn)["q"] is None
    for asked in (
        ("violations", "--part", "housing"), ("capability", "c0"), ("compare", "c0"),
        ("recall", "--instrument", "S5-0"),
        ("what-if", "c0", "--upper", "0.02"), ("instruments",),
    ):  # fmt: skip
        code, text = shell("trends", *asked, *in_worn)
        assert code == 0, text
    assert "Nothing can be told" in shell("trends", "compare", "c0", *in_worn)[1]
    plan = "[zones.z]\n[[characteristic]]\nname = 'other'\nzone = 'z'\nquantity = 'mean'\nupper = 1\ncoverage = 0.9\n"
    add_set(plant.scope, plant.part, plan.encode())
    code, text = shell("trends", "what-if-revision", plant.revisions[1], *in_worn)
    assert (code, "only the limits are those of revision 'C'" in text, "not compared: c0" in text) == (0, True, True)
    times = ("--since", "2026-01-01T00:00:00Z", "--until", "2026-01-20T00:00:00Z")
    assert shell.json("trends", "freeze", "c0", *times, "--reason", "in control", *in_worn)["version"] == 1
    code, text = shell("trends", "chart", "c0", *in_worn)
    assert (code, "28 values against version 1" in text) == (0, True)
    plant.measure(0, "2026-01-29T12:00:00.000000Z", [0.5], instrument=plant.instruments[0])
    assert shell.json("trends", "reference", "press-00", "--reason", "worn", *in_worn)["reason"] == "worn"
    assert watch_instruments(plant.scope) == 1
    [standing] = shell.json("trends", "suspicions", "--standing", *in_worn)
    text = shell("trends", "suspicions", *in_worn)[1]
    assert ("S5-0" in text, "press-00:" in text) == (True, True)
    suspects, clear = (shell.json("inspection", "list", one, *in_worn) for one in ("--suspect", "--not-suspect"))
    assert {one["instrument_is_suspect"] for one in suspects} == {True}
    assert {one["instrument_is_suspect"] for one in clear} == {False}
    failed = ("inspection", "measurements", "--name", "c0", "--decision", "fail", *in_worn)
    assert [one["value"] for one in shell.json(*failed, "--suspect")] == [0.5]
    assert shell.json(*failed, "--not-suspect") == []
    code, text = shell(*failed)
    assert (code, "0.5000 mm" in text, "suspect" in text) == (0, True, True)
    assert "suspect" in shell("trends", "recall", "--instrument", "S5-0", *in_worn)[1]
    assert shell.json("trends", "lift", standing["id"], "--reason", "a worn press", *in_worn)["lifted_at"]
    assert shell.json("inspection", "list", "--suspect", *in_worn) == []
    assert shell.json("trends", "reference", "press-01", "--reason", "ball bar", *in_worn)["reason"] == "ball bar"
    repair = ("--at", "2026-01-27T00:00:00Z", "--reason", "new guide")
    assert shell.json("trends", "repair", "press-00", *repair, *in_worn)["reason"] == "new guide"
    assert shell.json("trends", "degrading", *in_worn) == []


def test_what_changed_between_stored_scans_is_asked_for_listed_and_exported(shell: Shell, tmp_path: Path) -> None:
    scope = shell.site.scope(SYSTEM, "main")
    first, second = two_scans(scope, tmp_path)
    made = shell.json("changes", "add", first.id, second.id, "--depth", "5", "--scale", "20")
    assert made["parameters"] == {"depth_mm": 5.0, "scales_mm": [20.0]}
    assert carry_change(scope, made["id"]) == "done"
    code, text = shell("changes", "list", "--asset", "dune")
    assert (code, "done" in text, "%" in text) == (0, True, True)
    shown = shell.json("changes", "show", made["id"])
    for suffix in (".laz", ".ply", ".npz", ".json"):
        out = tmp_path / f"out{suffix}"
        assert shell("changes", "export", made["id"], str(out))[0] == 0
        assert out.stat().st_size > 1000
    assert json.loads((tmp_path / "out.json").read_text())["change"] == shown["summary"]["change"]
    assert shell("changes", "export", made["id"], str(tmp_path / "out.stl"))[0] == 3
    again = shell.json("changes", "add", second.id, first.id)
    assert shell.json("changes", "cancel", again["id"])["state"] == "cancelled"
    assert shell.json("changes", "retry", again["id"])["state"] == "requested"
    assert shell("changes", "retry", made["id"])[0] == 3, "it is done"
    code, text = shell("changes", "add", first.id, first.id)
    assert (code, "[change.same]" in text) == (3, True)


def test_a_twin_is_looked_at_compared_followed_rolled_back_and_exported(shell: Shell, tmp_path: Path) -> None:
    scope = shell.site.scope(SYSTEM, "main")
    part = create_part(scope, "twinned")
    plant = TwinPlant(scope, part, create_asset(scope, "press 7", part=part), *definitions(scope, part, Random(1)))
    rng = np.random.default_rng(4)
    made = [
        plant.recorded(day, flat_field(np.where(np.arange(CELLS) == 0, -0.02 * day, rng.normal(0, 1e-4, CELLS)), 0.005))
        for day in range(1, 8)
    ]
    assert len(shell.json("twin", "list", "press 7")) == 7
    assert made[-1].id in [one["id"] for one in shell.json("twin", "list")]
    assert shell.json("twin", "show", "press 7", "--measured-until", on(3))["id"] == made[2].id
    assert shell.json("twin", "compare", made[0].id, made[-1].id)["zones"][0]["changed"] == 1
    code, text = shell("twin", "compare", made[0].id, made[-1].id)
    assert (code, "-0.1200" in text, "beyond 2 u of both" in text) == (0, True, True)
    code, text = shell("twin", "map", "press 7")
    assert (code, "-0.6087" in text, "7 versions" in text) == (0, True, True)
    for words in (("version", made[0].id), ("comparison", made[0].id, made[-1].id), ("map", "press 7")):
        out = tmp_path / f"{words[0]}.glb"
        assert shell.json("twin", "export", *words, str(out))["bytes"] == out.stat().st_size > 1000
    assert shell("twin", "export", "map", "press 7", str(tmp_path / "map.txt"))[0] == 3
    back = shell.json("twin", "rollback", "press 7", made[2].id, "--reason", "a mistake")
    assert back["restores_id"] == made[2].id
    assert [row["number"] for row in shell.json("twin", "list", "press 7", "--counting")] == [8, 2, 1]
