"""``d2r push`` against a real server: scans arrive once, whatever breaks on the way, and the receipt proves it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.cli import pushing
from appliance.cli.main import run
from appliance.cli.pushing import Delivery
from appliance.config.settings import load_settings
from appliance.crypto.keystore import KeyStore
from appliance.ingest.receipt import verify_receipt
from appliance.plant.devices import enrol_device
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.broken_link import broken_link
from tests.upload_server import ROOT, found, serving

MIB = 1 << 20


class Edge:
    """An edge device: its key, its files, and the server that it sends to."""

    def __init__(self, data: Path, token: str, port: int) -> None:
        self.data, self.token, self.port = data, token, port
        self.folder = data.parent

    def options(self, port: int | None = None) -> list[str]:
        return ["--url", f"http://127.0.0.1:{port or self.port}", "--key", self.token, "--asset", "press-7"]

    def scan(self, name: str, size: int) -> Path:
        path = self.folder / name
        line = f"{name} 1.0 2.0\n".replace(".", "0").encode()
        path.write_bytes((line * (size // len(line) + 1))[:size])
        return path

    def rows(self, path: Path) -> list[Scan]:
        with Site.open(load_settings(self.data, {})) as site, site.scope(SYSTEM, "main") as scope:
            assert scope.slug == "main"
            return list(Scan.select().where(Scan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()))

    def trusted(self) -> Any:
        return KeyStore.open(load_settings(self.data, {}).keys_folder).own_keys()


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    data = tmp_path_factory.mktemp("push") / "data"
    token = found(data)
    with serving(data) as port:
        yield Edge(data, token, port)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("D2R_PUSH_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("D2R_HOME", str(tmp_path / "home"))


def pushed(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    code = run(["push", *map(str, arguments), "--json"])
    out = capsys.readouterr()
    return code, json.loads(out.out) if out.out else [{"stderr": out.err}]


def test_a_pushed_scan_is_there_once_and_its_receipt_proves_it(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("first.xyz", 2 * MIB)
    code, (said,) = pushed(capsys, path, *edge.options(), "--no-compress", "--metadata", "shift=2")
    assert (code, said["state"], said["duplicate"], said["sent_bytes"]) == (0, "stored", False, 2 * MIB)
    (scan,) = edge.rows(path)
    assert scan.id == said["scan"]
    assert json.loads(scan.manifest)["metadata"] == {"shift": "2"}
    statement = verify_receipt(Path(said["receipt"]).read_bytes(), edge.trusted())
    assert {"name": "scan", "digest": {"sha256": said["sha256"]}} in statement["subject"]
    code, (again,) = pushed(capsys, path, *edge.options(), "--no-compress")
    assert (code, again["scan"], again["duplicate"]) == (0, scan.id, True)
    assert len(edge.rows(path)) == 1


def test_a_text_scan_goes_compressed_and_is_the_same_evidence(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("packed.xyz", 3 * MIB)
    code, (said,) = pushed(capsys, path, *edge.options())
    assert code == 0
    assert said["sent_bytes"] < MIB // 10
    (scan,) = edge.rows(path)
    assert (scan.encoding, scan.size_bytes) == ("zstd", 3 * MIB)


def test_a_push_survives_links_that_break(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("broken.xyz", 12 * MIB)
    with broken_link(edge.port, [4 * MIB, 200_000, 3 * MIB]) as port:
        code, (said,) = pushed(capsys, path, *edge.options(port), "--no-compress")
    assert (code, said["state"]) == (0, "stored")
    assert said["interruptions"] == 3
    assert len(edge.rows(path)) == 1


def test_a_killed_push_goes_on_where_it_stopped(edge: Edge, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = edge.scan("killed.xyz", 24 * MIB)
    slow = Path(__file__).with_name("slow_push.py")
    command = [sys.executable, str(slow), str(path), *edge.options(), "--no-compress", "--json"]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"halfway\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    time.sleep(0.3)
    assert list((tmp_path / "state").iterdir())
    code, (said,) = pushed(capsys, path, *edge.options(), "--no-compress")
    assert (code, said["state"]) == (0, "stored")
    assert said["resumed_at"] >= 8 * MIB
    assert said["sent_bytes"] == 24 * MIB - said["resumed_at"]
    assert not list((tmp_path / "state").iterdir())


def test_a_forgotten_upload_is_begun_again(edge: Edge, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = edge.scan("forgotten.xyz", MIB)
    from appliance.client.announcement import announce
    from appliance.client.memory import Memory

    announced = announce(path, {"asset": "press-7"}, compress=False, signer=None, progress=lambda _: None)
    base = f"http://127.0.0.1:{edge.port}/api/v1/workspaces/main"
    Memory.of(base, announced.metadata).remember("/api/v1/workspaces/main/uploads/upl_gone")
    code, (said,) = pushed(capsys, path, *edge.options(), "--no-compress")
    assert (code, said["state"], said["resumed_at"]) == (0, "stored", 0)


def test_a_file_that_is_not_what_its_name_says_is_quarantined(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("wrong.e57", 5000)
    good = edge.scan("beside.xyz", 5000)
    code, (bad, fine) = pushed(capsys, path, good, *edge.options())
    assert (code, bad["state"], fine["state"]) == (3, "quarantined", "stored")
    assert bad["error"]["code"] == "ingest.format"
    statement = verify_receipt(Path(bad["receipt"]).read_bytes(), edge.trusted())
    assert statement["predicate"]["reason_code"] == "ingest.format"


def test_what_the_appliance_refuses_is_told_in_its_words(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("refused.xyz", 5000)
    options = [option if option != "press-7" else "no-such-asset" for option in edge.options()]
    code, (said,) = pushed(capsys, path, *options)
    assert (code, said["error"]["code"]) == (3, "manifest.unknown")
    wrong_key = ["--url", f"http://127.0.0.1:{edge.port}", "--key", "d2r_wrong", "--asset", "press-7"]
    code, (said,) = pushed(capsys, path, *wrong_key)
    assert code == 3
    assert said["error"]["code"].startswith(("auth.", "key."))


def test_nobody_answering_is_said_soon(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("alone.xyz", 5000)
    began = time.monotonic()
    code = run(["push", str(path), *edge.options(1)])
    assert code == 3
    assert "does not answer: Connection refused" in capsys.readouterr().err
    assert time.monotonic() - began < 10


def test_a_signed_manifest_is_the_devices_own(edge: Edge, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = edge.scan("signed.xyz", 5000)
    vkey = str(KeyStore.open_or_create(tmp_path / "home", "edge-4").own_keys()[0])
    options = [*edge.options(), "--device", "edge-4", "--sign"]
    with Site.open(load_settings(edge.data, {})) as site:
        enrol_device(site.scope(SYSTEM, "main"), "edge-4", vkey)
    code, (said,) = pushed(capsys, path, *options)
    assert code == 3  # the key of another device sends it
    assert said["error"]["code"] == "manifest.device"


def test_waiting_without_a_plan_says_what_is_missing(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    code, (said,) = pushed(capsys, edge.scan("unplanned.xyz", 5000), *edge.options(), "--wait")
    assert (code, said["error"]["code"], said["state"]) == (3, "push.no_inspection", "stored")


def test_without_json_a_person_reads_what_came_of_it(edge: Edge, capsys: pytest.CaptureFixture[str]) -> None:
    path = edge.scan("told.xyz", 5000)
    assert run(["push", str(path), *edge.options()]) == 0
    out = capsys.readouterr().out
    assert "scn_" in out
    assert f"receipt {path}.receipt.json" in out


class Answers:
    """An appliance that answers a scan with one inspection after the other."""

    def __init__(self, *inspections: dict[str, Any]) -> None:
        self.inspections = list(inspections)
        self.scans = self

    def get_scan(self, scan_id: str) -> dict[str, Any]:
        left = self.inspections.pop(0) if len(self.inspections) > 1 else self.inspections[0]
        return {"id": scan_id, "state": "stored", "reason_code": None, "inspections": [left]}


def inspection(state: str, verdict: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {
        "id": "ins_1",
        "state": state,
        "progress": 0.5,
        "verdict": verdict,
        "error_code": error,
        "error_message": error,
    }


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (inspection("recorded", "pass"), 0),
        (inspection("recorded", "fail"), 1),
        (inspection("recorded", "inconclusive"), 2),
        (inspection("recorded", "not_measured"), 2),
        (inspection("failed", None, "scan.broken"), 3),
        (inspection("cancelled"), 3),
    ],
)
def test_the_exit_code_is_that_of_the_verdict(
    monkeypatch: pytest.MonkeyPatch, ended: dict[str, Any], code: int
) -> None:
    monkeypatch.setattr(pushing, "_LOOK_EVERY_S", 0.0)
    delivery = Delivery("scan.e57", scan="scn_1", state="stored")
    answers: Any = Answers(inspection("stored"), inspection("aligned"), ended)
    pushing._await_verdict(answers, delivery, quiet=True)
    assert pushing.exit_code([delivery]) == code
    assert pushing.exit_code([delivery, Delivery("other", state="stored", verdict="pass")]) == code
