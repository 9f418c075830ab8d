"""Folders and secrets that nobody else may read: modes, locks, and sealing under a passphrase."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, Final

from appliance.crypto import sodium
from appliance.crypto.encoding import b64decode, b64encode
from appliance.errors import Denied, Misconfigured, Unavailable

_LOCK_FILE: Final = ".lock"


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` (0700) if it is not there.

    Raises
    ------
    Unavailable : it cannot be made
    Misconfigured : it is there, and others may look into it
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable("keys.folder", f"{folder}: {error.strerror}.", "Check D2R_HOME.") from error
    refuse_open_to_others(folder)


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner may read, in a folder that only its owner may enter.

    Raises
    ------
    Misconfigured : it cannot be read, or the mode of the file or its folder lets others in
    """
    try:
        refuse_open_to_others(path.parent)
        refuse_open_to_others(path)
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured("keys.unreadable", f"{path}: {error.strerror}.") from error


def refuse_open_to_others(path: Path) -> None:
    """Return if only the owner may use ``path``: a key that others could copy proves nothing."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Misconfigured(
            "keys.permissions",
            f"{path} is open to other users (mode {mode:04o}), so its keys prove nothing.",
            f"Run: chmod go= '{path}'. If others could have read it, rotate the keys.",
        )


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Exclude other processes that lock the same folder; the lock falls with the process."""
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        flock(descriptor, LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def seal_secrets(plain: bytes, passphrase: str | None) -> dict[str, Any]:
    """The fields ``sealing`` and ``secrets`` of a key file: sealed, or plain without a passphrase."""
    if not passphrase:
        return {"sealing": None, "secrets": b64encode(plain)}
    salt = sodium.random_bytes(sodium.SALT_BYTES)
    passes, memory = sodium.PASSPHRASE_PASSES, sodium.PASSPHRASE_MEMORY_BYTES
    sealed = sodium.seal(sodium.passphrase_key(passphrase, salt, passes, memory), plain)
    sealing = {"kdf": "argon2id", "memory_bytes": memory, "passes": passes, "salt": b64encode(salt)}
    return {"sealing": sealing, "secrets": b64encode(sealed)}


def open_secrets(record: Any, passphrase: str | None) -> bytes:
    """The inverse of ``seal_secrets``, on a record that holds its two fields.

    Raises
    ------
    Denied : the passphrase is missing or wrong
    """
    secrets, sealing = b64decode(record["secrets"]), record["sealing"]
    if sealing is None:
        return secrets
    if not passphrase:
        raise Denied(
            "keys.passphrase",
            "The key store is sealed with a passphrase.",
            "Set D2R_PASSPHRASE or D2R_PASSPHRASE_FILE.",
        )
    key = sodium.passphrase_key(passphrase, b64decode(sealing["salt"]), sealing["passes"], sealing["memory_bytes"])
    return sodium.unseal(key, secrets)
