"""An auditor's own witness: it remembers the largest state of each log that it saw, and cosigns only what follows.

It runs on a machine that the log's operator cannot reach.  Its folder holds ``witness.json`` (its key, and the
appliance's key) and ``state.json`` (of each log of the appliance the states that it cosigned, and when:
``witness_state``).  The state is on the disk *before* the signature exists: after a crash the witness may have
promised more than it signed, never less.

A log that shows it two histories is caught here; both checkpoints, signed by the log, are kept in
``evidence/``: they prove the fork to anybody.

A log that lost its end (a restore, a fail-over) says so itself and goes on under a new name (``epochs``).  The witness
then demands a proof from a state that it cosigned, cosigns what follows, and keeps for good how many entries of those
that it had seen are not proven to be there any more (``losses``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance.audit.checkpoint import Checkpoint, verify_checkpoint
from appliance.audit.cosignature import cosign
from appliance.audit.exchange import Update, parse_update
from appliance.audit.tree import verify_consistency
from appliance.audit.witness_state import Loss, Memory, Seen, read_memory, write_memory
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339, utc_now
from appliance.core.files import sync_folder, write_whole
from appliance.crypto.private import locked_folder, make_private_folder, open_secrets, read_private, seal_secrets
from appliance.crypto.rotation import verify_rotation
from appliance.crypto.vkey import ALG_COSIGNATURE, ALG_ED25519, Signer, VerifierKey, parse_vkey
from appliance.errors import Conflict, D2RError, InvalidInput, Misconfigured, Modified, NotFound

FORMAT: Final = "d2r-witness/1"
_KEY_FILE: Final = "witness.json"
_STATE_FILE: Final = "state.json"
#: How far the clock may stand behind the last cosignature (a correction), before the witness refuses.
_CLOCK_SLACK: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Witness:
    """A witness of the logs of one appliance, opened."""

    folder: Path
    signer: Signer
    log_key: VerifierKey
    _passphrase: str | None = None
    _clock: Callable[[], datetime] = utc_now

    @classmethod
    def init(cls, folder: Path, name: str, log_key: VerifierKey, passphrase: str | None = None) -> Witness:
        """Make a witness with a new key that has seen nothing of the log yet.

        Raises
        ------
        Conflict : there is a witness in ``folder``
        InvalidInput : ``log_key`` is not the key of a log
        """
        if log_key.algorithm != ALG_ED25519:
            raise InvalidInput("witness.log_key", f"'{log_key.label}' is not the key of a log.")
        make_private_folder(folder)
        with locked_folder(folder):
            if (folder / _KEY_FILE).exists():
                raise Conflict("witness.exists", f"There is a witness in {folder}.", "Use another folder.")
            witness = cls(folder, Signer.generate(name, ALG_COSIGNATURE), log_key, passphrase)
            witness._store(Memory({}, ()))
            witness._write_key()
        return witness

    @classmethod
    def open(cls, folder: Path, passphrase: str | None = None, clock: Callable[[], datetime] = utc_now) -> Witness:
        """Open the witness in ``folder``.

        Raises
        ------
        NotFound : there is none
        Denied : the passphrase is missing or wrong
        Misconfigured : its files are broken, or others may read them
        """
        if not (folder / _KEY_FILE).exists():
            raise NotFound("witness.missing", f"There is no witness in {folder}.", "Make one: d2r witness init.")
        try:
            record = loads_strict(read_private(folder / _KEY_FILE))
            key, log_key = parse_vkey(record["vkey"]), parse_vkey(record["log"])
            signer = Signer(key.name, ALG_COSIGNATURE, open_secrets(record, passphrase))
        except (InvalidInput, KeyError, TypeError) as error:
            raise Misconfigured("witness.broken", f"The file of the witness is broken: {error}.") from error
        if record.get("format") != FORMAT or signer.verifier != key:
            raise Misconfigured("witness.broken", "The private key of the witness is not that of its public key.")
        return cls(folder, signer, log_key, passphrase, clock)

    def seen(self, origin: str | None = None) -> Seen:
        """What the witness holds a log to: the one called ``origin``, or the one called as the appliance's key.

        Raises
        ------
        Misconfigured : its state is missing or broken: without it, it could not tell a rewritten log
        """
        return self.memory().seen(origin or self.log_key.name)

    def memory(self) -> Memory:
        """All that the witness remembers; raises as ``seen`` does."""
        try:
            return read_memory(loads_strict(read_private(self.folder / _STATE_FILE)), self.log_key.name)
        except (InvalidInput, KeyError, TypeError, ValueError) as error:
            raise Misconfigured("witness.state", f"The state of the witness is broken: {error}.") from error

    def cosign(self, data: bytes) -> bytes:
        """The checkpoint of an update with the signature of this witness added.

        1. The appliance signed the checkpoint, for a log of its own.
        2. The log has not shrunk (rollback) and shows no second tree of one size (fork).
        3. The update proves that the checkpoint continues what was seen last; in the first update of a new epoch,
           what was seen of the epoch before it.
        4. The clock stands after the last cosignature.
        5. The new state is on the disk.  Only then:
        6. sign.

        Raises
        ------
        Modified : steps 1 to 3; evidence of a fork is kept
        NotProvable : the checkpoint is signed by another key than the appliance's
        Conflict : the proof starts at another size than one that was seen
        """
        update = parse_update(data)
        # 1. The log's word.
        state = verify_checkpoint(bytes(update.note), (self.log_key,))
        with locked_folder(self.folder):
            memory = self.memory()
            seen = memory.seen(state.origin)
            # 2. and 3. One history.
            loss = None
            try:
                if seen.size == 0 and memory.epoch_before(state.origin):
                    loss = _continued_epoch(memory, update, state)
                else:
                    _require_continuation(seen, update, state)
            except Modified:
                self._keep_evidence(seen, update)
                raise
            # 4. Time runs forward.
            now = self._now_after(memory.latest())
            # 5. The promise, durable.
            self._store(memory.after(state, bytes(update.note), now, loss))
            # 6. The signature.
            return bytes(update.note.adding(cosign(update.note.text, self.signer, now)))

    def follow(self, rotation: bytes) -> Witness:
        """Accept the log's new key from the record of its rotation (``crypto.rotation``)."""
        with locked_folder(self.folder):
            witness = replace(self, log_key=verify_rotation(rotation, self.log_key))
            witness._write_key()
        return witness

    def _now_after(self, last: datetime) -> datetime:
        now = self._clock().replace(microsecond=0)
        if now < last - _CLOCK_SLACK:
            raise Misconfigured(
                "witness.clock",
                f"The clock stands at {rfc3339(now)}, before the last cosignature ({rfc3339(last)}).",
                "Set the clock of this machine.",
            )
        return max(now, last)

    def _keep_evidence(self, seen: Seen, update: Update) -> None:
        folder = self.folder / "evidence"
        folder.mkdir(mode=0o700, exist_ok=True)
        for note in filter(None, (seen.note, bytes(update.note))):
            write_whole(folder / f"{sha256(note).hexdigest()[:16]}.checkpoint", note, 0o600)
        sync_folder(self.folder)

    def _store(self, memory: Memory) -> None:
        data = canonical_bytes(write_memory(memory, self.log_key.name))
        write_whole(self.folder / _STATE_FILE, data + b"\n", 0o600)

    def _write_key(self) -> None:
        record = {"format": FORMAT, "vkey": str(self.signer.verifier), "log": str(self.log_key)}
        data = canonical_bytes({**record, **seal_secrets(self.signer.seed, self._passphrase)})
        write_whole(self.folder / _KEY_FILE, data + b"\n", 0o600)


