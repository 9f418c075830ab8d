"""A device's key is exchanged for a token of ten minutes: one signature, then requests as cheap as with an API key.

A proof is a signed text that names workspace, key, host, time and a random nonce.  It counts for two minutes around its
time and once: its hash stays in the rows longer than that.  A token is 32 random bytes, known by hash; every request
asks the rows, so a key or device that was revoked by any process counts nowhere from the commit on.  Whoever acts by a
token names its key (``Principal.via``): one key of several ends alone.
"""

from __future__ import annotations

import logging
import re
import secrets
from base64 import b32encode
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import is_id
from appliance.crypto.device_proof import TOKEN, is_signed, spelled
from appliance.crypto.secret_text import hash_of_secret
from appliance.enrolment.keys import counts
from appliance.enrolment.models import DeviceKey, DeviceToken
from appliance.enrolment.proofs import check_host, check_time
from appliance.errors import D2RError, Denied, NotFound
from appliance.plant.devices import find_device
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

PREFIX: Final = "d2rd_"
LIFETIME: Final = timedelta(minutes=10)
#: Tokens of one key at the same time.
MOST_TOKENS: Final = 64
_SPELLED: Final = ("workspace", "key", "host", "time", "nonce")
_TOKEN: Final = re.compile(rf"{PREFIX}([0-9a-z]{{26}})_([a-z2-7]{{52}})")
_SECRET_BYTES: Final = 32
_KNOWN_BY_TOKEN: Final = (
    "SELECT device.id, device.name, device.revoked_at, device_key.revoked_at, device_key.expires_at, "
    "device_token.expires_at, device_key.id FROM device_token "
    "JOIN device_key ON device_key.id = device_token.device_key_id "
    "JOIN device ON device.id = device_key.device_id WHERE device_token.sha256 = ?"
)


@dataclass(frozen=True)
class Proof:
    """What a device sends for a token; ``key`` is the id of its key, ``signature`` is over the text."""

    workspace: str
    key: str
    host: str
    time: str
    nonce: str
    signature: str

    @property
    def text(self) -> bytes:
        """What is signed."""
        said = asdict(self)
        return spelled(TOKEN, {name: said[name] for name in _SPELLED})


def exchange(site: Site, proof: Proof, host: str) -> tuple[str, str]:
    """A token, and until when it counts.

    Raises
    ------
    Denied : no such key, one that does not count, a signature that is not its own, another clock or host, or a proof
        that was shown before
    InvalidInput : a field that cannot be used
    """
    scope, key = _key_of(site, proof)
    if not is_signed(key.public_key, proof.text, proof.signature):
        raise _refused()
    _refuse_ended(scope, key)
    check_time(proof.time)
    check_host(site.settings, proof.host, host)
    secret = b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=").lower()
    token, until = f"{PREFIX}{scope.workspace_id[4:]}_{secret}", rfc3339_us(utc_now() + LIFETIME)
    with scope.transaction():
        _make_room(key)
        shown = hash_of_secret(proof.signature)
        if DeviceToken.known(proof_sha256=shown) is not None:
            log.warning("a device's proof was shown again: %s", key.id)
            raise Denied("proof.replayed", "This proof was shown before.", "Make another one.")
        DeviceToken.create(sha256=hash_of_secret(token), device_key_id=key.id, proof_sha256=shown, expires_at=until)
        DeviceKey.update(last_used_at=rfc3339_us(utc_now())).where(DeviceKey.id == key.id).execute()
    return token, until


def authenticate_device(site: Site, token: str) -> Principal:
    """The device that holds this token.

    Raises
    ------
    Denied : none, the token's time is over, or its key or device was revoked
    """
    match = _TOKEN.fullmatch(token)
    try:
        scope = site.system_scope(f"wsp_{match[1]}") if match else None
    except (NotFound, Denied):
        scope = None
    if scope is None:
        raise _denied()
    with scope:
        rows = scope.database.look_up(_KNOWN_BY_TOKEN, hash_of_secret(token))
    now = rfc3339_us(utc_now())
    if not rows or rows[0][2] or rows[0][3] or (rows[0][4] or rows[0][5]) <= now or rows[0][5] <= now:
        raise _denied()
    return Principal(rows[0][0], "device", rows[0][1], "device", scope.workspace_id, via=rows[0][6])


def _key_of(site: Site, proof: Proof) -> tuple[WorkspaceScope, DeviceKey]:
    try:
        scope = site.scope(SYSTEM, proof.workspace)
    except D2RError as error:
        raise _refused() from error
    with scope:
        key: DeviceKey | None = DeviceKey.known(id=proof.key) if is_id(proof.key, "dky") else None
    if key is None:
        raise _refused()
    return scope, key


def _refuse_ended(scope: WorkspaceScope, key: DeviceKey) -> None:
    """Who holds the key may know that it counts no more."""
    device = find_device(scope, key.device_id)
    if device.revoked_at or not counts(key):
        hint = "Enrol the device anew: d2r device code."
        raise Denied("device_key.ended", f"This key of '{device.name}' does not count any more.", hint)


def _make_room(key: DeviceKey) -> None:
    """Forget tokens whose time is over; none ends early, because with it the proof would be forgotten."""
    DeviceToken.delete().where(DeviceToken.expires_at <= rfc3339_us(utc_now())).execute()
    if DeviceToken.select().where(DeviceToken.device_key_id == key.id).count() >= MOST_TOKENS:
        raise Denied("rate.exceeded", "This key has too many tokens.", "Use one for as long as it counts.")


def _refused() -> Denied:
    return Denied("proof.refused", "No key of a device fits this proof.", "Enrol the device: d2r device code.")


def _denied() -> Denied:
    return Denied("token.refused", "This token is not known or does not count any more.", "Prove the key again.")
