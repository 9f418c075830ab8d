"""What a log was called, from its first entry to now, and whose keys signed it under each name.

A log that lost its end takes a new name of the same appliance (``epochs``).  One that came from another appliance
(``adoption``) goes on under a name of this one; the base of that epoch is a *deed*: its own first checkpoint, over the
entries that came, signed here, whose extension lines say what the log was called until then, and which keys signed it:

    this.appliance/wsp_2/epoch-2
    1234
    base64(root)
    continues other.appliance/wsp_1
    key other.appliance+0b1f...

Who can write the database but has no key of this appliance can make no deed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.audit.checkpoint import Checkpoint, read_checkpoint, verify_checkpoint
from appliance.audit.tables import Epoch
from appliance.crypto.vkey import VerifierKey, parse_vkey
from appliance.errors import InvalidInput, Modified

_CONTINUES: Final = "continues "
_KEY: Final = "key "


@dataclass(frozen=True)
class Era:
    """A name of a log, and the keys that may have signed its checkpoints under it."""

    name: str
    keys: tuple[VerifierKey, ...]


def name_of_epoch(first_origin: str, number: int) -> str:
    """What a log is called in an epoch after its first."""
    return f"{first_origin}/epoch-{number}"


def deed(origin: str, size: int, root: bytes, former: Era) -> Checkpoint:
    """The deed of a log of ``size`` entries that was called ``former.name`` and is called ``origin`` from now on."""
    lines = (f"{_CONTINUES}{former.name}", *(f"{_KEY}{key}" for key in former.keys))
    return Checkpoint(origin, size, root, lines)


def eras_of(first_origin: str, keys: Sequence[VerifierKey], epochs: Sequence[Epoch]) -> tuple[Era, ...]:
    """The eras of a log, the first one first; there is one more than epochs that were opened.

    Parameters
    ----------
    first_origin : the log's name on this appliance, without an epoch
    keys : every key of this appliance that ever signed it

    Raises
    ------
    Modified : a deed was not signed by the appliance that the log came to, or covers other entries than its epoch says
    """
    base, found = Era(first_origin, tuple(keys)), []
    for epoch in reversed(epochs):
        found.append(Era(name_of_epoch(base.name, epoch.number), base.keys))
        base = _before(base, epoch)
    found.append(base)
    return tuple(reversed(found))


def _before(base: Era, epoch: Epoch) -> Era:
    """What the log was called, and by whom, before an epoch: as after it, unless the epoch has a deed."""
    name = name_of_epoch(base.name, epoch.number)
    if not _is_deed(epoch.base, name):
        return base
    state = verify_checkpoint(epoch.base, base.keys, name)
    if state.size != epoch.size:
        raise Modified("log.deed", f"The deed of epoch {epoch.number} is over other entries than came.")
    named, *keys = state.extensions
    try:
        former = tuple(parse_vkey(line.removeprefix(_KEY)) for line in keys)
    except InvalidInput as error:
        raise Modified("log.deed", f"The deed of epoch {epoch.number} names a key that is none.") from error
    return Era(named.removeprefix(_CONTINUES), former)


def _is_deed(note: bytes, name: str) -> bool:
    """Whether the base of an epoch is its own first checkpoint; else it is the last one before it, if there was any."""
    try:
        state = read_checkpoint(note)[0] if note else None
    except InvalidInput as error:
        raise Modified("log.epoch", f"The base of an epoch is no checkpoint: {error.message}") from error
    return state is not None and state.origin == name and bool(state.extensions)
