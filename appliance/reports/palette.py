"""Colours, words and shapes of a report.  A decision is always a shape and a word, never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS

Colour = tuple[int, int, int]

INK: Final[Colour] = (24, 33, 45)
MUTED: Final[Colour] = (92, 103, 118)
HAIRLINE: Final[Colour] = (214, 220, 228)
PANEL: Final[Colour] = (245, 247, 250)
ACCENT: Final[Colour] = (17, 62, 100)
WHITE: Final[Colour] = (255, 255, 255)
BAR: Final[Colour] = (104, 137, 168)
UNCOVERED: Final[Colour] = (211, 215, 221)


@dataclass(frozen=True)
class DecisionLook:
    """How a decision is shown: its word, what it means, strong and pale colour."""

    word: str
    meaning: str
    strong: Colour
    pale: Colour


LOOKS: Final[dict[str, DecisionLook]] = {
    PASS: DecisionLook("Pass", "Conformity with the specification is proven.", (24, 110, 66), (233, 245, 238)),
    FAIL: DecisionLook("Fail", "Non-conformity with the specification is proven.", (170, 32, 32), (252, 236, 235)),
    INCONCLUSIVE: DecisionLook(
        "Inconclusive", "Neither conformity nor non-conformity is proven.", (146, 92, 0), (254, 245, 226)
    ),
    NOT_MEASURED: DecisionLook(
        "Not measured", "Too little of the surface was seen to decide.", (74, 85, 101), (238, 241, 244)
    ),
}


def look_of(decision: str) -> DecisionLook:
    """The look of a decision; an unknown word is shown as it is, in the style of ``not measured``."""
    plain = LOOKS[NOT_MEASURED]
    return LOOKS.get(decision, DecisionLook(decision, "", plain.strong, plain.pale))