def _require_continuation(seen: Seen, update: Update, state: Checkpoint) -> None:
    if state.size < seen.size:
        raise Modified("witness.rollback", f"ROLLBACK: the log had {seen.size} entries, now it claims {state.size}.")
    if state.size == seen.size:
        if state.root != seen.root:
            raise Modified("witness.fork", f"FORK: the log shows two different trees of {seen.size} entries.")
        return
    if update.old != seen.size:
        raise Conflict(
            "witness.stale",
            f"The update starts at {update.old} entries; this witness saw {seen.size}.",
            f"Ask for one from there: d2r log export --since {seen.size}, or d2r audit witness-exchange.",
        )
    _require_consistency(seen.size, seen.root, update, state)


def _require_consistency(old: int, root: bytes, update: Update, state: Checkpoint) -> None:
    try:
        verify_consistency(old, state.size, root, state.root, update.path)
    except D2RError as error:
        raise Modified(
            "witness.inconsistent",
            f"The update does not prove that the log still begins with the {old} entries that were seen: "
            f"history was rewritten, or the proof is damaged. {error.message}",
        ) from error


def _continued_epoch(memory: Memory, update: Update, state: Checkpoint) -> Loss | None:
    """Step 3 at the beginning of an epoch: what is proven to be left of the one before, and what is not."""
    before = memory.epoch_before(state.origin)
    seen = memory.seen(before)
    root = seen.root_at(update.old)
    if root is None:
        raise Conflict(
            "witness.epoch",
            f"'{state.origin}' follows a log of which this witness saw {seen.size} entries; the update starts at "
            f"{update.old}, which it never cosigned.",
            f"Ask for one from one of: {', '.join(map(str, seen.sizes()[-5:]))} (0 proves nothing of what was seen).",
        )
    _require_consistency(update.old, root, update, state)
    return Loss(before, seen.size, update.old, state.origin) if update.old < seen.size else None
