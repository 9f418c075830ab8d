"""Receivers of the tests' own: a webhook that answers as it is told, a real mail server with a CA of its own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.ldap_server import write_certificates
from tests.unit.supervise.ports import free_port


@dataclass
class Hook:
    """What came in, and what is answered: a status, and where a redirect leads."""

    url: str = ""
    status: int = 200
    location: str = ""
    received: list[tuple[str, dict[str, str], str]] = field(default_factory=list)


@contextmanager
def webhook() -> Iterator[Hook]:
    """A server on a port of this machine."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            hook.received.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """A mail server: where it is, the CA that signed it, and the envelopes that it took."""

    port: int
    ca_file: Path
    refused: set[str] = field(default_factory=set)
    taken: list[Any] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 OK"


def _authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"d2r", b"let me in"))


@contextmanager
def mail_server(folder: Path) -> Iterator[Mailbox]:
    """A server on a port of this machine that takes mail over TLS alone, from whoever signs in."""
    write_certificates(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    mailbox = Mailbox(free_port(), folder / "ca.pem")
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=mailbox.port, tls_context=context, require_starttls=True,
        auth_required=True, authenticator=_authenticated,
    )  # fmt: skip
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
