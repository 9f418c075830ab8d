"""Trying it: so many attempts by chance, of every kind, counted as they end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from appliance.isolation.attempts import KINDS
from appliance.isolation.ground import Ground, ground
from appliance.tenancy.site import Site

#: After so many attempts the other workspace is counted through.
_COUNTED_EVERY = 500


@dataclass
class Outcome:
    """How the attempts of one kind ended: refused with an error, or answered without anything of the other's."""

    refused: int = 0
    answered: int = 0
    leaks: list[str] = field(default_factory=list)

    @property
    def attempts(self) -> int:
        """How many were made."""
        return self.refused + self.answered + len(self.leaks)


def check_isolation(
    site: Site, attempts: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> dict[str, Outcome]:
    """Make ``attempts`` attempts between two new workspaces, which are destroyed afterwards; outcomes by kind.

    Raises
    ------
    Unavailable : PostgreSQL has no two schemas ready
    """
    dice, outcomes = random.Random(seed), {kind: Outcome() for kind in KINDS}
    with ground(site) as made:
        before = made.state()
        for number in range(attempts):
            kind = dice.choice(tuple(KINDS))
            _try(made, kind, dice, outcomes[kind])
            if (number + 1) % _COUNTED_EVERY == 0 or number + 1 == attempts:
                if made.state() != before:
                    outcomes[kind].leaks.append("rows of the other workspace changed")
                    before = made.state()
                if progress:
                    progress(number + 1)
    return outcomes


def _try(made: Ground, kind: str, dice: random.Random, outcome: Outcome) -> None:
    try:
        answer = KINDS[kind](made, dice)
    except Exception:  # noqa: BLE001  whatever refuses, refuses
        outcome.refused += 1
        return
    if made.leaks(answer):
        outcome.leaks.append(str(answer)[:200])
    else:
        outcome.answered += 1
