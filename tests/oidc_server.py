"""A real OpenID provider of the tests' own (npm oidc-provider), and a browser that signs in there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
from joserfc.jwk import KeySet, RSAKey

from appliance.identity.oidc.settings import OidcSettings
from tests.services import require

HERE = Path(__file__).parent / "peers" / "oidc"
SECRET = "a-secret-of-32-characters-or-more"
PEOPLE: dict[str, dict[str, Any]] = {
    "u-ann": {"name": "Ann Lee", "preferred_username": "ann", "groups": ["leads", "everybody"]},
    "u-ben": {"name": "Ben Ora", "preferred_username": "ben", "groups": ["crew"]},
    "u-eve": {"name": "Eve Out", "preferred_username": "eve", "groups": []},
}


@dataclass
class OidcServer:
    """A running provider, for a client that is sent back to ``redirect_uri``."""

    folder: Path
    modules: Path
    port: int
    redirect_uri: str
    process: subprocess.Popen[str] | None = field(default=None)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, **other: str) -> OidcSettings:
        return OidcSettings(**{"issuer": self.issuer, "client_id": "d2r", "label": "Plant", **other})

    def new_keys(self) -> None:
        """Sign with other keys from the next start on."""
        keys = KeySet([RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)])
        (self.folder / "keys.json").write_text(json.dumps(keys.as_dict(private=True)))

    def start(self) -> None:
        """Serve until ``stop``."""
        command = ["node", "provider.mjs", str(self.port), self.redirect_uri, str(self.folder / "keys.json")]
        environ = {**os.environ, "PEOPLE": json.dumps(PEOPLE), "NODE_ENV": "test"}
        self.process = subprocess.Popen(
            command, cwd=self.modules, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout
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

    def visit(self, address: str, who: str) -> dict[str, str]:
        """Sign in as ``who`` at the address to which the browser was sent; returns what it brings back."""
        with requests.Session() as browser:
            browser.cookies.set("who", who, domain="127.0.0.1")
            for _ in range(10):
                answer = browser.get(address, allow_redirects=False, timeout=10)
                assert answer.is_redirect, answer.text
                address = urljoin(address, answer.headers["Location"])
                if address.startswith(self.redirect_uri):
                    return dict(parse_qsl(urlsplit(address).query))
        raise AssertionError("the provider sends nobody back")


def new_provider(folder: Path, redirect_uri: str) -> OidcServer:
    """A provider, running; the test is skipped where there is none to start."""
    npm, node = shutil.which("npm"), shutil.which("node")
    require("oidc-provider", bool(npm and node), "there is no npm command")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "d2r" / f"oidc-{lock}"
    if not (cache / "node_modules" / "oidc-provider").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache)
        command = [str(npm), "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, timeout=120)
        require("oidc-provider", done.returncode == 0, done.stderr.strip()[-200:])
    shutil.copy(HERE / "provider.mjs", cache / "provider.mjs")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    server = OidcServer(folder, cache, port, redirect_uri)
    server.new_keys()
    server.start()
    return server
