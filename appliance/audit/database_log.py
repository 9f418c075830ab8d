"""The append-only log of a workspace, or of the control plane, in its database.

An append joins the transaction of its caller: an event and its entry are durable together, or neither is.  A
checkpoint is signed over committed entries alone; inside an open transaction the log refuses to sign, because a
signed state that is rolled back afterwards is a fork.  Everything that leaves the log is validated first
(``validation``), from the last signed checkpoint on; a proof is verified before it is handed out.

Any number of processes may use the same log: the end of the log is read from the table at every append.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from appliance.audit.checkpoint import Checkpoint, read_checkpoint, sign_checkpoint
from appliance.audit.cosignature import Cosignature, verify_cosignatures
from appliance.audit.entry import Entry
from appliance.audit.exchange import Update
from appliance.audit.note import Note
from appliance.audit.promises import Promises
from appliance.audit.proof import Proof
from appliance.audit.publishing import write_tiles
from appliance.audit.rows import EngineRows, Rows
from appliance.audit.stored_tree import StoredTree
from appliance.audit.tables import LogTables
from appliance.audit.tiles import TILE_WIDTH
from appliance.audit.tree import leaf_hash, verify_inclusion
from appliance.audit.validation import Progress, validate_since, validate_whole
from appliance.core.clock import rfc3339, utc_now
from appliance.core.faults import point
from appliance.crypto.vkey import Signer, VerifierKey
from appliance.errors import Modified, NotFound, NotProvable

if TYPE_CHECKING:
    from appliance.tenancy.scope import WorkspaceScope
    from appliance.tenancy.site import Site

#: What the log of the control plane is called after the appliance's name.
CONTROL: Final = "control"
#: Entries that ``append_many`` hashes before it hands them to the database: 64 tiles.
_BATCH: Final = 64 * TILE_WIDTH


class DatabaseLog:
    """One log in the tables behind ``rows``, signed by one appliance.

    Parameters
    ----------
    first_origin : the log's name, ``<key name>/<workspace id>``; a log that lost its end is called
        ``.../epoch-2`` and so on from then on (``epochs``)
    signer : the current key
    log_keys : every key that ever signed this log, the current one included
    """

    def __init__(
        self,
        rows: Rows,
        first_origin: str,
        signer: Signer,
        log_keys: Sequence[VerifierKey],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.first_origin = first_origin
        self.tables = LogTables(rows)
        self.promises = Promises(self.tables, first_origin, log_keys)
        self._signer = signer
        self._clock = clock

    @classmethod
    def of(cls, scope: WorkspaceScope) -> DatabaseLog:
        """The log of a workspace."""
        keys = scope.keys.latest()
        origin = f"{keys.name}/{scope.workspace_id}"
        return cls(EngineRows(scope.database), origin, keys.signer(), keys.own_keys())

    @classmethod
    def of_control(cls, site: Site) -> DatabaseLog:
        """The log of the control plane."""
        keys = site.keys.latest()
        return cls(EngineRows(site.control), f"{keys.name}/{CONTROL}", keys.signer(), keys.own_keys())

    @property
    def origin(self) -> str:
        """The name of the log, as its next checkpoint carries it."""
        return self.promises.origins()[-1]

    @property
    def size(self) -> int:
        """The number of entries, the caller's uncommitted ones included."""
        return self.tables.last().size

    def append(self, entry: Entry) -> int:
        """Add an entry in the caller's transaction, or in one of its own; returns its index.

        An entry whose time lies before that of the last one takes the last one's: the log is in order.
        """
        last = self.tables.last() if self.tables.rows.in_transaction else None
        if last is None or (last.size + 1) % TILE_WIDTH == 0:
            return self.append_many((entry,)).start
        data = _not_before(entry, last.time).after(last.leaf)  # one statement: it needs no savepoint to be whole
        self.tables.add_entries([(last.size, data, leaf_hash(data))])
        return last.size

    def append_many(self, entries: Iterable[Entry]) -> range:
        """Add entries in one transaction; returns their indices."""
        with self.tables.rows.transaction():
            last = self.tables.last()
            start = index = last.size
            leaf, moment, remaining = last.leaf, last.time, iter(entries)
            while batch := list(islice(remaining, _BATCH)):
                rows = []
                for entry in batch:
                    data = _not_before(entry, moment).after(leaf)
                    leaf, moment = leaf_hash(data), max(moment, rfc3339(entry.time))
                    rows.append((index, data, leaf))
                    index += 1
                self.tables.add_entries(rows)
        return range(start, index)

    def entry(self, index: int) -> bytes:
        """The bytes of an entry: what a proof is about."""
        return self.tables.entry(index)

    def checkpoint(self) -> Note:
        """Validate what is new since the last checkpoint, and sign the present state.

        A state that was signed before is returned as it is.

        Raises
        ------
        Modified : the log fails its validation
        RuntimeError : the caller's transaction is open
        """
        return self._signed()[1]

    def validate(self, progress: Progress | None = None) -> Checkpoint:
        """Validate the whole log; the state that it is in, unsigned.

        Raises
        ------
        Modified : naming the entry, or the checkpoint that the entries no longer lead to
        """
        self.promises.require_epochs()
        return self._state(validate_whole(self.tables, self.promises.opened, progress))

    def validate_since(self) -> Checkpoint:
        """Validate what is new since the last checkpoint; the state that the log is in, unsigned."""
        return self._state(self._validated())

    def validate_for_export(self) -> Checkpoint:
        """Validate up to a checkpoint that is signed now: what every export does before it hands anything out.

        Raises
        ------
        Modified : the log fails its validation; nothing may leave it
        RuntimeError : the caller's transaction is open
        """
        return self._state(self._signed()[0])

    def is_signed(self) -> bool:
        """Whether the present state was signed by the current key already."""
        return self.promises.is_last(self.size, self._signer.verifier)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of an entry, from the leaf upwards."""
        tree = self._validated()
        stop = tree.size if size is None else size
        _require_between(index, stop, tree)
        return tree.inclusion(index, stop)

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first ``old`` entries are a beginning of the first ``new`` ones."""
        tree = self._validated()
        stop = tree.size if new is None else new
        if not 0 <= old <= stop <= tree.size:
            raise NotFound("log.size", f"The log has {tree.size} entries; it cannot go from {old} to {stop}.")
        return tree.consistency(old, stop)

    def proof_file(self, index: int) -> bytes:
        """A ``.tlog-proof`` of an entry against a checkpoint signed now."""
        self.entry(index)
        tree, note = self._signed()
        return self._proof(index, tree, note)

    def proof_at(self, index: int, size: int) -> bytes:
        """A ``.tlog-proof`` of an entry against an earlier state, such as a printed checkpoint."""
        tree = self._validated()
        _require_between(index, size, tree)
        state = Checkpoint(self.origin, size, tree.root(size))
        return self._proof(index, tree, self.promises.over(size) or sign_checkpoint(state, self._signer))

    def update_since(self, old: int) -> bytes:
        """What a witness that saw ``old`` entries needs to cosign the present state (``exchange``)."""
        if not 0 <= old <= self.size:
            raise NotFound("log.size", f"The log has {self.size} entries; nobody can have seen {old}.")
        tree, note = self._signed()
        return bytes(Update(old, tree.consistency(old), note))

    def refresh_proof(self, index: int, witnesses: Sequence[VerifierKey] = ()) -> bytes:
        """A ``.tlog-proof`` against the checkpoint that anchors the entry earliest, else against one signed now."""
        self.entry(index)
        note = self.promises.earliest(index, witnesses)
        return self._proof(index, self._validated(), note) if note else self.proof_file(index)

    def anchored_sizes(self) -> tuple[int, ...]:
        """The sizes at which witnesses cosigned this log, the smallest first."""
        return tuple(sorted({state.size for state, _ in self.promises.anchors()}))

    def add_anchor(self, data: bytes, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
        """Keep a checkpoint of this log that witnesses cosigned.

        1. It is a checkpoint that this log signed, and the entries still lead to it.
        2. A known witness cosigned it.

        Raises
        ------
        Modified : the checkpoint was changed, or the log was
        NotProvable : none of ``witnesses`` cosigned it, or it covers entries that the log says it lost
        """
        # 1. A state of this log.
        state = self.require_state(data)
        # 2. A known witness.
        found = verify_cosignatures(read_checkpoint(data)[1], witnesses)
        if not found:
            raise NotProvable("anchor.unknown", "No trusted witness cosigned this checkpoint.", "Trust its key first.")
        with self.tables.rows.transaction():
            self.tables.add_anchor(state.size, data, rfc3339(self._clock()))
        return found

    def require_state(self, data: bytes) -> Checkpoint:
        """The checkpoint in ``data``, if this log signed it and its entries still lead to it.

        Raises
        ------
        Modified : the checkpoint was changed, or the log was rewritten or cut off since
        NotProvable : it covers entries that the log lost and says so (``epochs``)
        """
        state = self.promises.own(data)
        tree = self._validated()
        self.promises.require_not_lost(state)
        if state.size > tree.size:
            message = f"The log holds {tree.size} entries, but it signed a state with {state.size}."
            raise Modified("log.truncated", message)
        if tree.root(state.size) != state.root:
            raise Modified("log.root", f"The first {state.size} entries are not those that the log signed.")
        return state

    def publish(self, folder: Path) -> Checkpoint:
        """Write the log as static tiles (``tiles``) with its checkpoint; full tiles that are there stay."""
        tree, note = self._signed()
        write_tiles(self.tables, tree, bytes(note), folder)
        return self._state(tree)

    def sign_deed(self, deed: Checkpoint) -> Note:
        """The deed of a log that came from another appliance (``eras``); its caller has compared the entries."""
        return sign_checkpoint(deed, self._signer)

    def _validated(self, known: Checkpoint | None = None) -> StoredTree:
        self.promises.require_epochs()
        return validate_since(self.tables, self.promises.opened, known)

    def _signed(self) -> tuple[StoredTree, Note]:
        """The present tree and its signed checkpoint; most of the validation runs before writers are excluded."""
        rows = self.tables.rows
        if rows.in_transaction:
            raise RuntimeError("a log signs committed entries only: commit first, then ask for a checkpoint or proof")
        known = self._state(self._validated())
        with rows.transaction():
            tree = self._validated(known)
            last = self.tables.last_checkpoint()
            note = sign_checkpoint(self._state(tree), self._signer)
            if last is None or last.note != bytes(note):
                self.tables.add_checkpoint(tree.size, bytes(note), rfc3339(self._clock()))
            point("audit.signed")
        point("audit.checkpoint")
        return tree, note

    def _proof(self, index: int, tree: StoredTree, note: Note) -> bytes:
        """A proof file that carries its entry; it is verified before anybody else sees it."""
        state, entry = read_checkpoint(bytes(note))[0], self.entry(index)
        path = tree.inclusion(index, state.size)
        try:
            verify_inclusion(index, state.size, leaf_hash(entry), path, state.root)
        except Modified as error:
            message = f"Entry {index} of the log differs from what was acknowledged."
            raise Modified("log.entry", message) from error
        return bytes(Proof(index, path, note, extra=entry))

    def _state(self, tree: StoredTree) -> Checkpoint:
        return Checkpoint(self.origin, tree.size, tree.root())


def _not_before(entry: Entry, moment: str) -> Entry:
    if rfc3339(entry.time) >= moment:
        return entry
    try:
        return replace(entry, time=datetime.fromisoformat(moment))
    except ValueError as error:
        raise Modified("log.entry", "The last entry of the log is not one any more.") from error


def _require_between(index: int, size: int, tree: StoredTree) -> None:
    if not 0 <= index < size <= tree.size:
        raise NotFound("log.entry", f"There is no entry {index} in a state of {size} of {tree.size} entries.")
