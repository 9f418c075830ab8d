"""The archive key: a pair of keys for archives of workspaces, made where they will be opened.

The public half goes to whoever exports: an archive is sealed to it and cannot be opened with it.  The private half
stays with whoever will import, on paper or in a file (0600), and opens every archive that was sealed to its public
half.  Each is written as ``spelling`` says; the checksum keeps an archive from being sealed to a mistyped key, whose
private half nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from appliance.crypto import sodium
from appliance.crypto.spelling import read_spelled, spell
from appliance.errors import Denied

_PRIVATE: Final = "archive-key"
_PUBLIC: Final = "archive-lock"


@dataclass(frozen=True)
class ArchiveLock:
    """The public half: seals, and opens nothing."""

    public: bytes

    @property
    def text(self) -> str:
        """As it is given to whoever exports."""
        return spell(self.public, _PUBLIC)

    @property
    def fingerprint(self) -> str:
        """Lower-case hex SHA-256: what a log says about it."""
        return sha256(self.public).hexdigest()

    def seal(self, key: bytes) -> bytes:
        """``key`` so that only the private half gives it back."""
        return sodium.seal_to(self.public, key)


@dataclass(frozen=True)
class ArchiveKey:
    """The private half."""

    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> ArchiveKey:
        """A new random pair."""
        return cls(sodium.random_bytes(sodium.SEAL_KEY_BYTES))

    @property
    def lock(self) -> ArchiveLock:
        """The public half."""
        return ArchiveLock(sodium.seal_public_key(self.secret))

    @property
    def text(self) -> str:
        """As it is kept."""
        return spell(self.secret, _PRIVATE)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed to the public half.

        Raises
        ------
        Denied : it was sealed to another key, or changed
        """
        try:
            return sodium.unseal_with(self.secret, sealed)
        except Denied as error:
            raise Denied("archive.key", "This archive key does not open this archive.", "Use its own.") from error


def parse_archive_key(text: str) -> ArchiveKey:
    """Read the private half; raises ``InvalidInput`` where it is mistyped, or the public half."""
    return ArchiveKey(read_spelled(text, _PRIVATE))


def parse_archive_lock(text: str) -> ArchiveLock:
    """Read the public half; raises ``InvalidInput`` where it is mistyped, or the private half."""
    return ArchiveLock(read_spelled(text, _PUBLIC))
