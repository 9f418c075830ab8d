"""What spoke against a report when it was signed, in words: a key in other hands, an instrument that moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Signals that are told; all of them stand in the signed statement.
_TOLD: Final = 3

Said = Mapping[str, Any]


def sentences_of(context: Said) -> tuple[str, ...]:
    """A sentence for each suspicion in the context of a result or a statement; none where nothing spoke against it."""
    sentences = []
    if scan := context.get("suspect"):
        at = f"{scan['since'][:19]}Z"
        sentences.append(f"Suspect scan: its device's key was in other hands since {at}. {scan['reason']}")
    if instrument := context.get("suspect_instrument"):
        sentences.append(_moved(instrument))
    return tuple(sentences)


def _moved(said: Said) -> str:
    which = f"Suspect instrument: {said['instrument']}, revision {said['revision']}"
    since = f", moved after {said['since'][:19]}Z, when a reference artefact last vouched for it."
    never = ": no value of a reference artefact vouches for it."
    return f"{which}{since if said['since'] else never}{_shown(said['seen'])} Its verdicts are suspect until explained."


def _shown(seen: Sequence[Said]) -> str:
    """What the artefacts showed, the first signals in words."""
    told = [f" {_name(one)}: {one['why']}, {one['measured_at'][:19]}Z" for one in seen]
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    return f"{';'.join(told[:_TOLD])}{more}." if told else ""


def _name(one: Said) -> str:
    return f"{one['asset']} ({one['characteristic']})" if one["characteristic"] else str(one["asset"])
