"""The append-only log of an appliance that runs without a server.

A folder holds the entries (``entryfile``), the latest signed ``checkpoint``, and under ``anchors/`` the checkpoints
that witnesses cosigned, one file for each size.  Every export validates the whole log first:

1. each entry continues the chain (``prev``) and has the leaf hash that was acknowledged,
2. the tree over them still has the root of the latest checkpoint that this log signed,
3. and the root of every checkpoint that a witness cosigned.

Any number of processes may use the same folder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

from appliance.audit.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from appliance.audit.cosignature import Cosignature, verify_cosignatures
from appliance.audit.entry import NO_PREVIOUS, Entry, read_entry
from appliance.audit.entryfile import EntryFile
from appliance.audit.exchange import Update
from appliance.audit.note import Note, parse_note
from appliance.audit.proof import Proof
from appliance.audit.tiles import TILE_WIDTH, bundle_entries, tile_hashes, tiles_of
from appliance.audit.tree import HashTree, leaf_hash
from appliance.core.files import sync_folder, write_whole
from appliance.crypto.keystore import KeyStore
from appliance.crypto.vkey import Signer, VerifierKey
from appliance.errors import InvalidInput, Modified, NotFound, NotProvable

LOG_FOLDER: Final = "log"

#: The end of a canonical entry, from ``prev`` on: the fields are in the order of RFC 8785.
_TAIL: Final = re.compile(rb',"prev":"([0-9a-f]{64})","subjects":\{[^{}]*\},"time":"[^"]{20}"\}\Z')


class FileLog:
    """One log in a folder, signed by one appliance.

    Parameters
    ----------
    folder : made if it is not there
    signer : the current key; its name is the log's origin
    log_keys : every key that ever signed this log, the current one included
    """

    def __init__(self, folder: Path, signer: Signer, log_keys: Sequence[VerifierKey]) -> None:
        self.folder = folder
        self.origin = signer.name
        self._signer = signer
        self._keys = tuple(log_keys)
        self._file = EntryFile(folder)
        self._checkpoint_path = folder / "checkpoint"
        self._anchor_folder = folder / "anchors"

    @classmethod
    def of(cls, store: KeyStore) -> FileLog:
        """The log that lives in the folder of a key store."""
        return cls(store.folder / LOG_FOLDER, store.signer(), store.own_keys())

    @property
    def size(self) -> int:
        """The number of entries."""
        with self._file.locked():
            return self._file.size

    def append(self, entry: Entry) -> int:
        """Add an entry; when this returns its index, the entry is on the disk."""
        with self._file.locked():
            return self._file.append(entry)

    def entry(self, index: int) -> bytes:
        """The bytes of an entry: what a proof is about."""
        with self._file.locked():
            return self._file.read(index)

    def checkpoint(self) -> Note:
        """Validate the whole log and sign its present state."""
        with self._file.locked():
            return self._sign(self._validated())

    def validate(self) -> Checkpoint:
        """Validate the whole log; the state that it is in, unsigned.

        Raises
        ------
        Modified : naming the entry, or the checkpoint that the entries no longer lead to
        """
        with self._file.locked():
            return self._state(self._validated())

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of an entry, from the leaf upwards."""
        with self._file.locked():
            tree = self._validated()
            return tree.inclusion(self._known(index, tree), size)

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first ``old`` entries are a beginning of the first ``new`` ones.

        Raises
        ------
        NotFound : the log never had that many entries
        """
        with self._file.locked():
            tree = self._validated()
            stop = tree.size if new is None else new
            if not 0 <= old <= stop <= tree.size:
                raise NotFound("log.size", f"The log has {tree.size} entries; it cannot go from {old} to {stop}.")
            return tree.consistency(old, stop)

    def proof_file(self, index: int) -> bytes:
        """A ``.tlog-proof`` of an entry against a checkpoint signed now."""
        with self._file.locked():
            tree = self._validated()
            return self._proof(self._known(index, tree), tree, tree.size, self._sign(tree))

    def proof_at(self, index: int, size: int) -> bytes:
        """A ``.tlog-proof`` of an entry against an earlier state, such as a printed checkpoint.

        Ed25519 signatures are deterministic: the checkpoint is the same, byte for byte, as the one printed
        then, unless the log's key was rotated since.
        """
        with self._file.locked():
            tree = self._validated()
            if not 0 <= index < size <= tree.size:
                raise NotFound("log.size", f"There is no entry {index} in a state of {size} of {tree.size} entries.")
            state = Checkpoint(self.origin, size, tree.root(size))
            return self._proof(index, tree, size, sign_checkpoint(state, self._signer))

    def update_since(self, old: int) -> bytes:
        """What a witness that saw ``old`` entries needs to cosign the present state (``exchange``)."""
        with self._file.locked():
            tree = self._validated()
            if not 0 <= old <= tree.size:
                raise NotFound("log.size", f"The log has {tree.size} entries; nobody can have seen {old}.")
            return bytes(Update(old, tree.consistency(old), self._sign(tree)))

    def refresh_proof(self, index: int, witnesses: Sequence[VerifierKey] = ()) -> bytes:
        """A ``.tlog-proof`` against the checkpoint that anchors the entry earliest.

        With ``witnesses`` only their cosignatures count; without, the smallest cosigned checkpoint that covers
        the entry is taken.  Where nobody cosigned one that covers it, the proof is that of ``proof_file``.
        """
        with self._file.locked():
            tree = self._validated()
            self._known(index, tree)
            covering = [(state, note) for state, note in self._anchors() if state.size > index]
            anchor = _earliest(covering, witnesses)
            if anchor is None:
                return self._proof(index, tree, tree.size, self._sign(tree))
            return self._proof(index, tree, anchor[0].size, anchor[1])

    def anchored_sizes(self) -> tuple[int, ...]:
        """The sizes at which witnesses cosigned this log, the smallest first."""
        with self._file.locked():
            return tuple(state.size for state, _ in self._anchors())

    def add_anchor(self, data: bytes, witnesses: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
        """Keep a checkpoint of this log that witnesses cosigned; cosignatures of one size add up.

        1. It is a checkpoint that this log signed.
        2. A known witness cosigned it.
        3. The entries still lead to it.

        Raises
        ------
        Modified : the checkpoint was changed, or the log was
        NotProvable : none of ``witnesses`` cosigned it
        """
        # 1. Our own signature.
        state, note = self._own_checkpoint(data)
        # 2. A known witness.
        found = verify_cosignatures(note, witnesses)
        if not found:
            raise NotProvable("anchor.unknown", "No trusted witness cosigned this checkpoint.", "Trust its key first.")
        with self._file.locked():
            # 3. It is a state of this log.
            _require_root(self._validated(), state)
            self._keep(state, note)
        return found

    def publish(self, folder: Path) -> Checkpoint:
        """Write the log as static tiles (``tiles``) with its checkpoint; full tiles that are there stay."""
        with self._file.locked():
            tree, entries = self._validated(), self._file.lines()
            for tile in tiles_of(tree.size):
                path = folder / tile.path
                bundle = [] if tile.level is not None else list(islice(entries, tile.width))
                if tile.width == TILE_WIDTH and path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, bundle_entries(bundle) if tile.level is None else tile_hashes(tree, tile))
            write_whole(folder / "checkpoint", bytes(self._sign(tree)))
            return self._state(tree)

    def _proof(self, index: int, tree: HashTree, size: int, note: Note) -> bytes:
        """A proof file that carries its entry: it can be judged without the log."""
        return bytes(Proof(index, tree.inclusion(index, size), note, extra=self._file.read(index)))

    def _keep(self, state: Checkpoint, note: Note) -> None:
        self._anchor_folder.mkdir(mode=0o700, exist_ok=True)
        path = self._anchor_folder / str(state.size)
        kept = parse_note(path.read_bytes()) if path.exists() else note
        for signature in note.signatures:
            kept = kept.adding(signature)
        write_whole(path, bytes(kept), 0o600)
        sync_folder(self.folder)

    def _validated(self) -> HashTree:
        """The tree over all entries, after the three checks of this module's docstring."""
        # 1. Entry by entry.
        tree = self._chained_tree()
        # 2. The latest own checkpoint.
        if self._checkpoint_path.exists():
            _require_root(tree, self._own_checkpoint(self._checkpoint_path.read_bytes())[0])
        # 3. Every anchor.
        for state, _ in self._anchors():
            _require_root(tree, state)
        return tree

    def _chained_tree(self) -> HashTree:
        tree, previous = HashTree(), NO_PREVIOUS.encode()
        for index, (line, acknowledged) in enumerate(zip_longest(self._file.lines(), self._file.leaf_hashes())):
            leaf = leaf_hash(line) if line is not None else None
            if leaf is None or leaf != acknowledged:
                raise Modified("log.entry", f"Entry {index} of the log differs from what was acknowledged.")
            found = _TAIL.search(line)
            if (found[1] if found else read_entry(line).prev.encode()) != previous:
                raise Modified("log.chain", f"Entry {index} of the log does not follow the entry before it.")
            tree.append(leaf)
            previous = leaf.hex().encode()
        return tree

    def _anchors(self) -> list[tuple[Checkpoint, Note]]:
        """Cosigned checkpoints, the smallest first."""
        if not self._anchor_folder.is_dir():
            return []
        paths = [path for path in self._anchor_folder.iterdir() if path.name.isdigit()]
        return [self._own_checkpoint(path.read_bytes()) for path in sorted(paths, key=lambda path: int(path.name))]

    def _own_checkpoint(self, data: bytes) -> tuple[Checkpoint, Note]:
        try:
            note = parse_note(data)
        except InvalidInput as error:
            raise Modified("checkpoint.form", f"A checkpoint of the log is damaged: {error.message}") from error
        return verify_checkpoint(data, self._keys, self.origin), note

    def _state(self, tree: HashTree) -> Checkpoint:
        return Checkpoint(self.origin, tree.size, tree.root())

    def _sign(self, tree: HashTree) -> Note:
        note = sign_checkpoint(self._state(tree), self._signer)
        write_whole(self._checkpoint_path, bytes(note), 0o600)
        return note

    @staticmethod
    def _known(index: int, tree: HashTree) -> int:
        if not 0 <= index < tree.size:
            raise NotFound("log.entry", f"The log has {tree.size} entries; there is no entry {index}.")
        return index


def _require_root(tree: HashTree, state: Checkpoint) -> None:
    if state.size > tree.size:
        raise Modified("log.truncated", f"The log holds {tree.size} entries, but it signed a state with {state.size}.")
    if tree.root(state.size) != state.root:
        raise Modified("log.root", f"The first {state.size} entries are not those that the log signed.")


def _earliest(
    anchors: Sequence[tuple[Checkpoint, Note]], witnesses: Sequence[VerifierKey]
) -> tuple[Checkpoint, Note] | None:
    if not witnesses:
        return anchors[0] if anchors else None
    timed = [(found[0].time, anchor) for anchor in anchors if (found := verify_cosignatures(anchor[1], witnesses))]
    return min(timed, key=lambda one: (one[0], one[1][0].size))[1] if timed else None
