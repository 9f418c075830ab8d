"""A device as an edge developer would write one: from the published texts alone, with other libraries than ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2.low_level
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HOST = "appliance.example"
_NONCES = itertools.count(1)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def text_of(purpose: str, fields: dict[str, str]) -> bytes:
    return "".join([f"d2r device {purpose} v1\n", *(f"{key} {value}\n" for key, value in fields.items())]).encode()


def key_of_code(code: str, workspace: str) -> bytes:
    salt = hashlib.sha256(f"d2r device code v1\n{workspace}\n".encode()).digest()[:16]
    kind = argon2.low_level.Type.ID
    signs = code.replace("-", "").encode()
    return argon2.low_level.hash_secret_raw(signs, salt, 2, 64 * 1024, 1, 32, kind, 19)


def mac(key: bytes, text: bytes) -> str:
    return b64(hmac.new(key, text, hashlib.sha256).digest())


def moment(ahead_s: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=ahead_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Gadget:
    """A device; ``ahead_s`` is how far its clock is off."""

    name: str = "scanner-8"
    workspace: str = "main"
    host: str = HOST
    ahead_s: float = 0
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    device: str = ""
    key_id: str = ""

    @property
    def public_key(self) -> str:
        return b64(self.key.public_key().public_bytes_raw())

    def signed(self, text: bytes) -> str:
        return b64(self.key.sign(text))

    def application(self, code: str, **other: str) -> dict[str, str]:
        """What it sends to come in with a code."""
        said = {
            "workspace": self.workspace, "code": code[:4], "name": self.name, "host": self.host,
            "time": moment(self.ahead_s), "public_key": self.public_key, "certificate": "-",
        } | other  # fmt: skip
        text = text_of("enrol", said)
        return said | {"signature": self.signed(text), "confirmation": mac(key_of_code(code, self.workspace), text)}

    def take(self, answer: dict[str, Any]) -> None:
        """Note who it is."""
        self.device, self.key_id = answer["device"], answer["key"]

    def proof(self, **other: str) -> dict[str, str]:
        """What it sends for a token."""
        said = {
            "workspace": self.workspace, "key": self.key_id, "host": self.host, "time": moment(self.ahead_s),
            "nonce": f"n{next(_NONCES)}",
        } | other  # fmt: skip
        return said | {"signature": self.signed(text_of("token", said))}

    def renewal(self, new: Ed25519PrivateKey, **other: str) -> dict[str, str]:
        """What it sends to replace its key."""
        said = {
            "workspace": self.workspace, "device_key": self.key_id, "host": self.host, "time": moment(self.ahead_s),
            "public_key": b64(new.public_key().public_bytes_raw()),
        } | other  # fmt: skip
        text = text_of("replace", said)
        return said | {"signature": self.signed(text), "new_signature": b64(new.sign(text))}
