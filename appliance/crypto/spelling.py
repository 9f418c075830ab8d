"""Keys of 32 bytes as people copy them: 56 signs of Crockford's base 32 in eight groups, with 3 bytes of checksum.

They are read back without regard to case, to hyphens, and to the signs that people confuse (O and 0, I and L and 1).
The checksum is over the purpose of a key too, so that one key is not taken for another.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from appliance.errors import InvalidInput

SPELLED_BYTES: Final = 32
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CONFUSED: Final = str.maketrans("OIL", "011", "- \t\n")
_CHECK_BYTES: Final = 3
_SIGNS: Final = 8 * (SPELLED_BYTES + _CHECK_BYTES) // 5
_GROUP: Final = 7


def spell(key: bytes, purpose: str) -> str:
    """``key`` as it is printed; ``purpose`` is such as ``recovery-key``."""
    number = int.from_bytes(key + _checksum(key, purpose))
    signs = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(_SIGNS)))
    return "-".join(signs[start : start + _GROUP] for start in range(0, _SIGNS, _GROUP))


def read_spelled(text: str, purpose: str) -> bytes:
    """The key that was printed for ``purpose``; the inverse of ``spell``.

    Raises
    ------
    InvalidInput : signs are missing or mistyped, or it is a key for something else
    """
    words, code = purpose.replace("-", " "), purpose.partition("-")[0]
    signs = text.upper().translate(CONFUSED)
    if len(signs) != _SIGNS or not set(signs) <= set(ALPHABET):
        raise InvalidInput(f"{code}.form", f"A {words} has 56 letters and digits in eight groups of seven.")
    number = 0
    for sign in signs:
        number = number << 5 | ALPHABET.index(sign)
    data = number.to_bytes(SPELLED_BYTES + _CHECK_BYTES)
    key, check = data[:SPELLED_BYTES], data[SPELLED_BYTES:]
    if check != _checksum(key, purpose):
        hint = "Compare it with the original."
        raise InvalidInput(f"{code}.checksum", f"This {words} is mistyped, or is another kind of key.", hint)
    return key


def _checksum(key: bytes, purpose: str) -> bytes:
    return sha256(f"d2r/{purpose}/1".encode() + key).digest()[:_CHECK_BYTES]
