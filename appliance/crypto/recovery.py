"""The recovery key: a secret on paper that opens the master key when its passphrase is lost.

Secrets are sealed *to* its public half (X25519), so that the appliance can rotate its keys without ever
holding the paper.  Written as 56 signs of Crockford's base32 in eight groups: 32 bytes and 3 of checksum,
read back without regard to case, to hyphens, and to the signs that people confuse (O and 0, I and L and 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from appliance.crypto import sodium
from appliance.errors import InvalidInput

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CONFUSED: Final = str.maketrans("OIL", "011", "- \t\n")
_CHECK_BYTES: Final = 3
_SIGNS: Final = 8 * (sodium.SEAL_KEY_BYTES + _CHECK_BYTES) // 5
_GROUP: Final = 7


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
        number = int.from_bytes(self.secret + _checksum(self.secret))
        signs = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_SIGNS)))
        return "-".join(signs[start : start + _GROUP] for start in range(0, _SIGNS, _GROUP))


def parse_recovery_key(text: str) -> RecoveryKey:
    """Read a recovery key as a person typed it; the inverse of ``RecoveryKey.text``.

    Raises
    ------
    InvalidInput : signs are missing, or mistyped
    """
    signs = text.upper().translate(_CONFUSED)
    if len(signs) != _SIGNS or not set(signs) <= set(_ALPHABET):
        raise InvalidInput("recovery.form", "A recovery key has 56 letters and digits in eight groups of seven.")
    number = 0
    for sign in signs:
        number = number << 5 | _ALPHABET.index(sign)
    data = number.to_bytes(sodium.SEAL_KEY_BYTES + _CHECK_BYTES)
    secret, check = data[: sodium.SEAL_KEY_BYTES], data[sodium.SEAL_KEY_BYTES :]
    if check != _checksum(secret):
        raise InvalidInput("recovery.checksum", "This recovery key is mistyped.", "Compare it with the paper.")
    return RecoveryKey(secret)


def _checksum(secret: bytes) -> bytes:
    return sha256(b"d2r/recovery-key/1" + secret).digest()[:_CHECK_BYTES]
