"""The master key: it wraps the data key of every workspace, and nothing else.

The key lives in one file (0600, in a folder that is 0700), sealed under a passphrase or, without one,
protected by the file's mode alone.  A recovery key, printed once, opens the same file when the passphrase
is lost.  A wrapped key names the generation of the master key that wrapped it: after ``rotate`` the old
generations open what they wrapped until every wrapped key was ``rewrap``-ped and ``retire_old`` was called;
objects are never encrypted again, because their data keys stay the same.

Order of a rotation: ``rotate`` (file), re-wrap every row (database, committed), ``retire_old`` (file).  A
crash between any two leaves all keys readable; the next run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.core.files import write_whole
from appliance.crypto import aead
from appliance.crypto.masterfile import KEY_ID_BYTES, MasterRing, dump_master, load_master, load_master_by_recovery
from appliance.crypto.private import locked_folder, make_private_folder, read_private
from appliance.crypto.recovery import RecoveryKey, parse_recovery_key
from appliance.crypto.sodium import random_bytes
from appliance.errors import Conflict, Modified, NotFound

_CONTEXT: Final = "d2r/wrapped-key/1\0"


@dataclass
class MasterKey:
    """The master key of one appliance, opened."""

    path: Path
    _ring: MasterRing
    _passphrase: str | None = field(repr=False)

    @classmethod
    def create(cls, path: Path, passphrase: str | None = None) -> tuple[MasterKey, str]:
        """Make the master key's file; returns the key and the text of its recovery key, which is kept nowhere.

        Raises
        ------
        Conflict : the file is there: its key wraps data that no other key opens
        """
        make_private_folder(path.parent)
        with locked_folder(path.parent):
            if path.exists():
                raise Conflict("master.exists", f"{path} exists, and what it wraps opens with no other key.")
            recovery = RecoveryKey.generate()
            master = cls(path, MasterRing((_new_generation(),), recovery.public), passphrase)
            master._write()
        return master, recovery.text

    @classmethod
    def open(cls, path: Path, passphrase: str | None = None) -> MasterKey:
        """Open the master key.

        Raises
        ------
        NotFound : there is no such file
        Denied : the passphrase is missing or wrong
        Misconfigured : others may read it, or it is broken
        """
        return cls(path, load_master(_read(path), passphrase), passphrase)

    @classmethod
    def recover(cls, path: Path, recovery_text: str, passphrase: str | None) -> MasterKey:
        """Open the file with the recovery key and seal it under another passphrase.

        Raises
        ------
        InvalidInput : the recovery key is mistyped
        Denied : it is the recovery key of another file
        """
        recovery = parse_recovery_key(recovery_text)
        with locked_folder(path.parent):
            master = cls(path, load_master_by_recovery(_read(path), recovery), passphrase)
            master._write()
        return master

    def wrap(self, key: bytes, context: str) -> bytes:
        """``key`` sealed under the current generation; it opens in the same ``context`` only."""
        identifier, master = self._ring.keys[0]
        return identifier + aead.seal_small(master, key, _CONTEXT + context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """What ``wrap`` was given.

        Raises
        ------
        Modified : the bytes were changed, moved to another context, or wrapped by another master key
        """
        master = dict(self._ring.keys).get(wrapped[:KEY_ID_BYTES]) or self._reloaded(wrapped[:KEY_ID_BYTES])
        if master is None:
            raise Modified("master.unknown", "This key was wrapped by another master key.", "Restore its file.")
        return aead.open_small(master, wrapped[KEY_ID_BYTES:], _CONTEXT + context)

    def derive(self, purpose: bytes) -> bytes:
        """A key for something that may end with this generation of the master key, such as sessions."""
        return aead.derive(self._ring.keys[0][1], b"", purpose)

    def is_current(self, wrapped: bytes) -> bool:
        """Whether the current generation wrapped it."""
        return wrapped[:KEY_ID_BYTES] == self._ring.keys[0][0]

    def rewrap(self, wrapped: bytes, context: str) -> bytes:
        """The same key, wrapped by the current generation."""
        return wrapped if self.is_current(wrapped) else self.wrap(self.unwrap(wrapped, context), context)

    def rotate(self) -> None:
        """Make a new generation that wraps from now on; the old ones still unwrap."""
        with locked_folder(self.path.parent):
            ring = load_master(_read(self.path), self._passphrase)
            self._ring = replace(ring, keys=(_new_generation(), *ring.keys))
            self._write()

    def retire_old(self) -> int:
        """Destroy every generation but the current one; returns how many. First re-wrap what they wrapped."""
        with locked_folder(self.path.parent):
            ring = load_master(_read(self.path), self._passphrase)
            self._ring = replace(ring, keys=ring.keys[:1])
            self._write()
        return len(ring.keys) - 1

    def change_passphrase(self, passphrase: str | None) -> None:
        """Seal the file under another passphrase, or leave it to the file's mode."""
        with locked_folder(self.path.parent):
            self._ring = load_master(_read(self.path), self._passphrase)
            self._passphrase = passphrase
            self._write()

    def renew_recovery(self) -> str:
        """Make another recovery key and return its text; the one before opens the file no more."""
        recovery = RecoveryKey.generate()
        with locked_folder(self.path.parent):
            ring = load_master(_read(self.path), self._passphrase)
            self._ring = replace(ring, recovery_public=recovery.public)
            self._write()
        return recovery.text

    def _reloaded(self, identifier: bytes) -> bytes | None:
        """The generation ``identifier``, if another process has made it since this one opened the file."""
        self._ring = load_master(_read(self.path), self._passphrase)
        return dict(self._ring.keys).get(identifier)

    def _write(self) -> None:
        write_whole(self.path, dump_master(self._ring, self._passphrase), 0o600)


def _new_generation() -> tuple[bytes, bytes]:
    return random_bytes(KEY_ID_BYTES), aead.new_key()


def _read(path: Path) -> bytes:
    if not path.exists():
        raise NotFound("master.missing", f"There is no master key at {path}.", "Run d2r init, or restore a backup.")
    return read_private(path)
