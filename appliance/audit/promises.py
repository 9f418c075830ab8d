"""What a log in a database promised: its names, the checkpoints that its keys signed, those that witnesses cosigned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.audit.checkpoint import Checkpoint, read_checkpoint, verify_checkpoint
from appliance.audit.cosignature import verify_cosignatures
from appliance.audit.entry import read_entry
from appliance.audit.eras import Era, eras_of
from appliance.audit.note import Note
from appliance.audit.tables import Epoch, LogTables, SignedState
from appliance.crypto.vkey import VerifierKey
from appliance.errors import InvalidInput, Modified, NotFound, NotProvable

#: The kind of entry with which a log that lost its end begins anew (``epochs``).
EPOCH_ENTRY: Final = "log.epoch"


class Promises:
    """The signed notes in the tables of one log, each verified before it is used.

    Parameters
    ----------
    first_origin : the log's name in its first epoch
    keys : every key that ever signed this log
    """

    def __init__(self, tables: LogTables, first_origin: str, keys: Sequence[VerifierKey]) -> None:
        self._tables = tables
        self._first_origin = first_origin
        self._keys = tuple(keys)
        self._known: tuple[list[Epoch], tuple[Era, ...]] | None = None

    def eras(self) -> tuple[Era, ...]:
        """The names of the log with the keys that signed under each, one for each epoch.

        Raises
        ------
        Modified : what a log of another appliance is said to have been called before was not signed by this one
        """
        return self._epochs_and_eras()[1]

    def origins(self) -> list[str]:
        """The names of the log, one for each epoch."""
        return [era.name for era in self.eras()]

    def own(self, data: bytes, eras: Sequence[Era] | None = None) -> Checkpoint:
        """The checkpoint in ``data``, if a key of this log signed it under one of its names (``eras``, where at hand).

        Raises
        ------
        Modified : it was changed, or it is that of another log
        NotProvable : no key of this log signed it
        """
        try:
            claimed = read_checkpoint(data)[0].origin
        except InvalidInput as error:
            raise Modified("checkpoint.form", f"A checkpoint of the log is damaged: {error.message}") from error
        eras = self.eras() if eras is None else eras
        era = next((one for one in eras if one.name == claimed), eras[-1])
        return verify_checkpoint(data, era.keys, era.name)

    def opened(self, row: SignedState) -> Checkpoint:
        """The checkpoint in a row; raises as ``own`` does, and ``Modified`` where it is filed under another size, or
        covers entries of a time when the log was called otherwise: another appliance cannot sign what is written here.
        """
        epochs, eras = self._epochs_and_eras()
        state = self.own(row.note, eras)
        if state.size != row.size:
            raise Modified("checkpoint.row", f"The checkpoint over {state.size} entries is filed under {row.size}.")
        if _loss_of(state, epochs, eras) is not None:
            raise Modified("checkpoint.row", f"'{state.origin}' had less than {state.size} entries.")
        return state

    def is_last(self, size: int, key: VerifierKey) -> bool:
        """Whether the last checkpoint is that of the present name and size, signed by ``key``."""
        last = self._tables.last_checkpoint()
        if last is None or last.size != size:
            return False
        state, note = read_checkpoint(last.note)
        return state.origin == self.origins()[-1] and any(one.belongs_to(key) for one in note.signatures)

    def over(self, size: int) -> Note | None:
        """The latest checkpoint that was signed over the first ``size`` entries."""
        kept = [row.note for row in self._tables.checkpoints(size) if self.opened(row)]
        return read_checkpoint(kept[-1])[1] if kept else None

    def anchors(self) -> list[tuple[Checkpoint, Note]]:
        """The checkpoints that witnesses cosigned, the smallest first; cosignatures of one state add up."""
        found: dict[str, Note] = {}
        for row in self._tables.anchors():
            self.opened(row)
            note = read_checkpoint(row.note)[1]
            for signature in note.signatures:
                found[note.text] = found.get(note.text, note).adding(signature)
        return [(read_checkpoint(bytes(note))[0], note) for note in found.values()]

    def earliest(self, index: int, witnesses: Sequence[VerifierKey]) -> Note | None:
        """The cosigned note that anchors an entry first; without ``witnesses`` that of the smallest state."""
        covering = [(state, note) for state, note in self.anchors() if state.size > index]
        if not witnesses:
            return covering[0][1] if covering else None
        timed = [
            (known[0].time, n)
            for n, (_, note) in enumerate(covering)
            if (known := verify_cosignatures(note, witnesses))
        ]
        return covering[min(timed)[1]][1] if timed else None

    def require_epochs(self) -> None:
        """Return if every new name of the log is declared by the entry that began it.

        Raises
        ------
        Modified : one is not
        """
        for epoch in self._tables.epochs():
            try:
                entry = read_entry(self._tables.entry(epoch.size))
            except NotFound as error:
                raise Modified("log.epoch", f"Epoch {epoch.number} of the log was never declared.") from error
            if entry.kind != EPOCH_ENTRY or entry.facts.get("epoch") != epoch.number:
                raise Modified("log.epoch", f"Epoch {epoch.number} of the log is not declared by entry {epoch.size}.")

    def require_not_lost(self, state: Checkpoint) -> None:
        """Return if the log does not say that it lost entries of ``state``.

        Raises
        ------
        NotProvable : it does
        """
        epoch = _loss_of(state, *self._epochs_and_eras())
        if epoch is not None:
            raise NotProvable(
                "log.lost",
                f"This state of {state.size} entries reaches beyond the {epoch.size} that were left on "
                f"{epoch.opened_at}: the log lost its end then, and says so in entry {epoch.size}.",
            )

    def _epochs_and_eras(self) -> tuple[list[Epoch], tuple[Era, ...]]:
        epochs = self._tables.epochs()
        if self._known is None or self._known[0] != epochs:
            self._known = epochs, eras_of(self._first_origin, self._keys, epochs)
        return self._known


def _loss_of(state: Checkpoint, epochs: Sequence[Epoch], eras: Sequence[Era]) -> Epoch | None:
    """The epoch that began with less than ``state``, which is of an earlier one."""
    names = [era.name for era in eras]
    return next((epoch for epoch in epochs[names.index(state.origin) :] if state.size > epoch.size), None)
