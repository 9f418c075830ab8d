"""How long a login takes, of each kind, until there is a session; of a provider elsewhere: what we add to its own time.

``python tests/bench/login.py``.  Bars: LDAP 300 ms; OpenID Connect and SAML 1 s beyond the provider.  Each line says
what of the bar it takes, and how many times what nobody can save, measured in the same run: one argon2id of the same
cost (local account), a connection with a bind and nothing else (LDAP), or the provider's own time (OpenID Connect,
SAML), in which it checks its password and signs as well.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import requests
from ldap3 import Connection, Server, Tls

from appliance.config.settings import load_settings
from appliance.identity.groups import give_role
from appliance.identity.ldap.directory import configure, examine
from appliance.identity.local.accounts import roles_named
from appliance.identity.local.invitations import accept, invite
from appliance.identity.local.passwords import is_password
from appliance.identity.login import sign_in
from appliance.identity.oidc import sign_on as oidc
from appliance.identity.saml import provider as saml_provider
from appliance.identity.saml import sign_on as saml
from appliance.identity.sessions import Visit, begin_session
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests import oidc_server, saml_server
from tests.ldap_server import PASSWORD, SEARCHER_PASSWORD, LdapServer, group, new_server

LOGINS = 40
OWNER = Principal("key_owner", "key", "owner", "owner")
LDAP_BAR_MS, ELSEWHERE_BAR_MS = 300.0, 1000.0


@dataclass
class Clock:
    """Milliseconds of ours, and of whoever was asked meanwhile."""

    ours: float = 0.0
    theirs: float = 0.0

    @contextmanager
    def of(self, whose: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        setattr(self, whose, getattr(self, whose) + 1000 * (time.perf_counter() - began))

    @contextmanager
    def asking(self) -> Iterator[None]:
        """What requests take that we make meanwhile is the other's time, not ours."""
        plain = requests.Session.send

        def send(*told: Any, **how: Any) -> Any:
            before = self.theirs
            with self.of("theirs"):
                answer = plain(*told, **how)
            self.ours -= self.theirs - before
            return answer

        requests.Session.send = send  # type: ignore[method-assign]
        try:
            with self.of("ours"):
                yield
        finally:
            requests.Session.send = plain  # type: ignore[method-assign]


def timed(act: Callable[[], object]) -> list[float]:
    """Milliseconds of each of ``LOGINS`` runs, after one that nobody counts."""
    act()
    clocks = [Clock() for _ in range(LOGINS)]
    for clock in clocks:
        with clock.of("ours"):
            act()
    return [clock.ours for clock in clocks]


def say(name: str, ours: list[float], bar_ms: float | None, base: float, what: str) -> None:
    median, late = statistics.median(ours), sorted(ours)[int(0.95 * len(ours))]
    share = f"{median / bar_ms:5.2f} of the bar" if bar_ms else "          no bar"
    print(
        f"{name:<16} median {median:6.1f} ms  P95 {late:6.1f} ms  {share}"
        f"  {median / base:5.2f} x {what} ({base:.1f} ms)"
    )


def local(site: Site) -> None:
    _, token = invite(site, "local", "Local", roles_named(site, OWNER, None, {"main": "operator"}), OWNER)
    accept(site, token, PASSWORD)
    base = statistics.median(timed(lambda: is_password(site, None, PASSWORD)))
    say("local account", timed(lambda: enter(site, "local")), None, base, "one argon2id")


def ldap(site: Site, server: LdapServer) -> None:
    give_role(site, "ldap", group("Supervisors"), "main", "supervisor", SYSTEM)
    for name, url in (("LDAPS", server.ldaps), ("LDAP, StartTLS", server.start_tls)):
        settings = server.settings(url)
        configure(site, settings, SEARCHER_PASSWORD, SYSTEM)
        dn = examine(site, "ann", None).dn
        tls = Tls(ca_certs_data=settings.ca_pem)

        def bind(url: str = url, dn: str | None = dn, tls: Tls = tls) -> None:
            connection = Connection(Server(url, tls=tls), dn, PASSWORD)
            if url.startswith("ldap:"):
                connection.start_tls()
            assert connection.bind()
            connection.unbind()

        base = statistics.median(timed(bind))
        say(name, timed(lambda: enter(site, "ann")), LDAP_BAR_MS, base, "one bare bind")


def enter(site: Site, login: str) -> None:
    entered = sign_in(site, login, PASSWORD)
    begin_session(site, entered.principal, entered.method, Visit())


def through_oidc(site: Site, folder: Path) -> None:
    server = oidc_server.new_provider(folder, site.settings.effective_public_url + oidc.CALLBACK)
    try:
        oidc.configure(site, server.settings(), oidc_server.SECRET, SYSTEM)
        give_role(site, "oidc", "leads", "main", "supervisor", SYSTEM)

        def enter_by(clock: Clock) -> None:
            with clock.asking():
                address, held = oidc.begin(site)
            with clock.of("theirs"):
                query = server.visit(address, "u-ann")
            with clock.asking():
                principal, _ = oidc.finish(site, held, query)
                begin_session(site, principal, "oidc", Visit())

        elsewhere("OpenID Connect", enter_by)
    finally:
        server.stop()


def through_saml(site: Site, folder: Path) -> None:
    server = saml_server.new_provider(folder)
    try:
        server.knows(saml_provider.configure(site, server.settings(), SYSTEM).own.metadata())
        give_role(site, "saml", "leads", "main", "supervisor", SYSTEM)

        def enter_by(clock: Clock) -> None:
            with clock.of("ours"):
                address, held = saml.begin(site)
            with clock.of("theirs"):
                form = server.visit(address, "ann")
            with clock.of("ours"):
                saml.arrive(site, form["SAMLResponse"], form["RelayState"])
                found = saml.finish(site, held)
                assert isinstance(found, saml.Entered)
                begin_session(site, found.principal, "saml", Visit(), found.foreign_session)

        for name, is_sealed in (("SAML", False), ("SAML, sealed", True)):
            server.configure(is_sealed=is_sealed)
            elsewhere(name, enter_by)
    finally:
        server.stop()


def elsewhere(name: str, enter_by: Callable[[Clock], None]) -> None:
    enter_by(Clock())
    clocks = [Clock() for _ in range(LOGINS)]
    for clock in clocks:
        enter_by(clock)
    base = statistics.median(clock.theirs for clock in clocks)
    say(name, [clock.ours for clock in clocks], ELSEWHERE_BAR_MS, base, "the provider's own time")


def main() -> None:
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        for name in ("ldap", "oidc", "saml"):
            (folder / name).mkdir()
        server = new_server(folder / "ldap")
        opened.callback(server.stop)
        site = opened.enter_context(Site.open(load_settings(folder / "appliance", {}), create=True))
        site.create_workspace("main", "Main", SYSTEM)
        local(site)
        ldap(site, server)
        through_oidc(site, folder / "oidc")
        through_saml(site, folder / "saml")


if __name__ == "__main__":
    main()
