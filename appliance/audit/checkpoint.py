"""Checkpoints (C2SP tlog-checkpoint): the state of a log in three lines that its key signs.

    origin            the name of the log
    size              the number of entries, decimal
    base64(root)      the root of their Merkle tree

Whoever holds a checkpoint can tell later whether the log still begins with those entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.audit.note import Note, parse_note, sign_note, verify_note
from appliance.audit.tree import HASH_BYTES
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.vkey import ALG_ED25519, Signer, VerifierKey
from appliance.errors import InvalidInput, Modified

#: Sizes beyond this are not counts of entries (the formats carry them as signed 64-bit numbers).
SIZE_LIMIT: Final = 2**63 - 1


@dataclass(frozen=True)
class Checkpoint:
    """A log's name, its number of entries and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that signatures cover."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, b64encode(self.root), *self.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint; the inverse of ``Checkpoint.text`` and of nothing else.

    Raises
    ------
    InvalidInput : lines missing or empty, a size with leading zeros, a root that is not 32 bytes
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise InvalidInput("checkpoint.form", "A checkpoint is an origin, a size and a root, one a line.")
    origin, size, root = lines[0], parse_size(lines[1]), b64decode(lines[2])
    if len(root) != HASH_BYTES:
        raise InvalidInput("checkpoint.root", "The checkpoint's root is not 32 bytes long.")
    return Checkpoint(origin, size, root, tuple(lines[3:-1]))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> Note:
    """The checkpoint as a note that the log's key signs."""
    return sign_note(checkpoint.text, (signer,))


def read_checkpoint(data: bytes) -> tuple[Checkpoint, Note]:
    """A checkpoint and the note around it, with nothing verified.

    Raises
    ------
    InvalidInput : this is not a checkpoint
    """
    note = parse_note(data)
    return parse_checkpoint(note.text), note


def verify_checkpoint(data: bytes, log_keys: Sequence[VerifierKey], origin: str | None = None) -> Checkpoint:
    """The checkpoint, if a key of the log signed it.

    1. It is a checkpoint in its one spelling.
    2. A log key signed it, and no known key disagrees.
    3. It is the state of the log that was asked for: ``origin``, or a log of the key that signed: named as the key, or
       ``<name of the key>/...``.  Where several known keys could own that name, the longest of their names does.

    Not checked here: whether it continues an earlier one (``tree.verify_consistency``, ``witness``).

    Raises
    ------
    Modified : it was changed, or it is the checkpoint of another log
    NotProvable : no known key signed it
    """
    # 1. Form.
    try:
        checkpoint, note = read_checkpoint(data)
    except InvalidInput as error:
        raise Modified("checkpoint.form", f"The checkpoint is damaged: {error.message}") from error
    # 2. Signature.
    signed_by = verify_note(note, log_keys)
    # 3. The right log.
    owner = owner_of(checkpoint.origin, log_keys)
    fits = owner in {key.name for key in signed_by} if origin is None else checkpoint.origin == origin
    if not fits:
        raise Modified("checkpoint.origin", f"This is the checkpoint of another log: '{checkpoint.origin}'.")
    return checkpoint


def owner_of(origin: str, keys: Sequence[VerifierKey]) -> str | None:
    """The name of the key whose log is called ``origin``; None if no key of ``keys`` may call a log so.

    An appliance calls its logs by its own name (``plant.example/7``) or by a name below (``plant.example/7/control``).
    """
    names = (key.name for key in keys if key.algorithm == ALG_ED25519)
    return max((name for name in names if f"{origin}/".startswith(f"{name}/")), key=len, default=None)


def parse_size(text: str) -> int:
    """A number of entries in its one spelling: decimal digits without leading zeros.

    Raises
    ------
    InvalidInput : anything else, or beyond 2^63 - 1
    """
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0") or len(text) > 19:
        raise InvalidInput("checkpoint.size", f"'{text[:40]}' is not a number of entries.")
    size = int(text)
    if size > SIZE_LIMIT:
        raise InvalidInput("checkpoint.size", "The checkpoint's size is not a number of entries.")
    return size
