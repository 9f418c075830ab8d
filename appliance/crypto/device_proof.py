"""What devices and the appliance say to each other before they trust each other: texts, and what proves them.

A text is a line that says what it is for, and a line ``name value`` for each of its fields, in the order given, each
line ended by a line feed.  A device signs it with its key (Ed25519); who knows a one-time code puts HMAC-SHA256 of it
beside, under a key that is made of the code so slowly that nobody finds the code while it counts:

    argon2id(code without hyphens, salt, 2 passes over 64 MiB, 1 lane), 32 bytes
    salt = the first 16 bytes of SHA256("d2r device code v1\\n" + workspace + "\\n")

The code itself never travels.  Nothing here reads a clock or a database.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from appliance.crypto import sodium
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.typed import read_code
from appliance.errors import InvalidInput

#: What a text is for.
ENROL: Final = "enrol"
ENROLLED: Final = "enrolled"
TOKEN: Final = "token"
REPLACE: Final = "replace"
#: Stands for a field that says nothing.
NOTHING: Final = "-"
_CODE_PASSES: Final = 2
_CODE_MEMORY_BYTES: Final = 64 << 20


def code_key(code: str, workspace: str) -> bytes:
    """The 32-byte key that a code stands for in a workspace; takes a tenth of a second and 64 MiB.

    Raises
    ------
    InvalidInput : the code is mistyped
    """
    salt = sha256(f"d2r device code v1\n{workspace}\n".encode()).digest()[: sodium.SALT_BYTES]
    return sodium.passphrase_key(read_code(code), salt, _CODE_PASSES, _CODE_MEMORY_BYTES)


def spelled(purpose: str, fields: Mapping[str, str]) -> bytes:
    """The text of ``purpose`` with its fields.

    Raises
    ------
    InvalidInput : a value is empty, or is not one printable line
    """
    for name, value in fields.items():
        if not value or not value.isprintable():
            raise InvalidInput("proof.field", f"'{name}' is empty or not printable.")
    return "".join([f"d2r device {purpose} v1\n", *(f"{name} {value}\n" for name, value in fields.items())]).encode()


def signature_of(seed: bytes, text: bytes) -> str:
    """The base64 signature of a text by the key of a device."""
    return b64encode(sodium.sign(seed, text))


def is_signed(public_key: str, text: bytes, signature: str) -> bool:
    """Whether the holder of ``public_key`` (base64) made ``signature`` (base64) over ``text``."""
    try:
        return sodium.is_signature(b64decode(public_key), text, b64decode(signature))
    except InvalidInput:
        return False


def confirmation_of(key: bytes, text: bytes) -> str:
    """What shows, in base64, that whoever wrote ``text`` knows the code of ``key``."""
    return b64encode(hmac.digest(key, text, "sha256"))


def is_confirmed(key: bytes, text: bytes, confirmation: str) -> bool:
    """Whether ``confirmation`` was made with the same code over the same text."""
    try:
        return hmac.compare_digest(b64decode(confirmation_of(key, text)), b64decode(confirmation))
    except InvalidInput:
        return False


def check_public_key(text: str) -> str:
    """A device's public key in base64.

    Raises
    ------
    InvalidInput : not 32 bytes in their one spelling
    """
    if len(b64decode(text)) != sodium.PUBLIC_KEY_BYTES:
        raise InvalidInput("device.key", "A device's public key is 32 bytes in base64.")
    return text
