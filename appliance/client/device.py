"""A device with a key of its own: how it comes in, proves itself and replaces its key.

Each step writes down what it is about to do before it asks, so that it can be repeated after any interruption: the
appliance answers the same key the same.  The file of the identity holds the private key, for the owner's eyes alone.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.client.api import Api
from appliance.client.api.enrolment import EnrolledOut
from appliance.client.connection import Connection
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339, utc_now
from appliance.core.faults import point
from appliance.core.files import write_whole
from appliance.crypto import sodium
from appliance.crypto.device_proof import (
    ENROL,
    ENROLLED,
    NOTHING,
    REPLACE,
    TOKEN,
    code_key,
    confirmation_of,
    is_confirmed,
    signature_of,
    spelled,
)
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.typed import locator_of
from appliance.crypto.vkey import ALG_ED25519, Signer
from appliance.errors import Conflict, D2RError, Denied, InvalidInput, Misconfigured, Unavailable

#: A token is exchanged anew this long after it was given; it counts ten minutes.
_TOKEN_S: Final = 480.0
_NONCE_BYTES: Final = 16
_CONNECT_S: Final = 10.0


@dataclass(frozen=True)
class Identity:
    """Who a device is.

    ``seed``, ``next_seed`` : base64 of its private key, and of the one that is about to replace it
    ``certificates`` : SHA-256 of the TLS certificates that it believes, comma between; ``-``: those of a known CA
    """

    url: str
    workspace: str
    name: str
    seed: str = field(repr=False)
    device: str = ""
    key: str = ""
    appliance: str = ""
    certificates: str = NOTHING
    next_seed: str = field(default="", repr=False)

    @classmethod
    def read(cls, path: Path) -> Identity:
        """The identity in a file.

        Raises
        ------
        Misconfigured : there is none, or its enrolment was not finished
        """
        identity = _begun(path)
        if identity is None or not identity.key:
            hint = "Enrol it: d2r device enrol."
            raise Misconfigured("device.identity", f"{path} holds no device that is enrolled.", hint)
        return identity

    def keep(self, path: Path) -> None:
        """Write it down, whole, before anything rests on it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, canonical_bytes(asdict(self)) + b"\n", 0o600)

    @property
    def signer(self) -> Signer:
        """What signs its manifests."""
        return Signer(self.device, ALG_ED25519, b64decode(self.seed))

    @property
    def shown(self) -> dict[str, Any]:
        """What may be shown of it."""
        return {name: value for name, value in asdict(self).items() if name not in ("seed", "next_seed")}


class Tokens:
    """Tokens of one device, exchanged when the one before is about to end."""

    def __init__(self, identity: Identity, certificate: str | None) -> None:
        self._identity = identity
        self._api = Api(Connection(identity.url, None, identity.workspace, certificate))
        self._token, self._until = "", 0.0

    def __call__(self) -> str:
        """A token that counts."""
        if time.monotonic() >= self._until:
            one = self._identity
            said = {"workspace": one.workspace, "key": one.key, **_here(one.url), "nonce": _nonce()}
            signature = signature_of(b64decode(one.seed), spelled(TOKEN, said))
            self._token = self._api.enrolment.make_device_token(**said, signature=signature)["token"]
            self._until = time.monotonic() + _TOKEN_S
        return self._token


def connection_of(identity: Identity) -> Connection:
    """A connection as this device.

    Raises
    ------
    Denied : the appliance shows another TLS certificate than those that the device believes
    """
    certificate = _pinned(identity)
    return Connection(identity.url, Tokens(identity, certificate), identity.workspace, certificate)


def enrol_here(url: str, code: str, name: str, workspace: str, path: Path, fingerprint: str | None = None) -> Identity:
    """Come in with a code; the identity stands in ``path`` afterwards.

    1. The code is well-formed. 2. A key is made, or taken up where an attempt ended. 3. The appliance is asked, over
    TLS with the certificate that it shows. 4. Its answer knows the code. 5. The certificate is the appliance's: it says
    so itself, else the typed ``fingerprint`` or a CA does.

    Raises
    ------
    InvalidInput : the code is mistyped
    Misconfigured : ``path`` holds a device that is enrolled
    Denied : the appliance refuses, or somebody stands between it and the device
    """
    # 1. The code.
    opened, seen = code_key(code, workspace), certificate_of(url)
    # 2. The key.
    identity = _to_begin(path, url.rstrip("/"), workspace, name)
    identity.keep(path)
    point("device.key_made")
    # 3. The appliance.
    said = {
        "workspace": workspace, "code": locator_of(code), "name": name, **_here(url),
        "public_key": _public(identity.seed), "certificate": seen or NOTHING,
    }  # fmt: skip
    text = spelled(ENROL, said)
    proofs = {"signature": signature_of(b64decode(identity.seed), text), "confirmation": confirmation_of(opened, text)}
    answer = Api(Connection(url, None, workspace, seen)).enrolment.enrol_by_code(**said, **proofs)
    point("device.answered")
    # 4. Its answer.
    _check_answer(answer, said, opened)
    # 5. The certificate.
    certificates = _believed(url, answer["certificates"], seen, fingerprint)
    known = replace(
        identity, name=answer["name"], device=answer["device"], key=answer["key"], appliance=answer["appliance"],
        certificates=certificates,
    )  # fmt: skip
    known.keep(path)
    return known


