"""The file of the master key: sealed under a passphrase or kept by its mode, and sealed to the recovery key.

``{"format", "recovery", "sealing", "secrets"}``: the same secrets twice, once for the running appliance
(``secrets``, as in the key store) and once for the paper (``recovery``).  The public half of the recovery
key stands *inside* the secrets: who can only write the file cannot put his own key in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto import aead, sodium
from appliance.crypto.encoding import b64decode, b64encode, hex_decode
from appliance.crypto.private import open_secrets, seal_secrets
from appliance.crypto.recovery import RecoveryKey
from appliance.errors import Denied, InvalidInput, Misconfigured

FORMAT: Final = "d2r-master-key/1"
KEY_ID_BYTES: Final = 8


@dataclass(frozen=True)
class MasterRing:
    """All generations of the master key, the current one first, and the public half of the recovery key."""

    keys: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    recovery_public: bytes

    def __post_init__(self) -> None:
        sizes = {(len(identifier), len(key)) for identifier, key in self.keys}
        if sizes != {(KEY_ID_BYTES, aead.KEY_BYTES)} or len(self.recovery_public) != sodium.SEAL_KEY_BYTES:
            raise InvalidInput("master.keys", "it holds no keys, or keys of another length")


def dump_master(ring: MasterRing, passphrase: str | None) -> bytes:
    """The file's bytes."""
    keys = [{"id": identifier.hex(), "key": b64encode(key)} for identifier, key in ring.keys]
    secrets = canonical_bytes({"keys": keys, "recovery_public": b64encode(ring.recovery_public)})
    recovery = b64encode(sodium.seal_to(ring.recovery_public, secrets))
    return canonical_bytes({"format": FORMAT, "recovery": recovery, **seal_secrets(secrets, passphrase)}) + b"\n"


def load_master(data: bytes, passphrase: str | None) -> MasterRing:
    """The inverse of ``dump_master``.

    Raises
    ------
    Denied : the passphrase is missing or wrong
    Misconfigured : the file is broken
    """
    return _load(data, lambda record: open_secrets(record, passphrase))


def load_master_by_recovery(data: bytes, recovery: RecoveryKey) -> MasterRing:
    """The same, opened with the key on paper.

    Raises
    ------
    Denied : it is the recovery key of another file
    Misconfigured : the file is broken
    """
    return _load(data, lambda record: sodium.unseal_with(recovery.secret, b64decode(record["recovery"])))


def _load(data: bytes, opened: Any) -> MasterRing:
    try:
        record = loads_strict(data)
        if record["format"] != FORMAT:
            raise InvalidInput("master.format", f"its format is not {FORMAT}")
        secrets = loads_strict(opened(record))
        keys = tuple((hex_decode(one["id"], KEY_ID_BYTES), b64decode(one["key"])) for one in secrets["keys"])
        return MasterRing(keys, b64decode(secrets["recovery_public"]))
    except Denied as error:
        raise Denied("master.locked", "The master key does not open.", error.hint or error.message) from error
    except (InvalidInput, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured("master.broken", f"The master key's file is broken: {error}.", "Restore it.") from error
