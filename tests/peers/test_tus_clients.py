"""Clients of others upload to our server: tuspy, and tus-js-client, the reference client of the protocol."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tusclient.client import TusClient
from tusclient.uploader import Uploader

from appliance.config.settings import load_settings
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.broken_link import broken_link
from tests.services import require
from tests.upload_server import found, serving

HERE = Path(__file__).parent / "tus"
PATH = "/api/v1/workspaces/main/uploads"
MIB = 1 << 20


class Server:
    """A running server and the key of a device."""

    def __init__(self, data: Path, token: str, port: int) -> None:
        self.data, self.token, self.port = data, token, port

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def evidence(self, content: bytes, folder: Path) -> bytes:
        """What the appliance holds of the scan with this content."""
        with Site.open(load_settings(self.data, {})) as site:
            scope = site.scope(SYSTEM, "main")
            with scope:
                scan = Scan.get(Scan.sha256 == hashlib.sha256(content).hexdigest())
            assert scan.state == "stored", scan.reason
            copy_scan(scope, scan, folder / "evidence")
        return (folder / "evidence").read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("appliance") / "data"
    token = found(data)
    with serving(data) as port:
        yield Server(data, token, port)


@pytest.fixture(scope="module")
def node() -> Path:
    """The folder of our script with tus-js-client beside it, installed once from the lock file into a cache."""
    npm = shutil.which("npm")
    require("tus-js-client", npm is not None, "there is no npm command")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "d2r" / f"tus-{lock}"
    if not (cache / "node_modules" / "tus-js-client").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache)
        done = subprocess.run(
            [str(npm), "ci", "--no-audit", "--no-fund"], cwd=cache, capture_output=True, text=True, timeout=120
        )
        require("tus-js-client", done.returncode == 0, done.stderr.strip()[-200:])
    shutil.copy(HERE / "upload.js", cache / "upload.mjs")
    return cache


def content_of(size: int, seed: str) -> bytes:
    line = f"{hashlib.sha256(seed.encode()).hexdigest()[:6]} 1.0 2.0\n".encode()
    return (line * (size // len(line) + 1))[:size]


def fields_of(content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    captured = "2026-03-01T12:00:00Z"
    return {"asset": "press-7", "format": "xyz", "sha256": digest, "size_bytes": len(content), "captured_at": captured}


def tuspy(server: Server, path: Path, port: int | None = None, **more: Any) -> Uploader:
    fields = {name: str(value) for name, value in fields_of(path.read_bytes()).items()}
    client = TusClient(f"http://127.0.0.1:{port or server.port}{PATH}", headers=server.headers)
    return client.uploader(str(path), metadata=fields, **more)


@pytest.mark.parametrize("checked", [False, True])
def test_tuspy_uploads_in_chunks(server: Server, tmp_path: Path, checked: bool) -> None:
    content = content_of(3 * MIB + 17, f"chunks {checked}")
    (tmp_path / "scan.xyz").write_bytes(content)
    uploader = tuspy(server, tmp_path / "scan.xyz", chunk_size=MIB // 2, upload_checksum=checked)
    uploader.upload()
    assert "/scans/scn_" in uploader.request.response_headers["d2r-scan"]
    assert server.evidence(content, tmp_path) == content


def test_tuspy_goes_on_over_a_link_that_breaks(server: Server, tmp_path: Path) -> None:
    content = content_of(8 * MIB, "broken")
    (tmp_path / "scan.xyz").write_bytes(content)
    with broken_link(server.port, [3 * MIB, 100_000, MIB]) as port:
        uploader = tuspy(server, tmp_path / "scan.xyz", port, retries=8, retry_delay=0)
        uploader.upload()
    assert server.evidence(content, tmp_path) == content


def test_tuspy_goes_on_after_its_process_was_lost(server: Server, tmp_path: Path) -> None:
    content = content_of(4 * MIB, "lost")
    (tmp_path / "scan.xyz").write_bytes(content)
    first = tuspy(server, tmp_path / "scan.xyz", chunk_size=MIB)
    first.upload(stop_at=2 * MIB)
    second = tuspy(server, tmp_path / "scan.xyz", chunk_size=MIB, url=first.url)
    assert second.offset == 2 * MIB
    second.upload()
    assert server.evidence(content, tmp_path) == content


def run_node(node: Path, server: Server, path: Path, port: int | None = None, **options: Any) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port or server.port}{PATH}"
    manifest = json.dumps(fields_of(path.read_bytes()))
    command = ["node", "upload.mjs", url, server.token, str(path), manifest, json.dumps(options)]
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "options",
    [{}, {"chunkSize": MIB}, {"uploadDataDuringCreation": True}, {"parallelUploads": 3}, {"overridePatchMethod": True}],
    ids=["whole", "chunks", "with-creation", "parallel", "override"],
)
def test_tus_js_client_uploads(server: Server, node: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    content = content_of(3 * MIB + 5, f"js {options}")
    (tmp_path / "scan.xyz").write_bytes(content)
    result = run_node(node, server, tmp_path / "scan.xyz", **options)
    assert any(answer["scan"] for answer in result["answers"])
    assert server.evidence(content, tmp_path) == content


def test_tus_js_client_goes_on_over_a_link_that_breaks(server: Server, node: Path, tmp_path: Path) -> None:
    content = content_of(8 * MIB, "js broken")
    (tmp_path / "scan.xyz").write_bytes(content)
    with broken_link(server.port, [3 * MIB, 2 * MIB]) as port:
        result = run_node(node, server, tmp_path / "scan.xyz", port)
    assert [answer["method"] for answer in result["answers"]].count("HEAD") >= 2
    assert server.evidence(content, tmp_path) == content


def test_tus_js_client_resumes_an_upload_of_another(server: Server, node: Path, tmp_path: Path) -> None:
    content = content_of(4 * MIB, "js resumed")
    (tmp_path / "scan.xyz").write_bytes(content)
    begun = tuspy(server, tmp_path / "scan.xyz", chunk_size=MIB)
    begun.upload(stop_at=MIB)
    result = run_node(node, server, tmp_path / "scan.xyz", uploadUrl=begun.url)
    assert [answer["method"] for answer in result["answers"]][:2] == ["HEAD", "PATCH"]
    assert server.evidence(content, tmp_path) == content


def test_the_metadata_of_an_upload_may_be_as_long_as_a_signed_manifest(server: Server) -> None:
    headers = {**server.headers, "Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "x " + "A" * 60_000}
    answer = requests.post(f"http://127.0.0.1:{server.port}{PATH}", headers=headers, timeout=10)
    assert answer.status_code == 422
    assert b64decode("A" * 60_000)


def test_the_shell_example_of_the_documentation_works(server: Server, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    require("curl", curl is not None, "there is no curl command")
    text = (HERE.parents[2] / "docs" / "uploads.md").read_text()
    script = text.partition("```sh\n")[2].partition("```")[0].partition("# 4.")[0]
    content = b"ASTM-E57" + content_of(2 * MIB, "curl")
    (tmp_path / "part-0815.e57").write_bytes(content)
    (tmp_path / "device.key").write_text(server.token)
    script = script.replace("https://appliance.example:8470", f"http://127.0.0.1:{server.port}")
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "D2R-Scan: /api/v1/workspaces/main/scans/scn_" in done.stdout, done.stdout
    assert server.evidence(content, tmp_path) == content
