"""What a log hands to a witness: the new checkpoint, and the proof that it continues what the witness saw.

    old n
    base64(hash)            the consistency proof from n entries, one hash a line
    (one empty line)
    the checkpoint, signed by the log

It is the body of an ``add-checkpoint`` request, carried as a file.

Source: C2SP tlog-witness.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit.checkpoint import parse_size, read_checkpoint
from appliance.audit.note import Note
from appliance.audit.proof import MAGIC, parse_proof
from appliance.audit.tree import HASH_BYTES
from appliance.crypto.encoding import b64decode, b64encode
from appliance.errors import InvalidInput, Modified

#: A consistency proof between trees of up to 2^63 leaves has at most 64 hashes.
_PATH_LIMIT = 64


@dataclass(frozen=True)
class Update:
    """A checkpoint's note, and the consistency proof to it from ``old`` entries."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old}", *map(b64encode, self.path), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + bytes(self.note)


def parse_update(data: bytes) -> Update:
    """Read an update strictly; the inverse of ``bytes(update)`` and of nothing else.

    Raises
    ------
    Modified : these are not the bytes of an update
    """
    try:
        update = _parse(data)
        if bytes(update) != data:
            raise InvalidInput("update.spelling", "It is not in its one canonical spelling.")
    except InvalidInput as error:
        raise Modified("update.form", f"The log's update is damaged: {error.message}") from error
    return update


def update_from(data: bytes, consistency: bytes | None = None) -> Update:
    """An update from the files that reached the witness.

    ``data`` is an update, or a bare checkpoint, or a ``.tlog-proof`` with one; the consistency proof then comes from
    the update in ``consistency``, or there is none, as at the first sight of a log.

    Raises
    ------
    Modified : a file is neither
    """
    if data.startswith(b"old "):
        return parse_update(data)
    try:
        note = parse_proof(data).note if data.startswith(MAGIC.encode()) else read_checkpoint(data)[1]
    except InvalidInput as error:
        raise Modified("update.form", f"This is neither an update nor a checkpoint: {error.message}") from error
    proof = parse_update(consistency) if consistency is not None else Update(0, (), note)
    return Update(proof.old, proof.path, note)


def _parse(data: bytes) -> Update:
    head, _, note = data.partition(b"\n\n")
    try:
        first, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidInput("update.encoding", "It is not text.") from error
    if not first.startswith("old ") or len(hashes) > _PATH_LIMIT:
        raise InvalidInput("update.form", "It does not begin with 'old' and a number of entries.")
    path = tuple(b64decode(line) for line in hashes)
    if any(len(one) != HASH_BYTES for one in path):
        raise InvalidInput("update.hash", "A hash in it is not 32 bytes long.")
    return Update(parse_size(first.removeprefix("old ")), path, read_checkpoint(note)[1])
