"""A device gives itself another key: the old one and the new one sign that it is so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from appliance.crypto.device_proof import REPLACE, is_signed, spelled
from appliance.enrolment.keys import counts, find_key, replace_key
from appliance.enrolment.models import DeviceKey
from appliance.enrolment.proofs import check_host, check_time
from appliance.errors import Denied
from appliance.tenancy.scope import WorkspaceScope

_SPELLED: Final = ("workspace", "device_key", "host", "time", "public_key")


@dataclass(frozen=True)
class Renewal:
    """What a device sends to replace the key of id ``device_key``; both keys sign the text."""

    workspace: str
    device_key: str
    host: str
    time: str
    public_key: str
    signature: str
    new_signature: str

    @property
    def text(self) -> bytes:
        """What is signed."""
        said = asdict(self)
        return spelled(REPLACE, {name: said[name] for name in _SPELLED})


def renew(scope: WorkspaceScope, asked: Renewal, host: str) -> tuple[DeviceKey, str]:
    """The new key of the device that calls, and until when the old one counts.

    Raises
    ------
    NotFound : the caller has no such key
    Denied : a signature is missing, the old key counts no more, or another clock or host
    Conflict : the key was seen before, or the old one was replaced already
    """
    old = find_key(scope, scope.principal.id, asked.device_key)
    old_signed = is_signed(old.public_key, asked.text, asked.signature)
    if not (old_signed and is_signed(asked.public_key, asked.text, asked.new_signature) and counts(old)):
        raise Denied("proof.refused", "The old key and the new one must both sign this.", "Sign the same text.")
    check_time(asked.time)
    check_host(scope.settings, asked.host, host)
    key = replace_key(scope, old, asked.public_key)
    return key, str(find_key(scope, scope.principal.id, asked.device_key).expires_at)
