"""Base64 and hex that have exactly one spelling: what decodes also encodes back to the same text."""

from __future__ import annotations

import base64
import binascii

from appliance.errors import InvalidInput


def b64encode(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def b64decode(text: str) -> bytes:
    """The inverse of ``b64encode``, and of nothing else.

    Raises
    ------
    InvalidInput : other characters, missing padding, or unused bits that are not zero
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise InvalidInput("encoding.base64", "This is not base64.") from error
    if b64encode(data) != text:
        raise InvalidInput("encoding.base64", "This base64 is not in its one canonical spelling.")
    return data


def hex_decode(text: str, count: int) -> bytes:
    """``count`` bytes from lower-case hex.

    Raises
    ------
    InvalidInput : another length, upper case, or not hex
    """
    if len(text) != 2 * count or not set(text) <= set("0123456789abcdef"):
        raise InvalidInput("encoding.hex", f"This is not {count} bytes of lower-case hex.")
    return bytes.fromhex(text)
