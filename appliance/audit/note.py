"""Signed notes (C2SP signed-note): a text that people can read, and signature lines below it.

    text, whose last line ends like every line
    (one empty line)
    — name base64(key ID || signature)

The signature covers the text with its last newline.  Signatures by unknown keys are ignored, so that
witnesses can be added without asking; one that fails under a known key rejects the whole note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.vkey import ALG_ED25519, KEY_ID_BYTES, Signer, VerifierKey, check_name
from appliance.errors import InvalidInput, Modified, NotProvable

#: Larger notes, and more signatures, are an attack on the reader's time (limits of the Go verifier).
NOTE_LIMIT_BYTES: Final = 1_000_000
SIGNATURE_LIMIT: Final = 100

_DASH: Final = "— "


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the name, the 4-byte key ID and what follows it."""

    name: str
    key_id: bytes
    blob: bytes

    def belongs_to(self, key: VerifierKey) -> bool:
        """Whether the line claims to be made by ``key``."""
        return self.name == key.name and self.key_id == key.key_id

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.blob)}\n"


@dataclass(frozen=True)
class Note:
    """A note as it was read, with nothing verified. ``text`` ends in a newline."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __bytes__(self) -> bytes:
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode("utf-8")

    def adding(self, signature: NoteSignature) -> Note:
        """This note with one more signature, in the place of an earlier one by the same key."""
        others = (one for one in self.signatures if (one.name, one.key_id) != (signature.name, signature.key_id))
        return Note(self.text, (*others, signature))


def sign_note(text: str, signers: Sequence[Signer]) -> Note:
    """A note with one signature of each signer (the key kind 0x01)."""
    _check_text(text)
    return Note(text, tuple(note_signature(text, signer) for signer in signers))


def note_signature(text: str, signer: Signer) -> NoteSignature:
    """The signature line of ``signer`` under ``text``."""
    return NoteSignature(signer.name, signer.verifier.key_id, signer.sign(text.encode("utf-8")))


def parse_note(data: bytes) -> Note:
    """Read a note strictly: it is split at its last empty line.

    Raises
    ------
    InvalidInput : not UTF-8, control characters, no signature lines, or lines of another form
    """
    if len(data) > NOTE_LIMIT_BYTES:
        raise InvalidInput("note.size", "This note is longer than a million bytes.")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("note.encoding", "This note is not UTF-8.") from error
    head, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise InvalidInput("note.form", "This note has no signature lines below an empty line.")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURE_LIMIT:
        raise InvalidInput("note.signatures", "This note carries too many signatures.")
    return Note(_check_text(head + "\n"), tuple(_parse_signature(line) for line in lines))


def verify_note(note: Note, trusted: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    """The trusted keys (kind 0x01) that signed the note's text.

    1. Every line that belongs to a trusted key verifies.
    2. At least one does.

    Not checked here: lines of witnesses (``cosignature``), and lines of unknown keys, which say nothing.

    Raises
    ------
    Modified : the text differs from what a trusted key signed
    NotProvable : no trusted key signed it
    """
    message, signed_by = note.text.encode("utf-8"), []
    keys = [key for key in trusted if key.algorithm == ALG_ED25519]
    for signature in note.signatures:
        for key in filter(signature.belongs_to, keys):
            # 1. A known key must agree.
            if not key.is_signature(message, signature.blob):
                raise Modified("note.signature", f"The text differs from what '{key.name}' signed.")
            signed_by.append(key)
    # 2. Someone known signed.
    if not signed_by:
        names = ", ".join(sorted({one.name for one in note.signatures}))
        raise NotProvable("note.unknown_key", f"None of the signatures ({names}) is by a trusted key.")
    return tuple(dict.fromkeys(signed_by))


def _parse_signature(line: str) -> NoteSignature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not separator:
        raise InvalidInput("note.form", "A signature line does not have the form '— name base64'.")
    blob = b64decode(encoded)
    if len(blob) <= KEY_ID_BYTES:
        raise InvalidInput("note.form", "A signature line is too short.")
    return NoteSignature(check_name(name), blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


def _check_text(text: str) -> str:
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise InvalidInput("note.text", "A note is lines of text without control characters.")
    return text
