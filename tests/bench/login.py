"""How long a login takes, of each kind, until there is a session.  ``python tests/bench/login.py``; LDAP: 300 ms."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from appliance.config.settings import load_settings
from appliance.identity.groups import give_role
from appliance.identity.ldap.directory import configure
from appliance.identity.local.accounts import roles_named
from appliance.identity.local.invitations import accept, invite
from appliance.identity.login import sign_in
from appliance.identity.sessions import Visit, begin_session
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.ldap_server import PASSWORD, SEARCHER_PASSWORD, group, new_server

LOGINS = 40
OWNER = Principal("key_owner", "key", "owner", "owner")


def milliseconds(act: Callable[[], object]) -> str:
    times = []
    for _ in range(LOGINS):
        began = time.perf_counter()
        act()
        times.append(1000 * (time.perf_counter() - began))
    return f"median {statistics.median(times):6.1f} ms   P95 {sorted(times)[int(0.95 * LOGINS)]:6.1f} ms"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ldap").mkdir()
        server = new_server(Path(folder) / "ldap")
        try:
            with Site.open(load_settings(Path(folder) / "appliance", {}), create=True) as site:
                site.create_workspace("main", "Main", SYSTEM)
                give_role(site, "ldap", group("Supervisors"), "main", "supervisor", SYSTEM)
                _, token = invite(site, "local", "Local", roles_named(site, OWNER, None, {"main": "operator"}), OWNER)
                accept(site, token, PASSWORD)

                def enter(login: str) -> None:
                    entered = sign_in(site, login, PASSWORD)
                    begin_session(site, entered.principal, entered.method, Visit())

                print(f"local account          {milliseconds(lambda: enter('local'))}")
                for name, url in (("LDAPS", server.ldaps), ("LDAP, StartTLS", server.start_tls)):
                    configure(site, server.settings(url), SEARCHER_PASSWORD, SYSTEM)
                    print(f"{name:<22} {milliseconds(lambda: enter('ann'))}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
