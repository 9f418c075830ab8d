"""What can be said about a whole log today: unmodified since when, modified, or not provable.

1. The log agrees with itself, and with all that it signed: else MODIFIED.
2. It leads to every checkpoint that the auditor holds: else MODIFIED, or NOT PROVABLE where it says itself that it lost
   its end (``epochs``).
3. A trusted witness cosigned a state of it, or the auditor holds one: UNMODIFIED, as far as that state reaches.
4. Else NOT PROVABLE: whoever holds the key and the file could have written all of it today.

A rewritten history under the right key passes step 1.  Only steps 2 and 3 find it, with what lies outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.audit.checkpoint import Checkpoint, read_checkpoint
from appliance.audit.cosignature import verify_cosignatures
from appliance.audit.database_log import DatabaseLog
from appliance.audit.note import Note
from appliance.audit.validation import Progress
from appliance.audit.verify import Finding, Verdict
from appliance.crypto.vkey import VerifierKey
from appliance.errors import InvalidInput, Modified, NotProvable


@dataclass(frozen=True)
class _Outside:
    """A state of the log that somebody else saw; ``time`` is None where only the auditor's word stands for it."""

    size: int
    time: datetime | None
    by: str


def judge_log(
    log: DatabaseLog,
    witnesses: Sequence[VerifierKey],
    held: Sequence[bytes] = (),
    progress: Progress | None = None,
) -> Verdict:
    """The verdict over a whole log.

    Parameters
    ----------
    witnesses : keys of the witnesses that the auditor trusts
    held : checkpoints of this log that the auditor kept, cosigned or not

    Raises
    ------
    InvalidInput : something in ``held`` is no checkpoint of this log, or damaged: that says nothing about the log
    """
    try:
        # 1. The log itself.
        state = log.validate(progress)
        _require_own(log, held)
        # 2. What the auditor holds.
        outside = [_outside(log.require_state(data), read_checkpoint(data)[1], witnesses) for data in held]
        # 3. Whatever somebody else saw.
        outside += [
            _outside(anchored, note, witnesses) for anchored, note in log.promises.anchors() if _timed(note, witnesses)
        ]
    except Modified as error:
        return Verdict(Finding.MODIFIED, error.message)
    except NotProvable as error:
        return Verdict(Finding.NOT_PROVABLE, error.message)
    if not outside:
        # 4. Nobody did.
        reason = (
            f"{state.size} entries agree with each other, but no trusted witness saw them, and no checkpoint is held."
        )
        return Verdict(Finding.NOT_PROVABLE, reason)
    best = max(outside, key=lambda one: (one.size, one.time is not None))
    return Verdict(Finding.UNMODIFIED, _reach(best, state), best.time)


def _require_own(log: DatabaseLog, held: Sequence[bytes]) -> None:
    for data in held:
        try:
            log.promises.own(data)
        except Modified as error:
            raise InvalidInput(
                "audit.held", f"What was given to compare with cannot be used: {error.message}"
            ) from error


def _outside(state: Checkpoint, note: Note, witnesses: Sequence[VerifierKey]) -> _Outside:
    found = _timed(note, witnesses)
    return _Outside(state.size, *(found or (None, "whoever holds the checkpoint")))


def _timed(note: Note, witnesses: Sequence[VerifierKey]) -> tuple[datetime, str] | None:
    found = verify_cosignatures(note, witnesses)
    return (found[0].time, f"'{found[0].key.name}'") if found else None


def _reach(best: _Outside, state: Checkpoint) -> str:
    later = state.size - best.size
    rest = f"; {later} later ones are not provable yet" if later else ""
    return f"{best.size} of {state.size} entries, as seen by {best.by}{rest}."
