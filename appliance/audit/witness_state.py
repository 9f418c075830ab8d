"""What a witness remembers: of each log the states that it cosigned, and what logs said that they lost.

``state.json`` holds the log that is called as the appliance's key at its top level, the other logs of that appliance
under ``others``.  One file: either all of it is there, or the witness refuses to work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.tree import EMPTY_ROOT
from appliance.core.clock import rfc3339
from appliance.crypto.encoding import b64decode, b64encode

#: A log's name in its second epoch and later ones.
_EPOCH: Final = re.compile(r"(.+)/epoch-([2-9]|[1-9]\d{1,8})")
#: States kept of each log; the latest ones, so that a loss can be proven down to the last checkpoint before it.
_HISTORY_LIMIT: Final = 4_096


@dataclass(frozen=True)
class Seen:
    """The last checkpoint that the witness promised to hold a log to; of size 0 before the first.

    Attributes
    ----------
    history : (size, root) of the states before it, the oldest first
    """

    size: int
    root: bytes
    note: bytes
    time: datetime
    history: tuple[tuple[int, bytes], ...] = ()

    def root_at(self, size: int) -> bytes | None:
        """The root of the log at ``size``, if the witness cosigned that state; 0 is a state that everybody knows."""
        return {0: EMPTY_ROOT, **dict(self.history), self.size: self.root}.get(size)

    def sizes(self) -> tuple[int, ...]:
        """The sizes that the witness cosigned, the smallest first."""
        return tuple(sorted({0, self.size, *(size for size, _ in self.history)}))


_NOTHING: Final = Seen(0, EMPTY_ROOT, b"", datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True)
class Loss:
    """A log that said that it lost its end: of ``seen`` entries of ``origin``, ``kept`` are proven to be in ``now``."""

    origin: str
    seen: int
    kept: int
    now: str

    def __str__(self) -> str:
        lost = f"of {self.seen} entries that this witness saw, {self.kept} are proven to be there"
        return f"LOST: {self.origin} goes on as {self.now}; {lost}"


@dataclass(frozen=True)
class Memory:
    """All that a witness remembers. ``logs`` : origin -> what was seen of it."""

    logs: Mapping[str, Seen]
    losses: tuple[Loss, ...]

    def seen(self, origin: str) -> Seen:
        """What the log called ``origin`` is held to; nothing, before the first sight of it."""
        return self.logs.get(origin, _NOTHING)

    def latest(self) -> datetime:
        """When the witness signed last."""
        return max((seen.time for seen in self.logs.values()), default=_NOTHING.time)

    def epoch_before(self, origin: str) -> str:
        """The latest epoch before ``origin`` of the same log that was seen; empty if there is none."""
        found = _EPOCH.fullmatch(origin)
        if found is None:
            return ""
        earlier = [f"{found[1]}/epoch-{number}" for number in range(int(found[2]) - 1, 1, -1)] + [found[1]]
        return next((name for name in earlier if self.seen(name).size), "")

    def after(self, state: Checkpoint, note: bytes, moment: datetime, loss: Loss | None) -> Memory:
        """This memory once ``state`` is promised."""
        before = self.seen(state.origin)
        history = before.history
        if before.size not in (0, state.size):
            history = (*history, (before.size, before.root))[-_HISTORY_LIMIT:]
        seen = Seen(state.size, state.root, note, moment, history)
        return Memory({**self.logs, state.origin: seen}, self.losses + ((loss,) if loss else ()))


def read_memory(record: Any, first: str) -> Memory:
    """The inverse of ``write_memory``; ``first`` is the origin at the top level.

    Raises
    ------
    KeyError, TypeError, ValueError, InvalidInput : the record is broken
    """
    others = {origin: _read_seen(one) for origin, one in record.get("others", {}).items()}
    losses = tuple(Loss(one["origin"], one["seen"], one["kept"], one["now"]) for one in record.get("losses", ()))
    return Memory({first: _read_seen(record), **others}, losses)


def write_memory(memory: Memory, first: str) -> dict[str, Any]:
    """The memory as JSON."""
    others = {origin: _written(seen) for origin, seen in memory.logs.items() if origin != first}
    losses = [{"kept": one.kept, "now": one.now, "origin": one.origin, "seen": one.seen} for one in memory.losses]
    record = _written(memory.seen(first))
    return record | ({"others": others} if others else {}) | ({"losses": losses} if losses else {})


def _read_seen(record: Any) -> Seen:
    time = datetime.strptime(record["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seen = Seen(int(record["size"]), b64decode(record["root"]), b64decode(record["note"]), time)
    return replace(seen, history=tuple((size, b64decode(root)) for size, root in record.get("history", ())))


def _written(seen: Seen) -> dict[str, Any]:
    history = [[size, b64encode(root)] for size, root in seen.history]
    record: dict[str, Any] = {
        "note": b64encode(seen.note),
        "root": b64encode(seen.root),
        "size": str(seen.size),
        "time": rfc3339(seen.time),
    }
    return record | ({"history": history} if history else {})
