"""Names of keys: who signed, as one line of text that fits on a sheet of paper.

A verifier key is written ``name+hex(keyID)+base64(alg || public key)``.  The key ID binds the name to
the key: first 4 bytes of SHA256(name || 0x0A || alg || public key).  A log or report key (0x01) and
a witness key (0x04) of the same bytes are different keys.

Source: C2SP signed-note and tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance.core.files import unreadable
from appliance.crypto import sodium
from appliance.crypto.encoding import b64decode, b64encode, hex_decode
from appliance.errors import InvalidInput

#: Ed25519 over the text itself: logs and reports.
ALG_ED25519: Final = 0x01
#: Ed25519 over a timestamped checkpoint: witnesses.
ALG_COSIGNATURE: Final = 0x04

KEY_ID_BYTES: Final = 4
#: Names go into signature lines and file names of proofs; longer ones are a mistake.
NAME_LIMIT: Final = 200


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key, with the name that it signs under."""

    name: str
    algorithm: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.algorithm not in (ALG_ED25519, ALG_COSIGNATURE):
            raise InvalidInput("vkey.algorithm", f"Key '{self.name}' is of an unknown kind ({self.algorithm:#04x}).")
        if len(self.public_key) != sodium.PUBLIC_KEY_BYTES:
            raise InvalidInput("vkey.length", f"Key '{self.name}' is not 32 bytes long.")

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA256(name || 0x0A || alg || public key)."""
        material = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return sha256(material).digest()[:KEY_ID_BYTES]

    @property
    def label(self) -> str:
        """``name+hex(keyID)``: the key as signatures refer to it."""
        return f"{self.name}+{self.key_id.hex()}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, in hex groups of four: for reading aloud over the telephone."""
        digest = sha256(self.public_key).hexdigest()
        return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))

    def __str__(self) -> str:
        return f"{self.label}+{b64encode(bytes([self.algorithm]) + self.public_key)}"

    def is_signature(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made ``signature`` over exactly ``message``."""
        return sodium.is_signature(self.public_key, message, signature)


@dataclass(frozen=True)
class Signer:
    """A private key and the name that it signs under. The seed never shows in a repr."""

    name: str
    algorithm: int
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str, algorithm: int = ALG_ED25519) -> Signer:
        """A new random key."""
        return cls(check_name(name), algorithm, sodium.random_bytes(sodium.SEED_BYTES))

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, self.algorithm, sodium.public_key_of(self.seed))

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature over exactly ``message``."""
        return sodium.sign(self.seed, message)


def check_name(name: str) -> str:
    """``name``, if a signature line can carry it.

    Raises
    ------
    InvalidInput : empty, too long, or with white space, a plus sign or control characters
    """
    fits = 0 < len(name) <= NAME_LIMIT and name.isprintable()
    if not fits or "+" in name or any(sign.isspace() for sign in name):
        raise InvalidInput("vkey.name", f"{name!r} cannot name a key.", "Use printable text without spaces and '+'.")
    return name


def parse_vkey(text: str) -> VerifierKey:
    """Read one verifier key; the inverse of ``str(key)`` and of nothing else.

    Raises
    ------
    InvalidInput : another form, or a key ID that does not belong to this name and key
    """
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise InvalidInput("vkey.form", "A verifier key has the form name+id+base64.")
    name, key_id, encoded = parts
    blob = b64decode(encoded)
    if not blob:
        raise InvalidInput("vkey.form", "This verifier key holds no key.")
    key = VerifierKey(name, blob[0], blob[1:])
    if hex_decode(key_id, KEY_ID_BYTES) != key.key_id:
        raise InvalidInput("vkey.id", f"The key ID of '{name}' does not belong to its key.", "Copy the line again.")
    return key


def parse_trust(text: str) -> tuple[VerifierKey, ...]:
    """Keys of a trust file: one a line; empty lines and lines that begin with ``#`` say nothing."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(parse_vkey(line) for line in lines if line and not line.startswith("#"))


def read_trust(path: Path) -> tuple[VerifierKey, ...]:
    """The keys in the trust file at ``path``.

    Raises
    ------
    InvalidInput : the file cannot be read, or a line is not a verifier key
    """
    try:
        return parse_trust(path.read_text("utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("trust.encoding", f"{path} is not a text file.") from error


def format_trust(keys: Iterable[VerifierKey]) -> str:
    """A trust file with ``keys``, the inverse of ``parse_trust``."""
    return "".join(f"{key}\n" for key in keys)
