"""Proof files (``.tlog-proof``): that one entry stands in a log, in a form that travels alone.

    c2sp.org/tlog-proof@v1
    extra base64            (optional; this appliance puts the entry itself here)
    index n
    base64(hash)            the inclusion path, from the leaf upwards, one a line
    (one empty line)
    the checkpoint, with the log's signature and those of witnesses

Source: C2SP tlog-proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.audit.checkpoint import Checkpoint, read_checkpoint, verify_checkpoint
from appliance.audit.note import Note
from appliance.audit.tree import HASH_BYTES, leaf_hash, verify_inclusion
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.vkey import VerifierKey
from appliance.errors import InvalidInput, Modified

MAGIC: Final = "c2sp.org/tlog-proof@v1"
#: A tree of 2^63 leaves has paths of 63 hashes.
_PATH_LIMIT: Final = 63
_INDEX_DIGITS: Final = 19


@dataclass(frozen=True)
class Proof:
    """The proof of one entry: its index, the path to the root, and the checkpoint's note."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes = b""

    def __bytes__(self) -> bytes:
        extra = [f"extra {b64encode(self.extra)}"] if self.extra else []
        lines = [MAGIC, *extra, f"index {self.index}", *map(b64encode, self.path), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + bytes(self.note)

    @property
    def checkpoint(self) -> Checkpoint:
        """The state of the log that the proof leads to, not verified."""
        return read_checkpoint(bytes(self.note))[0]


def parse_proof(data: bytes) -> Proof:
    """Read a proof file; the inverse of ``bytes(proof)`` and of nothing else.

    Raises
    ------
    Modified : these are not the bytes of a proof file
    """
    try:
        proof = _parse(data)
        if bytes(proof) != data:
            raise InvalidInput("proof.spelling", "It is not in its one canonical spelling.")
    except InvalidInput as error:
        raise Modified("proof.form", f"The proof file is damaged: {error.message}") from error
    return proof


def verify_proof(proof: Proof, entry: bytes, log_keys: Sequence[VerifierKey], origin: str | None = None) -> Checkpoint:
    """The checkpoint that covers ``entry``.

    1. The log signed the checkpoint.
    2. The entry stands at the proof's index in the tree of that checkpoint.
    3. The entry that travels in the proof file (``extra``), if there is one, is the same.

    Not checked here: who else saw that checkpoint, and when (``verify``).

    Raises
    ------
    Modified : the entry, the proof or the checkpoint differ from what was logged
    NotProvable : no trusted key signed the checkpoint
    """
    # 1. The log's own word.
    checkpoint = verify_checkpoint(bytes(proof.note), log_keys, origin)
    # 2. The entry is under it.
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(entry), proof.path, checkpoint.root)
    # 3. One entry.
    if proof.extra not in (b"", entry):
        raise Modified("proof.extra", "The entry inside the proof file is another one.")
    return checkpoint


def _parse(data: bytes) -> Proof:
    head, separator, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("proof.encoding", "It is not text.") from error
    if not separator or lines.pop(0) != MAGIC or not lines:
        raise InvalidInput("proof.form", f"It does not begin with '{MAGIC}'.")
    extra = b64decode(lines.pop(0).removeprefix("extra ")) if lines[0].startswith("extra ") else b""
    if not lines or len(lines) > _PATH_LIMIT + 1:
        raise InvalidInput("proof.form", "It names no index, or its path is too long.")
    index, path = _parse_index(lines[0]), tuple(b64decode(line) for line in lines[1:])
    if any(len(one) != HASH_BYTES for one in path):
        raise InvalidInput("proof.hash", "A hash in it is not 32 bytes long.")
    return Proof(index, path, read_checkpoint(note)[1], extra)


def _parse_index(line: str) -> int:
    digits = line.removeprefix("index ")
    if digits == line or not digits.isdigit() or len(digits) > _INDEX_DIGITS:
        raise InvalidInput("proof.index", "It names no index.")
    return int(digits)
