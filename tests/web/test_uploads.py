"""The tus endpoint, request by request: statuses, headers, and what stays after each refusal."""

from __future__ import annotations

import hashlib
import io
import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.identity.api_keys import create_api_key
from appliance.ingest import locks
from appliance.ingest.receiving import uploads_of
from appliance.plant.assets import create_asset
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.upload_app import create_app

SCAN = b"0.0 0.0 0.0\n1.0 0.0 0.5\n" * 400
BASE = "/api/v1/workspaces/main/uploads"
OFFSET = "application/offset+octet-stream"


def fields_of(content: bytes, **more: Any) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    fields = {"asset": "press-7", "format": "xyz", "sha256": digest, "size_bytes": len(content)}
    return {**fields, "captured_at": "2026-03-01T12:00:00Z", **more}


def metadata(content: bytes = SCAN, **more: Any) -> str:
    return f"manifest {b64encode(json.dumps(fields_of(content, **more)).encode()).decode()}"


class Caller:
    """One API key at the endpoint; speaks tus unless told otherwise."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}

    def __call__(self, method: str, path: str = BASE, data: bytes | None = None, **headers: Any) -> TestResponse:
        named = {name.replace("_", "-"): str(value) for name, value in headers.items() if value is not None}
        absent = {name.replace("_", "-") for name, value in headers.items() if value is None}
        sent = {name: value for name, value in {**self.headers, **named}.items() if name not in absent}
        return self.client.open(path, method=method, data=data, headers=sent)

    def create(self, content: bytes = SCAN, **more: Any) -> str:
        answer = self("POST", Upload_Length=len(content), Upload_Metadata=metadata(content, **more))
        assert answer.status_code == 201, answer.json
        return answer.headers["Location"]

    def patch(self, path: str, offset: int, data: bytes, **headers: Any) -> TestResponse:
        return self("PATCH", path, data, Upload_Offset=offset, Content_Type=OFFSET, **headers)

    def offset(self, path: str) -> int:
        return int(self("HEAD", path).headers["Upload-Offset"])


@pytest.fixture
def client(site: Site, scope: WorkspaceScope) -> Iterator[FlaskClient]:
    object.__setattr__(site.settings, "free_space_floor_bytes", 0)
    create_asset(scope, "press-7")
    with create_app(site).test_client() as client:
        yield client


def key(site: Site, role: str, slug: str = "main") -> str:
    return create_api_key(site, slug, role, f"a {role}", SYSTEM)[1]


@pytest.fixture
def device(client: FlaskClient, site: Site) -> Caller:
    return Caller(client, key(site, "device"))


def scans(scope: WorkspaceScope) -> list[Scan]:
    with scope:
        return list(Scan.select())


def test_the_server_says_what_it_can_without_a_key(client: FlaskClient) -> None:
    answer = client.options(BASE)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    offered = set(answer.headers["Tus-Extension"].split(","))
    wanted = {"creation", "creation-with-upload", "checksum", "expiration", "termination", "concatenation"}
    assert offered == wanted
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256"}
    assert int(answer.headers["Tus-Max-Size"]) == 16 << 30


def test_a_scan_sent_in_pieces_becomes_evidence(device: Caller, scope: WorkspaceScope, tmp_path: Any) -> None:
    path = device.create()
    assert device.offset(path) == 0
    answer = device.patch(path, 0, SCAN[:5000])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "5000")
    assert "D2R-Scan" not in answer.headers
    answer = device.patch(path, 5000, SCAN[5000:])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(SCAN)))
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    (scan,) = scans(scope)
    assert answer.headers["D2R-Scan"] == f"/api/v1/workspaces/main/scans/{scan.id}"
    assert answer.headers["D2R-Duplicate"] == "false"
    copy_scan(scope, scan, tmp_path / "scan.xyz")
    assert (tmp_path / "scan.xyz").read_bytes() == SCAN


def test_looking_at_an_upload_says_offset_length_metadata_and_expiry(device: Caller) -> None:
    path = device.create()
    device.patch(path, 0, SCAN[:100])
    answer = device("HEAD", path)
    assert answer.status_code == 200
    assert answer.headers["Upload-Offset"] == "100"
    assert answer.headers["Upload-Length"] == str(len(SCAN))
    assert answer.headers["Upload-Metadata"] == metadata()
    assert answer.headers["Upload-Expires"].endswith(" GMT")
    assert answer.headers["Cache-Control"] == "no-store"
    body = device("GET", path, Tus_Resumable=None).json
    assert body is not None
    assert (body["offset_bytes"], body["state"], body["scan_id"]) == (100, "receiving", None)


def test_the_first_bytes_may_come_with_the_creation(device: Caller, scope: WorkspaceScope) -> None:
    answer = device("POST", BASE, SCAN, Upload_Length=len(SCAN), Upload_Metadata=metadata(), Content_Type=OFFSET)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(SCAN)))
    assert scans(scope)[0].id in answer.headers["D2R-Scan"]


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0"])
def test_another_version_of_the_protocol_is_refused(device: Caller, version: str | None) -> None:
    answer = device("POST", Upload_Length=10, Upload_Metadata=metadata(), Tus_Resumable=version)
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_bytes_at_another_offset_are_refused_and_change_nothing(device: Caller) -> None:
    path = device.create()
    device.patch(path, 0, SCAN[:100])
    for offset in (0, 99, 101):
        assert device.patch(path, offset, SCAN[:10]).status_code == 409
    assert device.offset(path) == 100


def test_bytes_of_another_media_type_are_refused(device: Caller) -> None:
    path = device.create()
    assert device("PATCH", path, SCAN, Upload_Offset=0, Content_Type="text/plain").status_code == 415


@pytest.mark.parametrize("offset", [None, "", "-1", "1.5", "abc", "9" * 30])
def test_an_offset_that_is_no_number_is_a_bad_request(device: Caller, offset: str | None) -> None:
    path = device.create()
    assert device("PATCH", path, SCAN, Upload_Offset=offset, Content_Type=OFFSET).status_code == 400


def test_more_bytes_than_the_length_are_too_large(device: Caller) -> None:
    path = device.create()
    assert device.patch(path, 0, SCAN + b"x").status_code == 413
    assert device.offset(path) == 0


def test_an_upload_over_the_limit_is_too_large(device: Caller) -> None:
    answer = device("POST", Upload_Length=(16 << 30) + 1, Upload_Metadata=metadata())
    assert answer.status_code == 413


def test_a_missing_length_is_a_bad_request(device: Caller) -> None:
    assert device("POST", Upload_Metadata=metadata()).status_code == 400


def test_two_requests_that_send_one_upload_are_told_apart(device: Caller, scope: WorkspaceScope) -> None:
    path = device.create()
    with locks.locked(uploads_of(scope), path.rpartition("/")[2]):
        assert device.patch(path, 0, SCAN).status_code == 423
        assert device("DELETE", path).status_code == 423
        assert device.offset(path) == 0
    assert device.patch(path, 0, SCAN).status_code == 204


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_bytes_that_are_not_those_of_their_checksum_are_not_kept(device: Caller, algorithm: str) -> None:
    path = device.create()
    device.patch(path, 0, SCAN[:100])
    right = b64encode(hashlib.new(algorithm, SCAN[100:200]).digest()).decode()
    answer = device.patch(path, 100, SCAN[100:199] + b"?", Upload_Checksum=f"{algorithm} {right}")
    assert answer.status_code == 460
    assert answer.json is not None
    assert answer.json["status"] == 460
    assert device.offset(path) == 100
    assert device.patch(path, 100, SCAN[100:200], Upload_Checksum=f"{algorithm} {right}").status_code == 204
    answer = device.patch(path, 200, SCAN[200:])
    assert "D2R-Scan" in answer.headers


@pytest.mark.parametrize("header", ["md5 abcd", "sha256", "sha256 %%%", "sha256 YWJj="])
def test_a_checksum_that_cannot_be_read_is_a_bad_request(device: Caller, header: str) -> None:
    path = device.create()
    assert device.patch(path, 0, SCAN[:10], Upload_Checksum=header).status_code == 400
    assert device.offset(path) == 0


def test_a_terminated_upload_is_gone(device: Caller, scope: WorkspaceScope) -> None:
    path = device.create()
    device.patch(path, 0, SCAN[:100])
    assert device("DELETE", path).status_code == 204
    for method in ("HEAD", "GET", "DELETE"):
        assert device(method, path).status_code == 404
    assert device.patch(path, 100, SCAN[100:]).status_code == 404
    assert not list(uploads_of(scope).glob("upl_*"))


def test_terminating_a_finished_upload_leaves_its_scan(device: Caller, scope: WorkspaceScope) -> None:
    path = device.create()
    device.patch(path, 0, SCAN)
    assert device("DELETE", path).status_code == 204
    assert len(scans(scope)) == 1


def test_the_method_may_stand_in_a_header(device: Caller) -> None:
    path = device.create()
    answer = device("POST", path, SCAN, Upload_Offset=0, Content_Type=OFFSET, X_HTTP_Method_Override="PATCH")
    assert answer.status_code == 204
    assert device("POST", path, X_HTTP_Method_Override="DELETE").status_code == 204
    assert device("POST", path, X_HTTP_Method_Override="BREW").status_code == 400


def test_partial_uploads_are_joined_in_their_order(device: Caller, scope: WorkspaceScope, tmp_path: Any) -> None:
    pieces = [SCAN[:3000], SCAN[3000:3001], SCAN[3001:]]
    paths = []
    for piece in pieces:
        answer = device("POST", Upload_Length=len(piece), Upload_Concat="partial")
        assert answer.status_code == 201
        paths.append(answer.headers["Location"])
        assert device.patch(paths[-1], 0, piece).status_code == 204
        assert device("HEAD", paths[-1]).headers["Upload-Concat"] == "partial"
    urls = f"final;http://localhost{paths[0]} {paths[1]} {paths[2]}"
    answer = device("POST", Upload_Concat=urls, Upload_Metadata=metadata())
    assert answer.status_code == 201, answer.json
    final = device("HEAD", answer.headers["Location"])
    assert final.headers["Upload-Concat"] == f"final;{' '.join(paths)}"
    assert final.headers["Upload-Offset"] == final.headers["Upload-Length"] == str(len(SCAN))
    (scan,) = scans(scope)
    copy_scan(scope, scan, tmp_path / "scan.xyz")
    assert (tmp_path / "scan.xyz").read_bytes() == SCAN
    assert not list(uploads_of(scope).glob("upl_*"))
    assert device.patch(answer.headers["Location"], len(SCAN), b"").status_code == 403


def test_partial_uploads_that_are_not_complete_are_not_joined(device: Caller) -> None:
    answer = device("POST", Upload_Length=10, Upload_Concat="partial")
    path = answer.headers["Location"]
    assert device("POST", Upload_Concat=f"final;{path}", Upload_Metadata=metadata(SCAN[:10])).status_code == 409
    device.patch(path, 0, SCAN[:10])
    twice = device("POST", Upload_Concat=f"final;{path} {path}", Upload_Metadata=metadata(SCAN[:20]))
    assert twice.status_code == 422
    whole = device.create()
    assert device("POST", Upload_Concat=f"final;{whole}", Upload_Metadata=metadata()).status_code == 422
    assert device("POST", Upload_Concat="final;", Upload_Metadata=metadata()).status_code == 422
    assert device("POST", Upload_Concat="half", Upload_Length=1, Upload_Metadata=metadata()).status_code == 400


def test_the_same_content_again_is_the_same_scan(device: Caller, scope: WorkspaceScope) -> None:
    first = device.patch(device.create(), 0, SCAN)
    second = device.patch(device.create(captured_at="2026-03-02T12:00:00Z"), 0, SCAN)
    assert second.headers["D2R-Scan"] == first.headers["D2R-Scan"]
    assert (first.headers["D2R-Duplicate"], second.headers["D2R-Duplicate"]) == ("false", "true")
    assert len(scans(scope)) == 1


def test_an_empty_file_needs_no_bytes_and_goes_into_quarantine(device: Caller, scope: WorkspaceScope) -> None:
    answer = device("POST", Upload_Length=0, Upload_Metadata=metadata(b""))
    assert answer.status_code == 201
    assert "D2R-Scan" in answer.headers
    assert scans(scope)[0].reason_code == "ingest.empty"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", 422),
        ("manifest", 422),
        ("manifest %%%", 400),
        ("manifest e30=,manifest e30=", 400),
        ("manifest e30=", 422),
        ("manifest bm90IGpzb24=", 422),
        ("asset /w==", 422),
        (metadata(surprise=1), 422),
        (metadata(size_bytes=1), 422),
        (metadata(asset="unknown"), 422),
        (metadata(device="unknown"), 422),
        (metadata(instrument="unknown"), 422),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_before_any_byte(device: Caller, header: str, status: int) -> None:
    answer = device("POST", Upload_Length=len(SCAN), Upload_Metadata=header)
    assert answer.status_code == status, answer.json
    assert answer.json is not None
    assert answer.json["detail"]


def test_the_manifest_may_come_field_by_field(device: Caller, scope: WorkspaceScope) -> None:
    fields = {**fields_of(SCAN), "filename": "part.xyz", "filetype": "text/plain", "metadata": '{"shift":2}'}
    header = ",".join(f"{name} {b64encode(str(value).encode()).decode()}" for name, value in fields.items())
    answer = device("POST", BASE, SCAN, Upload_Length=len(SCAN), Upload_Metadata=header, Content_Type=OFFSET)
    assert answer.status_code == 201, answer.json
    said = json.loads(scans(scope)[0].manifest)
    assert (said["name"], said["metadata"]) == ("part.xyz", {"shift": 2})


def test_a_disk_that_is_too_full_says_so_and_what_was_acknowledged_stays(device: Caller, site: Site) -> None:
    path = device.create()
    device.patch(path, 0, SCAN[:100])
    object.__setattr__(site.settings, "free_space_floor_bytes", 1 << 60)
    assert device.patch(path, 100, SCAN[100:]).status_code == 507
    assert device("POST", Upload_Length=10, Upload_Metadata=metadata(SCAN[:10])).status_code == 507
    assert device.offset(path) == 100
    object.__setattr__(site.settings, "free_space_floor_bytes", 0)
    assert device.patch(path, 100, SCAN[100:]).status_code == 204


def test_an_upload_is_its_senders_own_but_an_owner_sees_it(device: Caller, client: FlaskClient, site: Site) -> None:
    path = device.create()
    colleague, owner = Caller(client, key(site, "device")), Caller(client, key(site, "owner"))
    assert colleague("HEAD", path).status_code == 404
    assert colleague.patch(path, 0, SCAN).status_code == 404
    assert colleague("DELETE", path).status_code == 404
    assert owner("HEAD", path).status_code == 200


def test_strangers_and_readers_send_nothing(device: Caller, client: FlaskClient, site: Site) -> None:
    site.create_workspace("other", "Other", SYSTEM)
    path, stranger = device.create(), Caller(client, key(site, "owner", "other"))
    auditor, nobody = Caller(client, key(site, "auditor")), Caller(client, "d2r_none")
    calls = [("POST", BASE), ("HEAD", path), ("GET", path), ("PATCH", path), ("DELETE", path)]
    for method, target in calls:
        assert stranger(method, target).status_code == 404
        assert auditor(method, target).status_code == 403
        assert nobody(method, target).status_code in (401, 403)
        assert client.open(target, method=method).status_code == 401
    assert device.offset(path) == 0


def test_a_connection_that_breaks_leaves_what_came(device: Caller, client: FlaskClient) -> None:
    path = device.create()
    headers = {**device.headers, "Upload-Offset": "0", "Content-Type": OFFSET, "Content-Length": str(len(SCAN))}
    environ = {"wsgi.input": io.BytesIO(SCAN[:7000]), "CONTENT_LENGTH": str(len(SCAN))}
    client.open(path, method="PATCH", headers=headers, environ_overrides=environ)
    assert device.offset(path) == 7000
    assert "D2R-Scan" in device.patch(path, 7000, SCAN[7000:]).headers


def test_a_checked_request_that_breaks_leaves_nothing(device: Caller, client: FlaskClient) -> None:
    path = device.create()
    check = b64encode(hashlib.sha256(SCAN).digest()).decode()
    headers = {**device.headers, "Upload-Offset": "0", "Content-Type": OFFSET, "Upload-Checksum": f"sha256 {check}"}
    environ = {"wsgi.input": io.BytesIO(SCAN[:7000]), "CONTENT_LENGTH": str(len(SCAN))}
    assert client.open(path, method="PATCH", headers=headers, environ_overrides=environ).status_code == 460
    assert device.offset(path) == 0
