"""``d2r device``: coming in over a real line, with TLS and without, interrupted, and with somebody in between."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from appliance.cli.main import run
from appliance.client.device import Identity, connection_of, enrol_here, renew_here
from appliance.enrolment import enrolling
from appliance.enrolment.codes import make_code
from appliance.enrolment.keys import list_keys, revoke_key
from appliance.errors import Conflict, Denied, InvalidInput, Misconfigured
from appliance.identity.api_keys import create_api_key
from appliance.plant.assets import create_asset
from appliance.plant.devices import find_device, list_devices
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from web.app import create_app

KILLED = -9


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate of this machine, as files, and its SHA-256."""

    certificate: Path
    key: Path
    sha256: str

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def new_certificate(folder: Path, name: str) -> Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = builder.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    return Certificate(certificate, private, sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest())


@contextmanager
def served(site: Site, certificate: Certificate | None = None) -> Iterator[str]:
    """The address of the appliance, served over a line that shows ``certificate``."""
    server = make_server("127.0.0.1", 0, create_app(site=site), True, ssl_context=certificate and certificate.context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    return tmp_path / "edge" / "device.json"


@pytest.fixture
def own(tmp_path: Path) -> Certificate:
    return new_certificate(tmp_path, "appliance")


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_device_is_enrolled_pushes_what_it_signs_and_renews_its_key(
    site: Site, scope: WorkspaceScope, identity: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    object.__setattr__(site, "settings", replace(site.settings, free_space_floor_bytes=0))
    create_asset(scope, "press-07")
    scan = tmp_path / "a.xyz"
    scan.write_text("0 0 0\n1 0 0\n0 1 0\n")
    monkeypatch.setenv("D2R_DEVICE", str(identity))
    with served(site) as url:
        assert run(["device", "enrol", "--url", url, "--code", make_code(scope)[1], "--name", "edge", "--json"]) == 0
        shown = said(capsys)
        assert (shown["name"], "seed" in shown) == ("edge", False)
        assert identity.stat().st_mode & 0o777 == 0o600
        for _ in range(2):
            assert run(["push", str(scan), "--asset", "press-07", "--unit", "mm", "--json"]) == 0
            assert said(capsys)[0]["state"] == "stored"
            assert run(["device", "renew", "--json"]) == 0
            said(capsys)
    device = find_device(scope, "edge")
    with scope:
        row = Scan.select().get()
    assert (row.device_id, row.received_by, bool(row.manifest_envelope)) == (device.id, device.id, True)
    assert len(list_keys(scope, device)) == 3


def test_an_owner_makes_a_code(site: Site, identity: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, key = create_api_key(site, "main", "owner", "the owner", SYSTEM)
    with served(site) as url:
        assert run(["device", "code", "edge", "--minutes", "5", "--url", url, "--key", key, "--json"]) == 0
        made = said(capsys)
        assert made["device_name"] == "edge"
        assert enrol_here(url, made["code"], "edge", "main", identity).name == "edge"


def test_an_owner_revokes_the_key_that_a_device_replaced(
    site: Site, scope: WorkspaceScope, identity: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, owner = create_api_key(site, "main", "owner", "the owner", SYSTEM)
    with served(site) as url:
        how = ["--url", url, "--key", owner, "--json"]
        old = enrol_here(url, make_code(scope)[1], "edge", "main", identity).key
        new = renew_here(identity).key
        assert run(["device", "keys", "edge", *how]) == 0
        assert [(one["id"], one["is_current"]) for one in said(capsys)] == [(new, True), (old, False)]
        assert run(["device", "keys", "edge", *how[:-1]]) == 0
        assert "current" in capsys.readouterr().out
        assert run(["device", "revoke-key", "edge", old, "--reason", "Copied", *how]) == 0
        assert said(capsys)["reason"] == "Copied"
        assert run(["device", "revoke-key", "edge", new, "--reason", "Copied", *how]) == 3
        assert "Revoke the device" in capsys.readouterr().err
        assert renew_here(identity).key != new


def test_a_mistyped_code_is_noticed_before_anybody_is_asked(identity: Path) -> None:
    with pytest.raises(InvalidInput, match="mistyped"):
        enrol_here("http://127.0.0.1:9", "0000-0000-0001", "edge", "main", identity)
    assert not identity.exists()


def test_an_identity_is_not_overwritten(site: Site, scope: WorkspaceScope, identity: Path) -> None:
    with served(site) as url:
        enrol_here(url, make_code(scope)[1], "edge", "main", identity)
        with pytest.raises(Misconfigured, match="already"):
            enrol_here(url, make_code(scope)[1], "edge-2", "main", identity)


def test_the_appliance_says_which_certificate_is_its_own_and_it_is_pinned(
    site: Site, scope: WorkspaceScope, identity: Path, own: Certificate, tmp_path: Path
) -> None:
    object.__setattr__(site, "settings", replace(site.settings, tls_certificates=own.sha256))
    other = new_certificate(tmp_path, "other")
    with served(site, own) as url:
        known = enrol_here(url, make_code(scope)[1], "edge", "main", identity)
        assert known.certificates == own.sha256
        assert connection_of(known).request("POST", "workspaces/main/scans/lookup", json={"sha256": ["0" * 64]})
    with served(site, other) as url, pytest.raises(Denied, match="never saw"):
        connection_of(replace(known, url=url)).request("GET", "workspaces")


def test_a_man_in_the_middle_is_noticed_and_nobody_comes_in(
    site: Site, scope: WorkspaceScope, identity: Path, own: Certificate, tmp_path: Path
) -> None:
    """He relays everything between his own certificate and the appliance."""
    object.__setattr__(site, "settings", replace(site.settings, tls_certificates=own.sha256))
    with served(site, new_certificate(tmp_path, "middle")) as url, pytest.raises(Denied) as caught:
        enrol_here(url, make_code(scope)[1], "edge", "main", identity)
    assert caught.value.code == "proof.certificate"
    assert list_devices(scope) == []


def test_a_certificate_that_nobody_vouches_for_is_compared_by_hand(
    site: Site, scope: WorkspaceScope, identity: Path, own: Certificate
) -> None:
    code = make_code(scope)[1]
    with served(site, own) as url:
        for fingerprint in (None, "0" * 64):
            with pytest.raises(Denied, match=f"Nobody vouches for the certificate {own.sha256}"):
                enrol_here(url, code, "edge", "main", identity, fingerprint)
        with pytest.raises(Misconfigured):
            Identity.read(identity)
        known = enrol_here(url, code, "edge", "main", identity, own.sha256.upper())
    assert known.certificates == own.sha256
    assert len(list_keys(scope, "edge")) == 1


def test_an_answer_of_somebody_who_does_not_know_the_code_is_refused(
    site: Site, scope: WorkspaceScope, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(enrolling, "confirmation_of", lambda key, text: "AAAA")
    with served(site) as url, pytest.raises(Denied, match="does not know the code"):
        enrol_here(url, make_code(scope)[1], "edge", "main", identity)
    with pytest.raises(Misconfigured):
        Identity.read(identity)


def d2r(*arguments: str, fault: str = "") -> int:
    environment = os.environ | ({"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"} if fault else {})
    command = [sys.executable, "-m", "appliance.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, timeout=120).returncode


@pytest.mark.parametrize("fault", ["device.key_made", "device.answered"])
def test_an_enrolment_that_was_killed_is_finished_by_doing_it_again(
    site: Site, scope: WorkspaceScope, identity: Path, fault: str
) -> None:
    code = make_code(scope)[1]
    with served(site) as url:
        command = ["device", "enrol", "--url", url, "--code", code, "--name", "edge", "--identity", str(identity)]
        assert d2r(*command, fault=fault) == KILLED
        assert d2r(*command) == 0
        assert connection_of(Identity.read(identity))
    assert len(list_keys(scope, "edge")) == 1


@pytest.mark.parametrize("fault", ["device.next_key_made", "device.replaced"])
def test_a_renewal_that_was_killed_is_finished_by_doing_it_again(
    site: Site, scope: WorkspaceScope, identity: Path, fault: str
) -> None:
    with served(site) as url:
        before = enrol_here(url, make_code(scope)[1], "edge", "main", identity)
        assert d2r("device", "renew", "--identity", str(identity), fault=fault) == KILLED
        after = renew_here(identity)
    assert after.key != before.key
    assert len(list_keys(scope, "edge")) == 2


def test_a_key_that_was_revoked_before_its_device_heard_of_it_is_followed_by_another(
    site: Site, scope: WorkspaceScope, identity: Path
) -> None:
    with served(site) as url:
        enrol_here(url, make_code(scope)[1], "edge", "main", identity)
        assert d2r("device", "renew", "--identity", str(identity), fault="device.replaced") == KILLED
        revoke_key(scope, "edge", list_keys(scope, "edge")[0].id, "Nobody knows where it is")
        with pytest.raises(Conflict, match="seen before"):
            renew_here(identity)
        after = renew_here(identity)
        calls = connection_of(Identity.read(identity))
        assert calls.request("POST", "workspaces/main/scans/lookup", json={"sha256": ["0" * 64]})
    assert [key.id for key in list_keys(scope, "edge") if key.is_current] == [after.key]
