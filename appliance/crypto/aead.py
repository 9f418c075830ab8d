"""The gate to AES-256-GCM and HKDF: keys derived for one purpose, small secrets sealed whole.

Every sealing draws a random 32-byte salt and derives a key of its own from it (HKDF-SHA256), so that no
nonce is ever used twice under one key, whatever the number of sealings.  ``context`` is authenticated, not
stored: what was sealed for one place does not open in another.

Source: NIST SP 800-38D; RFC 5869.
"""

from __future__ import annotations

import os
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import Modified

Buffer: TypeAlias = bytes | bytearray | memoryview

KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_SMALL_VERSION: Final = b"\x01"
_SMALL_PURPOSE: Final = b"d2r/sealed-small/1"
#: The key of a small sealing serves once, so its nonce may be constant.
_ONLY_NONCE: Final = bytes(NONCE_BYTES)


def new_key() -> bytes:
    """A random AES-256 key."""
    return os.urandom(KEY_BYTES)


def new_salt() -> bytes:
    """A random salt, for one derived key."""
    return os.urandom(SALT_BYTES)


def derive(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    """The 32-byte key for one ``purpose`` and ``salt`` under ``key``. Source: RFC 5869."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt or None, purpose).derive(key)


def seal_small(key: bytes, plain: bytes, context: str) -> bytes:
    """``plain`` as version, salt, ciphertext and tag; it opens under the same key and context only."""
    salt = new_salt()
    cipher = AESGCM(derive(key, salt, _SMALL_PURPOSE))
    return _SMALL_VERSION + salt + cipher.encrypt(_ONLY_NONCE, plain, context.encode())


def open_small(key: bytes, sealed: bytes, context: str) -> bytes:
    """What ``seal_small`` was given.

    Raises
    ------
    Modified : the bytes were changed, or they were sealed under another key or for another context
    """
    salt, body = sealed[1 : 1 + SALT_BYTES], sealed[1 + SALT_BYTES :]
    if sealed[:1] != _SMALL_VERSION or len(body) < TAG_BYTES:
        raise Modified("sealed.form", "These bytes are not a sealed secret.")
    try:
        return AESGCM(derive(key, salt, _SMALL_PURPOSE)).decrypt(_ONLY_NONCE, body, context.encode())
    except InvalidTag as error:
        raise Modified("sealed.secret", "A sealed secret was changed, or belongs to another key.") from error


class SegmentCipher:
    """AES-256-GCM under one derived key, whose nonces the caller counts; safe in several threads."""

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def seal_into(self, nonce: bytes, plain: Buffer, out: Buffer) -> int:
        """Write ciphertext and tag to ``out``, which is exactly ``TAG_BYTES`` longer than ``plain``."""
        return self._aes.encrypt_into(nonce, plain, None, out)

    def open(self, nonce: bytes, sealed: Buffer) -> bytes:
        """The plain bytes.

        Raises
        ------
        Modified : this is not what was sealed under this key and nonce
        """
        try:
            return self._aes.decrypt(nonce, sealed, None)
        except InvalidTag as error:
            raise Modified("sealed.segment", "A segment of sealed bytes was changed.") from error
