"""A real SAML provider of the tests' own (simplesamlphp under PHP's own server), and a browser that signs in there."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import requests

from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.identity.saml.settings import SamlSettings
from tests.services import require

PROGRAM = Path("/usr/share/simplesamlphp")
PASSWORD = "a password of the plant"
PEOPLE = {
    "ann": {"uid": "ann", "displayName": "Ann Lee", "groups": ["leads", "everybody"]},
    "ben": {"uid": "ben", "displayName": "Ben Ora", "groups": ["crew"]},
    "eve": {"uid": "eve", "displayName": "Eve Out", "groups": []},
}
_CONFIG = """<?php
$config = [
    'baseurlpath' => '{base}', 'certdir' => '{folder}/', 'loggingdir' => '{folder}/', 'datadir' => '{folder}/',
    'tempdir' => '{folder}/', 'metadatadir' => '{folder}/', 'secretsalt' => 'a salt of the tests', 'timezone' => 'UTC',
    'auth.adminpassword' => '{password}', 'technicalcontact_email' => 'it@plant.example', 'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true], 'logging.handler' => 'file',
    'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'language.cookie.secure' => false,
    'language.cookie.samesite' => null, 'session.phpsession.savepath' => '{folder}', 'store.type' => 'phpsession',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/', 'language.default' => 'en',
    'metadata.sources' => [['type' => 'flatfile'], ['type' => 'xml', 'file' => '{folder}/sp.xml']],
];
"""
_PEOPLE = """<?php
$config = ['plant' => ['exampleauth:UserPass', {people}]];
"""
_PROVIDER = """<?php
$metadata['{entity}'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'plant',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'sign.logout' => true,
    'validate.authnrequest' => true, 'validate.logout' => true, 'redirect.sign' => true, 'redirect.validate' => true,
    'assertion.encryption' => {is_sealed},
    'authproc' => [10 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid',
        'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']],
];
"""
_NOBODY = '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>'


@dataclass
class SamlServer:
    """A running provider; ``knows`` tells it who asks."""

    folder: Path
    port: int
    identity: ServiceIdentity = field(default_factory=lambda: new_service_identity("idp"))
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}/simplesaml/"

    @property
    def entity_id(self) -> str:
        return f"{self.base}saml2/idp/metadata.php"

    def configure(self, *, is_sealed: bool = False) -> None:
        """Write down how it answers; read anew at every request."""
        told = {"base": self.base, "folder": self.folder, "password": PASSWORD}
        people = ", ".join(
            f"'{name}:{PASSWORD}' => [{', '.join(_php(key, values) for key, values in said.items())}]"
            for name, said in PEOPLE.items()
        )
        provider = {"entity": self.entity_id, "is_sealed": str(is_sealed).lower()}
        for name, text in {
            "config.php": _CONFIG.format(**told), "authsources.php": _PEOPLE.format(people=people),
            "saml20-idp-hosted.php": _PROVIDER.format(**provider), "idp.key": self.identity.key_pem,
            "idp.crt": self.identity.certificate_pem,
        }.items():  # fmt: skip
            (self.folder / name).write_text(text)

    def knows(self, metadata: str) -> None:
        """Take the metadata of whoever asks."""
        (self.folder / "sp.xml").write_text(metadata)

    def new_key(self) -> None:
        """Sign with another key from now on."""
        self.identity = new_service_identity("idp")
        self.configure()

    def settings(self, **other: str | bool) -> SamlSettings:
        """How an owner names it."""
        told = {"metadata": self.metadata(), "label": "Plant"} | other
        return SamlSettings(**told)  # type: ignore[arg-type]

    def metadata(self) -> str:
        """What it publishes."""
        answer = requests.get(self.entity_id, timeout=10)
        assert answer.ok, answer.text
        return answer.text

    def start(self) -> None:
        """Serve until ``stop``."""
        self.configure()
        shown = self.folder / "www"
        shown.mkdir(exist_ok=True)
        (shown / "simplesaml").symlink_to(PROGRAM / "www")
        self.knows(_NOBODY)
        environ = {**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": str(self.folder)}
        command = ["php", "-d", "display_errors=0", "-S", f"127.0.0.1:{self.port}", "-t", str(shown)]
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert self.process.poll() is None, "the provider does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def visit(self, address: str, who: str, browser: requests.Session | None = None) -> dict[str, str]:
        """Sign in as ``who`` at the address to which the browser was sent; returns the form that it brings back."""
        browser = browser or requests.Session()
        page = browser.get(address, timeout=10)
        if 'name="username"' in page.text:
            form = fields_of(page.text) | {"username": who, "password": PASSWORD}
            page = browser.post(page.url, data=form, timeout=10)
        assert "SAMLResponse" in page.text, page.text
        return {name: value for name, value in fields_of(page.text).items() if name.startswith(("SAML", "Relay"))}

    def leaves(self, address: str, browser: requests.Session, until: str) -> str:
        """Follow redirects there up to the first address that begins with ``until``."""
        for _ in range(10):
            if address.startswith(until):
                return address
            answer = browser.get(address, allow_redirects=False, timeout=10)
            assert answer.is_redirect, answer.text
            address = urljoin(address, answer.headers["Location"])
        raise AssertionError("the provider sends nobody back")


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {unescape(name): unescape(value) for name, value in found}


def new_provider(folder: Path) -> SamlServer:
    """A provider, running; the test is skipped where there is none to start."""
    is_there = shutil.which("php") is not None and PROGRAM.is_dir()
    require("simplesamlphp", is_there, "install simplesamlphp and php-cli")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    server = SamlServer(folder, port)
    server.start()
    return server


def _php(name: str, values: str | list[str]) -> str:
    several = values if isinstance(values, list) else [values]
    return f"'{name}' => [{', '.join(repr(value) for value in several)}]"
