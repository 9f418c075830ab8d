"""The document is the contract: whatever it allows or forbids, no role gets an answer that it does not describe.

``make contract`` runs it longer (``D2R_CONTRACT_EXAMPLES``) and as everybody, with requests that are made up and chains
of them, other ones every time; ``D2R_CONTRACT_SEED`` makes up the same again.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.serving import make_server

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.ingest.service import begin
from appliance.inspections.carry import carry
from appliance.inspections.models import InspectionRow
from appliance.inspections.service import create_inspection, request_replay
from appliance.measurements.instruments import add_instrument
from appliance.objects.sealed import ObjectStore
from appliance.plant.devices import enrol_device
from appliance.plant.operators import person_of_badge
from appliance.reports.issuing import issue
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.contract_run import Effort, Outcome, run_contract
from tests.line_samples import known_part, sample_files, stored_scan
from tests.postgresql_cluster import ON_POSTGRESQL
from tests.web.conftest import ROLES

ROOT = Path(__file__).resolve().parents[2]
#: Every rate is allowed: how often one may ask is tested elsewhere.
ENVIRONMENT: Final = {
    "D2R_FREE_SPACE_FLOOR_BYTES": "0", "D2R_REQUESTS_PER_MINUTE": "1000000", "D2R_FAILURES_PER_MINUTE": "1000000"
}  # fmt: skip
#: The examples of the document; every value at the edges of its form, and beyond; requests made up, and chains of them.
EXAMPLES: Final = Effort(frozenset({"examples"}))
EDGES: Final = Effort(frozenset({"coverage"}))
MOST: Final = int(os.environ.get("D2R_CONTRACT_EXAMPLES", "1"))
SEED: Final = int(os.environ.get("D2R_CONTRACT_SEED", "0")) or (random.randrange(1, 10**9) if MOST > 1 else None)
MADE_UP: Final = Effort(frozenset({"fuzzing", "stateful"}), MOST, SEED)
CALLERS: Final = (*ROLES, "stranger", "appliance", "nobody")
#: On PostgreSQL those who may do everything: the others are refused before a row is asked for.
ASKING: Final = ("owner", "appliance") if ON_POSTGRESQL and MOST == 1 else CALLERS
#: Fewest operations that a caller succeeds with: a run that meets refusals alone shows nothing.
SUCCEED: Final = {
    "owner": 55, "appliance": 50, "supervisor": 42, "operator": 40, "service": 40, "auditor": 42, "device": 5,
    "plant-it": 4, "stranger": 3, "nobody": 1,
}  # fmt: skip
#: A document of two routes, of which its server keeps nothing.
PROMISES: Final = {
    "openapi": "3.1.0",
    "info": {"title": "Promises", "version": "1"},
    "paths": {
        path: {
            "get": {
                "responses": {
                    "200": {
                        "description": "A name",
                        "headers": {"X-Request-Id": {"required": True, "schema": {"type": "string"}}},
                        "content": {
                            "application/json": {
                                "schema": {"type": "object", "properties": {"name": {"type": "string"}}}
                            }
                        },
                    }
                }
            }
        }
        for path in ("/kept", "/failing")
    },
}
RECEIPT: Final = '{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}'
REVOKE: Final = "POST /api/v1/workspaces/{slug}/keys/{key}/revoke"


@dataclass(frozen=True)
class Plant:
    """A served appliance with something of every kind in its workspace ``main``; ``ids`` lead to it."""

    address: str
    tokens: dict[str, str]
    ids: dict[str, str]

    def asked_by(self, who: str, effort: Effort, *, by_id: bool = False) -> Outcome:
        """Everything, asked by one caller; keys and workspaces that are ended are others than those that are used."""
        known = {"path.slug": "main", "path.workspace": "spare"}
        known |= {f"path.{name}": value for name, value in self.ids.items()} if by_id else {}
        elsewhere = {REVOKE: {"path.key": self.ids["key"]}}
        return run_contract(self.address, self.tokens.get(who), effort, known, elsewhere)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    data = tmp_path_factory.mktemp("contract") / "appliance"
    with Site.open(load_settings(data, ENVIRONMENT), create=True) as site:
        for slug in ("main", "other", "spare"):
            site.create_workspace(slug, slug.title(), SYSTEM)
        tokens = {role: create_api_key(site, "main", role, role, SYSTEM)[1] for role in ROLES}
        tokens["stranger"] = create_api_key(site, "other", "owner", "stranger", SYSTEM)[1]
        tokens["appliance"] = create_api_key(site, None, "owner", "appliance", SYSTEM)[1]
        ids = stocked(site.scope(SYSTEM, "main"), tmp_path_factory.mktemp("sample"))
        ids["key"] = create_api_key(site, "main", "auditor", "spare", SYSTEM)[0].id
    with served(data) as address:
        yield Plant(address, tokens, ids)


def stocked(scope: WorkspaceScope, folder: Path) -> dict[str, str]:
    """Something of every kind: a scan with a verdict and a replay, what led to it, a device, a person; returns ids."""
    sample = sample_files(folder)
    asset = known_part(scope, sample)
    instrument = add_instrument(scope, "S5", sample.series.instrument.read_bytes())
    scan = stored_scan(scope, sample, asset)
    done = create_inspection(scope, scan.id, instrument_object=instrument.statement_object)
    pose = ObjectStore.of(scope).put_file(sample.alignment).name
    with scope.transaction():
        Scan.update(receipt=RECEIPT).where(Scan.id == scan.id).execute()
        InspectionRow.update(alignment_object=pose).where(InspectionRow.id == done.id).execute()
    assert carry(scope, done.id, issue) == "recorded"
    return {
        "asset": asset.id, "part": asset.part_id, "instrument": instrument.id, "scan_id": scan.id,
        "inspection_id": done.id, "revision_id": done.cad_revision_id, "set_id": done.characteristic_set_id,
        "replay_id": request_replay(scope, done.id).id, "device": enrol_device(scope, "scanner-7", None).id,
        "person_id": person_of_badge(scope, "4711", "A. Miller"), "index": "0",
        "upload_id": begin(scope, 5, manifest=None, metadata="", partial=True).id,
    }  # fmt: skip


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The application under gunicorn, as the appliance runs it; gives its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "-c", "python:appliance.supervise.web_server", "web.app:create_app()"]
    own = {"D2R_DATA": str(data), "D2R_PORT": str(port), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **ENVIRONMENT, **own}
    with (data / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log, start_new_session=True)
    try:
        until = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < until, (data / "gunicorn.log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)


def require_kept(outcome: Outcome) -> None:
    """Fail with everything that was found."""
    assert not outcome.findings, "\n\n".join(f"{name}\n  {text}" for name, text in outcome.findings.items())


@pytest.mark.parametrize("who", ASKING)
def test_the_examples_of_the_document_are_answered_as_it_says(plant: Plant, who: str) -> None:
    outcome = plant.asked_by(who, EXAMPLES, by_id=True)
    require_kept(outcome)
    assert len(outcome.succeeded) >= SUCCEED[who], sorted(outcome.succeeded)
    if who == "owner":
        made = ("parts", "assets", "devices", "operators", "instruments", "characteristics", "keys")
        assert {f"POST /api/v1/workspaces/{{slug}}/{kind}" for kind in made} <= outcome.succeeded
    if who == "appliance":
        assert "POST /api/v1/workspaces/{workspace}/export" in outcome.succeeded


@pytest.mark.slow
def test_values_at_the_edge_of_their_form_are_taken_and_those_beyond_refused(plant: Plant) -> None:
    outcome = plant.asked_by("owner", EDGES)
    require_kept(outcome)
    assert outcome.statuses.total() > 3000
    assert min(outcome.statuses[status] for status in (200, 201, 400, 404, 405, 412, 415, 422)) > 3, outcome.statuses


@pytest.mark.parametrize("who", CALLERS if MOST > 1 else ("supervisor",))
def test_made_up_requests_and_chains_of_them_are_answered_as_the_document_says(plant: Plant, who: str) -> None:
    outcome = plant.asked_by(who, MADE_UP)
    print(f"{who}: {outcome.statuses.total()} requests, {len(outcome.succeeded)} operations succeeded, seed {SEED}")
    require_kept(outcome)


def test_a_server_that_breaks_its_promises_is_found() -> None:
    """The run itself is held to what it is for."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        status = "500 Internal Server Error" if path == "/failing" else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(PROMISES if path == "/openapi.json" else {"name": 7}).encode()]

    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        outcome = run_contract(f"http://127.0.0.1:{server.server_port}", None, MADE_UP, {}, {})
    finally:
        server.shutdown()
    assert set(outcome.findings) == {
        "GET /failing: not_a_server_error", "GET /failing: status_code_conformance",
        "GET /kept: response_schema_conformance", "GET /kept: response_headers_conformance",
    }  # fmt: skip
