"""A real OpenLDAP of the tests' own: people, groups in groups, a pinned CA; on ports of this machine alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core.clock import utc_now
from appliance.identity.ldap.settings import LdapSettings
from tests.services import require

SLAPD = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
SCHEMAS = Path("/etc/ldap/schema")
BASE = "dc=plant,dc=example"
SEARCHER, SEARCHER_PASSWORD = f"cn=searcher,{BASE}", "search-and-find"
#: Somebody whose login is a filter, if nobody escapes it.
ODD_LOGIN = "o*(brien)\\&=ü"
PASSWORD = "correct horse 7"
_CONFIGURATION = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
include {schemas}/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{base}"
directory {folder}/data
rootdn "cn=root,{base}"
rootpw root
index uid,member,memberUid eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by * none
"""


def entries() -> str:
    """The plant's people and groups, as LDIF.

    ann is a shift lead, and so a supervisor through two groups; ben is an operator, told by his login alone; the
    groups ``ring-a`` and ``ring-b`` hold each other; eve belongs to nothing.
    """
    people = {"ann": "Ann Lee", "ben": "Ben Ora", "eve": "Eve Out", ODD_LOGIN: "Odd Brien", "twin": "Twin One"}
    text = [
        f"dn: {BASE}\nobjectClass: organization\nobjectClass: dcObject\no: Plant\ndc: plant",
        f"dn: {SEARCHER}\nobjectClass: person\ncn: searcher\nsn: s\nuserPassword: {SEARCHER_PASSWORD}",
        *(
            f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}"
            for name in ("people", "more", "groups")
        ),
    ]
    for number, (login, name) in enumerate(people.items()):
        text.append(_person(f"cn=p{number},ou=people,{BASE}", login, name))
    text.append(_person(f"cn=twin-2,ou=people,{BASE}", "twin", "Twin Two"))
    groups = {
        "shift-leads": [f"cn=p0,ou=people,{BASE}"], "Supervisors": [f"cn=shift-leads,ou=groups,{BASE}"],
        "ring-a": [f"cn=ring-b,ou=groups,{BASE}", f"cn=p3,ou=people,{BASE}"], "ring-b": [f"cn=ring-a,ou=groups,{BASE}"],
        "auditors": [f"cn=p3,ou=people,{BASE}"],
    }  # fmt: skip
    for name, members in groups.items():
        listed = "".join(f"\nmember: {member}" for member in members)
        text.append(f"dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}{listed}")
    text.append(
        f"dn: cn=operators,ou=groups,{BASE}\nobjectClass: posixGroup\ncn: operators\ngidNumber: 7\nmemberUid: ben"
    )
    return "\n\n".join(text) + "\n"


def _person(dn: str, login: str, name: str) -> str:
    words = f"cn: {name}\nsn: {name.split()[-1]}\nuid: {login}\nuserPassword: {PASSWORD}"
    return f"dn: {dn}\nobjectClass: inetOrgPerson\n{words}"


def group(name: str) -> str:
    """The name of a group of the plant."""
    return f"cn={name},ou=groups,{BASE}"


@dataclass
class LdapServer:
    """A running directory."""

    folder: Path
    port: int
    tls_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca_pem(self) -> str:
        return (self.folder / "ca.pem").read_text()

    def settings(self, *urls: str, **other: str) -> LdapSettings:
        """How it is reached: by LDAPS, unless told otherwise."""
        values = {
            "kind": "openldap", "ca_pem": self.ca_pem, "bind_dn": SEARCHER, "user_base": f"ou=people,{BASE}",
            "group_base": f"ou=groups,{BASE}",
        } | other  # fmt: skip
        return LdapSettings(urls=urls or (self.ldaps,), **values)

    @property
    def ldaps(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def start_tls(self) -> str:
        return f"ldap://localhost:{self.port}"

    def modify(self, ldif: str) -> None:
        """Change entries, as the directory's own administrator."""
        command = ["ldapmodify", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", f"cn=root,{BASE}", "-w", "root"]
        subprocess.run(command, input=ldif.encode(), check=True, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        """Serve until ``stop``."""
        assert SLAPD
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        command = [SLAPD, "-h", urls, "-f", str(self.folder / "slapd.conf"), "-d", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=self.folder)
        until = time.monotonic() + 20
        while time.monotonic() < until and socket.socket().connect_ex(("127.0.0.1", self.tls_port)):
            assert self.process.poll() is None, "slapd does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """End at once, as in a power cut of the directory."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None


def new_server(folder: Path) -> LdapServer:
    """A directory in ``folder``, running; the test is skipped where there is none to start."""
    require("OpenLDAP", SLAPD is not None and SCHEMAS.is_dir(), "install slapd and ldap-utils")
    assert SLAPD
    (folder / "data").mkdir()
    write_certificates(folder)
    places = {"folder": folder, "schemas": SCHEMAS, "base": BASE, "searcher": SEARCHER}
    (folder / "slapd.conf").write_text(_CONFIGURATION.format(**places))
    (folder / "plant.ldif").write_text(entries())
    load = [SLAPD, "-T", "add", "-f", str(folder / "slapd.conf"), "-l", str(folder / "plant.ldif")]
    subprocess.run(load, check=True, capture_output=True)
    server = LdapServer(folder, _free_port(), _free_port())
    server.start()
    return server


def write_certificates(folder: Path) -> None:
    """A CA, and a certificate of it for ``localhost``."""
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _named("Plant CA")
    root = _certificate(issuer, issuer, authority.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    leaf = _certificate(_named("directory"), issuer, key.public_key()).add_extension(names, critical=False)
    for name, builder in (("ca.pem", root), ("server.pem", leaf)):
        signed = builder.sign(authority, hashes.SHA256())
        (folder / name).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(key.private_bytes(*plain))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = utc_now()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    dated = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    return dated.serial_number(x509.random_serial_number())


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
