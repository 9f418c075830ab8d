"""What every log can do, wherever it keeps its entries: in a folder (``log``) or in a database (``database_log``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.cosignature import Cosignature
from appliance.audit.entry import Entry
from appliance.audit.note import Note
from appliance.crypto.vkey import VerifierKey


class Log(Protocol):
    """An append-only log that one appliance signs.

    What leaves the log (checkpoints, proofs, updates, tiles) is validated first; a log that fails its
    validation raises ``Modified`` and signs nothing.
    """

    @property
    def origin(self) -> str:
        """The name of the log, as its checkpoints carry it."""

    @property
    def size(self) -> int:
        """The number of entries."""

    def append(self, entry: Entry) -> int:
        """Add an entry; returns its index."""

    def entry(self, index: int) -> bytes:
        """The bytes of an entry: what a proof is about."""

    def checkpoint(self) -> Note:
        """Validate the log and sign its present state."""

    def validate(self) -> Checkpoint:
        """Validate the whole log; the state that it is in, unsigned."""

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of an entry, from the leaf upwards."""

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first ``old`` entries are a beginning of the first ``new`` ones."""

    def proof_file(self, index: int) -> bytes:
        """A ``.tlog-proof`` of an entry against a checkpoint signed now."""

    def proof_at(self, index: int, size: int) -> bytes:
        """A ``.tlog-proof`` of an entry against an earlier state, such as a printed checkpoint."""

    def update_since(self, old: int) -> bytes:
        """What a witness that saw ``old`` entries needs to cosign the present state."""

    def refresh_proof(self, index: int, witnesses: Sequence[VerifierKey] = ()) -> bytes:
        """A ``.tlog-proof`` against the checkpoint that anchors the entry earliest."""

    def anchored_sizes(self) -> tuple[int, ...]:
        """The sizes at which witnesses cosigned this log, the smallest first."""

    def add_anchor(self, data: bytes, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
        """Keep a checkpoint of this log that witnesses cosigned."""

    def publish(self, folder: Path) -> Checkpoint:
        """Write the log as static tiles with its checkpoint."""
