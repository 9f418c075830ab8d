"""A real Active Directory of the tests' own (Samba), on this machine's loopback; it can only use the ports of LDAP."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from appliance.identity.ldap.settings import LdapSettings
from tests.ldap_server import write_certificates
from tests.services import require

PASSWORD = "Passw0rd!x7"
BASE = "DC=plant,DC=example"
_PLACE = f"{os.environ.get('PATH', '')}:/usr/sbin"
SAMBA, TOOL = shutil.which("samba", path=_PLACE), shutil.which("samba-tool", path=_PLACE)
#: Without these modules a domain cannot be made.
_MODULES = "/usr/lib/*/samba/vfs/acl_xattr.so"
_CONFIGURATION = """[global]
netbios name = DC1
realm = PLANT.EXAMPLE
workgroup = PLANT
server role = active directory domain controller
server services = ldap
private dir = {folder}/private
lock directory = {folder}
state directory = {folder}/state
cache directory = {folder}/cache
pid directory = {folder}
ncalrpc dir = {folder}/ncalrpc
winbindd socket directory = {folder}/winbindd
ntp signd socket directory = {folder}/ntp
log file = {folder}/log
interfaces = lo
bind interfaces only = yes
tls keyfile = {folder}/server.key
tls certfile = {folder}/server.pem
tls cafile = {folder}/ca.pem
"""


@dataclass
class ActiveDirectory:
    """A running domain controller."""

    folder: Path
    process: subprocess.Popen[bytes]

    def settings(self, url: str = "ldaps://localhost") -> LdapSettings:
        """How it is reached, as its administrator."""
        account = f"CN=Administrator,CN=Users,{BASE}"
        return LdapSettings("active-directory", (url,), (self.folder / "ca.pem").read_text(), account, BASE, BASE)

    def tool(self, *words: str) -> str:
        """Change the domain, as its administrator does."""
        command = [str(TOOL), *words, "-H", f"{self.folder}/private/sam.ldb", "-s", f"{self.folder}/smb.conf"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def guid(self, login: str) -> str:
        """What the domain itself calls a person."""
        shown = self.tool("user", "show", login, "--attributes=objectGUID")
        return str(UUID(shown.partition("objectGUID: ")[2].split()[0]))


def new_domain(folder: Path) -> ActiveDirectory:
    """A domain in ``folder``, running; the test is skipped where there is none to start."""
    has_modules = any(Path("/").glob(_MODULES.lstrip("/")))
    require("Samba", bool(SAMBA and TOOL and has_modules), "install samba, samba-ad-provision, samba-vfs-modules")
    require("Active Directory", os.getuid() == 0, "its ports (389, 636) are for root")
    is_taken = any(not socket.socket().connect_ex(("127.0.0.1", port)) for port in (389, 636))
    require("Active Directory", not is_taken, "its ports (389, 636) are in use")
    make = ["domain", "provision", "--realm=PLANT.EXAMPLE", "--domain=PLANT", "--server-role=dc", "--dns-backend=NONE"]
    where = [f"--adminpass={PASSWORD}", f"--targetdir={folder}", "--use-rfc2307"]
    subprocess.run([str(TOOL), *make, *where], check=True, capture_output=True)
    write_certificates(folder)
    (folder / "server.key").chmod(0o600)
    (folder / "smb.conf").write_text(_CONFIGURATION.format(folder=folder))
    command = [str(SAMBA), "-i", "-M", "single", "-s", str(folder / "smb.conf"), "-d", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", 636)):
        assert process.poll() is None, "samba does not start"
        time.sleep(0.05)
    return ActiveDirectory(folder, process)
