"""The recovery key: a secret on paper that opens the master key when its passphrase is lost.

Secrets are sealed *to* its public half (X25519), so that the appliance can rotate its keys without ever
holding the paper.  It is written as ``spelling`` says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from appliance.crypto import sodium
from appliance.crypto.spelling import read_spelled, spell

_PURPOSE: Final = "recovery-key"


@dataclass(frozen=True)
class RecoveryKey:
    """The private half, which the appliance prints once and forgets."""

    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> RecoveryKey:
        """A new random recovery key."""
        return cls(sodium.random_bytes(sodium.SEAL_KEY_BYTES))

    @property
    def public(self) -> bytes:
        """What the appliance keeps: secrets can be sealed to it, not opened with it."""
        return sodium.seal_public_key(self.secret)

    @property
    def text(self) -> str:
        """As it is printed."""
        return spell(self.secret, _PURPOSE)


def parse_recovery_key(text: str) -> RecoveryKey:
    """Read a recovery key as a person typed it; the inverse of ``RecoveryKey.text``.

    Raises
    ------
    InvalidInput : signs are missing, or mistyped
    """
    return RecoveryKey(read_spelled(text, _PURPOSE))
