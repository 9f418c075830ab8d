"""Witness cosignatures (C2SP cosignature/v1): somebody else saw this checkpoint, and when.

The witness signs ``cosignature/v1\\ntime <unix seconds>\\n`` and the text of the checkpoint.  Its signature
line carries key ID || time (8 bytes, big-endian) || signature.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from appliance.audit.note import Note, NoteSignature
from appliance.crypto.sodium import SIGNATURE_BYTES
from appliance.crypto.vkey import ALG_COSIGNATURE, Signer, VerifierKey
from appliance.errors import InvalidInput, Modified

_TIME: Final = struct.Struct(">Q")
#: The last second of the year 9999: times beyond it cannot be written as RFC 3339.
_TIME_LIMIT: Final = 253_402_300_799


@dataclass(frozen=True)
class Cosignature:
    """A witness key, and the time at which it says it saw the checkpoint."""

    key: VerifierKey
    time: datetime


def cosign(checkpoint_text: str, witness: Signer, time: datetime) -> NoteSignature:
    """The signature line of ``witness`` under a checkpoint, at ``time``.

    Raises
    ------
    InvalidInput : the key is not a witness key (0x04)
    """
    if witness.algorithm != ALG_COSIGNATURE:
        raise InvalidInput("witness.key", f"'{witness.name}' is not the key of a witness.")
    seconds = int(time.timestamp())
    signature = witness.sign(_message(seconds, checkpoint_text))
    return NoteSignature(witness.name, witness.verifier.key_id, _TIME.pack(seconds) + signature)


def verify_cosignatures(note: Note, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """The cosignatures by known witnesses, the earliest first; keys of other kinds are passed over.

    None is a valid answer: the checkpoint is then not anchored by anybody known.

    Raises
    ------
    Modified : a line of a known witness does not verify
    """
    keys = [key for key in witnesses if key.algorithm == ALG_COSIGNATURE]
    found = {_verify_line(note.text, line, key) for line in note.signatures for key in keys if line.belongs_to(key)}
    return tuple(sorted(found, key=lambda one: (one.time, one.key.label)))


def _verify_line(text: str, line: NoteSignature, key: VerifierKey) -> Cosignature:
    if len(line.blob) != _TIME.size + SIGNATURE_BYTES:
        raise Modified("cosignature.form", f"The cosignature of '{key.name}' has another length.")
    (seconds,) = _TIME.unpack_from(line.blob)
    if seconds > _TIME_LIMIT or not key.is_signature(_message(seconds, text), line.blob[_TIME.size :]):
        raise Modified("cosignature.signature", f"The checkpoint or its time differ from what '{key.name}' cosigned.")
    return Cosignature(key, datetime.fromtimestamp(seconds, UTC))


def _message(seconds: int, checkpoint_text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{checkpoint_text}".encode()