def renew_here(path: Path) -> Identity:
    """Replace the key of the device in ``path``; asked again after an interruption, it goes on.

    Raises
    ------
    Misconfigured : no enrolled device is there
    Conflict : the new key was revoked before this device heard of it; the next attempt makes another one
    D2RError : what the appliance refuses
    """
    identity = Identity.read(path)
    if not identity.next_seed:
        identity = replace(identity, next_seed=b64encode(sodium.random_bytes(sodium.SEED_BYTES)))
        identity.keep(path)
    point("device.next_key_made")
    public_key = _public(identity.next_seed)
    said = {"workspace": identity.workspace, "device_key": identity.key, **_here(identity.url)}
    text = spelled(REPLACE, said | {"public_key": public_key})
    del said["workspace"]
    signature, new_signature = (signature_of(b64decode(seed), text) for seed in (identity.seed, identity.next_seed))
    api = Api(connection_of(identity))
    try:
        made = api.enrolment.replace_device_key(
            **said, public_key=public_key, signature=signature, new_signature=new_signature
        )
    except Conflict as error:
        if error.code == "device_key.known":  # an attempt before was answered, and that key revoked: make another
            replace(identity, next_seed="").keep(path)
        raise
    point("device.replaced")
    known = replace(identity, seed=identity.next_seed, key=made["key"], next_seed="")
    known.keep(path)
    return known


def certificate_of(url: str) -> str | None:
    """SHA-256 of the TLS certificate that is shown at an address, whoever vouches for it; None without TLS.

    Raises
    ------
    Unavailable : nobody answers there
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    try:
        shown = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=_CONNECT_S)
    except OSError as error:
        raise Unavailable("client.unreachable", f"Nobody answers at {url}: {error}.") from error
    return sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()


def _pinned(identity: Identity) -> str | None:
    if identity.certificates == NOTHING or (seen := certificate_of(identity.url)) is None:
        return None
    if seen not in identity.certificates.split(","):
        hint = "Somebody stands between, or its certificate was replaced: compare, and enrol anew."
        raise Denied("device.certificate", "The appliance shows a TLS certificate that this device never saw.", hint)
    return seen


def _to_begin(path: Path, url: str, workspace: str, name: str) -> Identity:
    known = _begun(path)
    if known is not None and known.key:
        hint = "Name another file, or remove it."
        raise Misconfigured("device.enrolled", f"{path} holds the device '{known.name}' already.", hint)
    seed = known.seed if known else b64encode(sodium.random_bytes(sodium.SEED_BYTES))
    return Identity(url, workspace, name, seed)


def _begun(path: Path) -> Identity | None:
    """The identity in a file, finished or not; None where there is no such file."""
    try:
        return Identity(**loads_strict(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, InvalidInput, TypeError) as error:
        raise Misconfigured("device.identity", f"{path} is no identity of a device.", "Name another file.") from error


def _check_answer(answer: EnrolledOut, said: Mapping[str, str], opened: bytes) -> None:
    order = ("workspace", "code", "device", "name", "key", "public_key", "appliance", "certificates")
    told: Mapping[str, Any] = answer
    text = spelled(ENROLLED, {name: str(told[name]) for name in order})
    is_ours = all(told[name] == said[name] for name in ("workspace", "code", "public_key"))
    if not is_ours or not is_confirmed(opened, text, answer["confirmation"]):
        hint = "Somebody stands between this device and the appliance. Make another code."
        raise Denied("device.answer", "Whoever answered does not know the code.", hint)


def _believed(url: str, stated: str, seen: str | None, typed: str | None) -> str:
    """What is pinned: what the appliance states, or what was compared; nothing where a known CA vouches."""
    if seen is None:
        return NOTHING
    if stated != NOTHING:
        if seen not in stated.split(","):
            hint = "Somebody stands between this device and the appliance."
            raise Denied("device.certificate", "The certificate that was shown is not the appliance's.", hint)
        return stated
    if typed is not None and typed.replace(":", "").lower() == seen:
        return seen
    if typed is None and _is_vouched_for(url):
        return NOTHING
    hint = "Compare it with the appliance's own, and state it: --fingerprint."
    raise Denied("device.certificate", f"Nobody vouches for the certificate {seen}.", hint)


def _is_vouched_for(url: str) -> bool:
    try:
        Connection(url, None).request("GET", "device-tokens")
    except Unavailable:
        return False
    except D2RError:  # any answer came over a line that is vouched for
        return True
    return True


def _here(url: str) -> dict[str, str]:
    return {"host": urlsplit(url).netloc, "time": rfc3339(utc_now())}


def _nonce() -> str:
    return b64encode(os.urandom(_NONCE_BYTES))


def _public(seed: str) -> str:
    return b64encode(sodium.public_key_of(b64decode(seed)))
