"""What can be said about one record today: unmodified since when, modified, or not provable.

    UNMODIFIED SINCE <time>    the record is under a checkpoint that a trusted witness saw at that time
    MODIFIED                   bytes differ from what was logged or signed; says which
    NOT PROVABLE               a key, a part or an anchor is missing; says which

A log key proves nothing against the administrator who holds it.  So the log's own signature only says who
claims the record; the time comes from somebody outside.  Between the append and the first outside
anchor nothing is provable, and this module says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from appliance.audit.checkpoint import Checkpoint, verify_checkpoint
from appliance.audit.cosignature import Cosignature, verify_cosignatures
from appliance.audit.entry import LoggedEntry, read_entry
from appliance.audit.proof import Proof, parse_proof, verify_proof
from appliance.core.clock import rfc3339
from appliance.crypto.vkey import VerifierKey
from appliance.errors import Modified, NotProvable


class Finding(Enum):
    """The three things that a verification can find."""

    UNMODIFIED = "UNMODIFIED"
    MODIFIED = "MODIFIED"
    NOT_PROVABLE = "NOT PROVABLE"


@dataclass(frozen=True)
class ProvenRecord:
    """A record that stands in the log.

    Attributes
    ----------
    anchors : cosignatures by trusted witnesses, the earliest first; empty: not anchored outside
    """

    entry: LoggedEntry
    index: int
    checkpoint: Checkpoint
    anchors: tuple[Cosignature, ...]

    @property
    def anchored_since(self) -> datetime | None:
        """The earliest time at which a trusted witness saw the record's checkpoint."""
        return self.anchors[0].time if self.anchors else None


@dataclass(frozen=True)
class Verdict:
    """A finding in a form for people and programs. ``since`` is set where an anchor proves a time."""

    finding: Finding
    reason: str
    since: datetime | None = None

    def __str__(self) -> str:
        word = f"{self.finding.value} SINCE {rfc3339(self.since)}" if self.since else self.finding.value
        return f"{word}: {self.reason}" if self.reason else word


def verify_record(
    entry: bytes | None,
    proof_file: bytes,
    trusted: Sequence[VerifierKey],
    *,
    origin: str | None = None,
    require_anchor: bool = False,
) -> ProvenRecord:
    """What is proven about a record of the log; without ``entry``, about the one inside the proof file.

    1. The entry is a canonical one, and the proof file is in its one spelling.
    2. A trusted log key signed the checkpoint, and the entry stands under its root.
    3. Cosignatures of trusted witnesses verify; the earliest is the anchor.
    4. There is an anchor, where one is required.

    Not checked here: that the entry names the artefact in hand (compare ``entry.subjects`` with its SHA-256), and
    whether the log went on honestly afterwards (``witness``).

    Raises
    ------
    Modified : steps 1 to 3
    NotProvable : no trusted key signed (2), or no trusted witness cosigned (4)
    """
    # 1. Form.
    proof = parse_proof(proof_file)
    entry = proof.extra if entry is None else entry
    record = read_entry(entry)
    # 2. The log's own word.
    checkpoint = verify_proof(proof, entry, trusted, origin)
    # 3. Witnesses.
    anchors = verify_cosignatures(proof.note, trusted)
    # 4. An anchor, where the auditor insists.
    if require_anchor and not anchors:
        raise NotProvable(
            "anchor.missing",
            "The record is in the log, but no trusted witness has seen it yet.",
            "Have the log's checkpoint cosigned, then refresh the proof: d2r log prove.",
        )
    return ProvenRecord(record, proof.index, checkpoint, anchors)


def judge_record(
    entry: bytes | None, proof_file: bytes, trusted: Sequence[VerifierKey], *, origin: str | None = None
) -> Verdict:
    """The verdict over a record, in words: without an anchor the finding is NOT PROVABLE."""
    try:
        proven = verify_record(entry, proof_file, trusted, origin=origin, require_anchor=True)
    except Modified as error:
        return Verdict(Finding.MODIFIED, error.message)
    except NotProvable as error:
        return Verdict(Finding.NOT_PROVABLE, error.message)
    anchor = proven.anchors[0]
    return Verdict(Finding.UNMODIFIED, f"entry {proven.index}, cosigned by '{anchor.key.name}'.", anchor.time)


def verify_held_checkpoint(proof: Proof, held: bytes, log_keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint that an auditor kept (or scanned from paper), if the proof leads to that very state.

    1. The log signed the held checkpoint.
    2. The proof is against the same number of entries and the same root.

    Raises
    ------
    Modified : the log signed two different states of one size: it was rewritten
    NotProvable : the proof is against another size; ask for one against the held size
    """
    # 1. It is a checkpoint of this log.
    kept = verify_checkpoint(held, log_keys)
    # 2. The same state.
    state = proof.checkpoint
    if state.origin != kept.origin or state.size != kept.size:
        raise NotProvable(
            "anchor.size",
            f"The proof is against {state.size} entries of '{state.origin}', the held checkpoint has {kept.size}.",
            f"Ask for a proof against it: d2r log prove INDEX --size {kept.size}.",
        )
    if state.root != kept.root:
        raise Modified("anchor.root", f"The log of {kept.size} entries is not the one in the held checkpoint.")
    return kept
