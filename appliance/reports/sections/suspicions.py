"""What speaks against a report since before it was signed: a key in other hands, an instrument that moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from appliance.qc.records import INCONCLUSIVE
from appliance.reports.palette import LOOKS
from appliance.reports.sheet import LEFT, WIDTH, Sheet

_STEP: Final = 4.6
#: Signals that are printed; all of them stand in the signed statement.
_PRINTED: Final = 3

Said = Mapping[str, Any]


def draw_suspicions(sheet: Sheet, context: Said) -> None:
    """Sentences below the title, before the verdict that they are about; none where nothing speaks against it."""
    sentences = []
    if scan := context.get("suspect"):
        at = f"{scan['since'][:19]}Z"
        sentences.append(f"Suspect scan: its device's key was in other hands since {at}. {scan['reason']}")
    if instrument := context.get("suspect_instrument"):
        sentences.append(_moved(instrument))
    for sentence in sentences:
        for line in sheet.lines_of(sentence, WIDTH, "medium", 9.0):
            sheet.text(LEFT, sheet.y - 0.6, line, "medium", 9.0, LOOKS[INCONCLUSIVE].strong)
            sheet.y += _STEP


def _moved(said: Said) -> str:
    which = f"Suspect instrument: {said['instrument']}, revision {said['revision']}"
    since = f", moved after {said['since'][:19]}Z, when a reference artefact last vouched for it."
    never = ": no value of a reference artefact vouches for it."
    return f"{which}{since if said['since'] else never}{_shown(said['seen'])} Its verdicts are suspect until explained."


def _shown(seen: Sequence[Said]) -> str:
    """What the artefacts showed, the first signals in words."""
    told = [f" {_name(one)}: {one['why']}, {one['measured_at'][:19]}Z" for one in seen]
    more = f"; and {len(told) - _PRINTED} more" if len(told) > _PRINTED else ""
    return f"{';'.join(told[:_PRINTED])}{more}." if told else ""


def _name(one: Said) -> str:
    return f"{one['asset']} ({one['characteristic']})" if one["characteristic"] else str(one["asset"])
