"""The key store's file: keys to bytes and back, sealed where there is a passphrase.

The private halves stand together in one field, ``secrets``: base64 of their canonical JSON, or of
that JSON sealed under the passphrase.  Everything else in the file is public.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.certificate import PdfIdentity, check_pdf_identity
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.private import open_secrets, seal_secrets
from appliance.crypto.vkey import ALG_ED25519, Signer, VerifierKey, parse_vkey
from appliance.errors import InvalidInput, Misconfigured

FORMAT: Final = "d2r-keystore/1"


@dataclass(frozen=True)
class RetiredKey:
    """A key that signs no more: its public half, its PDF certificate, and who took over when."""

    vkey: VerifierKey
    certificate_der: bytes
    retired_at_utc: str
    rotation: bytes

    @property
    def record_sha256(self) -> str:
        """SHA-256 of the envelope that records the rotation, hex."""
        return sha256(self.rotation).hexdigest()


@dataclass(frozen=True)
class KeyRing:
    """All keys of one store, in the clear."""

    signer: Signer
    pdf: PdfIdentity
    retired: tuple[RetiredKey, ...]


def dump_key_ring(ring: KeyRing, passphrase: str | None) -> bytes:
    """The file's bytes; the private halves are sealed if there is a passphrase."""
    secrets = canonical_bytes({"pdf": b64encode(ring.pdf.key_der), "seed": b64encode(ring.signer.seed)})
    record = {
        "format": FORMAT,
        "vkey": str(ring.signer.verifier),
        "certificate": b64encode(ring.pdf.certificate_der),
        "retired": [_dump_retired(key) for key in ring.retired],
        **seal_secrets(secrets, passphrase),
    }
    return canonical_bytes(record) + b"\n"


def load_key_ring(data: bytes, passphrase: str | None) -> KeyRing:
    """The inverse of ``dump_key_ring``.

    Raises
    ------
    Denied : the passphrase is missing or wrong
    Misconfigured : the file is broken, or its private and public halves do not belong together
    """
    with _broken_file():
        return _read_ring(_record_of(data), passphrase)


def load_public_keys(data: bytes) -> tuple[VerifierKey, ...]:
    """The public halves alone, the current one first, then retired ones, latest first: no passphrase is needed.

    That the private halves belong to them is not checked here, but by ``load_key_ring``.

    Raises
    ------
    Misconfigured : the file is broken
    """
    with _broken_file():
        record = _record_of(data)
        return (parse_vkey(record["vkey"]), *(_read_retired(one).vkey for one in reversed(record["retired"])))


@contextmanager
def _broken_file() -> Iterator[None]:
    """Whatever does not parse is a broken key store."""
    try:
        yield
    except (InvalidInput, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured("keys.broken", f"The key store's file is broken: {error}.", "Restore a backup.") from error


def _record_of(data: bytes) -> Any:
    record = loads_strict(data)
    if record["format"] != FORMAT:
        raise InvalidInput("keys.format", f"the format is not {FORMAT}")
    return record


def _read_ring(record: Any, passphrase: str | None) -> KeyRing:
    secrets = loads_strict(open_secrets(record, passphrase))
    vkey = parse_vkey(record["vkey"])
    signer = Signer(vkey.name, ALG_ED25519, b64decode(secrets["seed"]))
    if signer.verifier != vkey:
        raise InvalidInput("keys.halves", "the private key does not belong to the public one")
    pdf = check_pdf_identity(PdfIdentity(b64decode(secrets["pdf"]), b64decode(record["certificate"])))
    return KeyRing(signer, pdf, tuple(_read_retired(one) for one in record["retired"]))


def _dump_retired(key: RetiredKey) -> dict[str, str]:
    return {
        "vkey": str(key.vkey),
        "certificate": b64encode(key.certificate_der),
        "retired_at_utc": key.retired_at_utc,
        "rotation": b64encode(key.rotation),
    }


def _read_retired(record: Any) -> RetiredKey:
    return RetiredKey(
        parse_vkey(record["vkey"]),
        b64decode(record["certificate"]),
        record["retired_at_utc"],
        b64decode(record["rotation"]),
    )
