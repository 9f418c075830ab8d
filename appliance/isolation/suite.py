"""The run: first every kind from inside the other workspace, where it must find the secret; then from outside.

1. Control: a kind that finds nothing where everything is allowed would prove nothing.
2. Attempts, drawn by kind from a seeded generator; answers, refusals and every line of the log are searched.
3. The other workspace must hold afterwards what it held before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

from appliance.isolation import names, queries
from appliance.isolation.queries import REFUSED
from appliance.isolation.records import Kind, Outcome, Tally
from appliance.isolation.stage import Stage, staged, written
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

KINDS: Final[tuple[Kind, ...]] = (*queries.KINDS, *names.KINDS)
#: Attempts from inside until one must have found the secret.
_CONTROLS: Final = 500
#: A run ends at this many leaks: what follows says the same.
_MOST_LEAKS: Final = 100


def examine(site: Site, attempts: int, seed: int, only: tuple[Kind, ...] | None = None) -> Outcome:
    """Try ``attempts`` times to see one workspace from inside another; both are made for it and destroyed.

    ``only`` : the kinds to try, where not all of them are

    Raises
    ------
    Unavailable : the workspaces cannot be made now
    """
    kinds = KINDS if only is None else only
    outcome, began = Outcome(seed, {kind.name: Tally() for kind in kinds}), time.monotonic()
    with staged(site, SYSTEM) as stage, _listening(stage, outcome):
        random = Random(seed)
        outcome.unproven = [kind.name for kind in kinds if not _finds(stage, kind, random)]
        before = stage.state_of_other()
        shares = [kind.share for kind in kinds]
        for kind in (*kinds, *random.choices(kinds, shares, k=attempts))[:attempts]:
            _try(stage, kind, random, outcome)
            if len(outcome.leaks) >= _MOST_LEAKS:
                break
        if stage.state_of_other() != before:
            outcome.leaks.append("the other workspace was changed")
    outcome.seconds = time.monotonic() - began
    return outcome


def _finds(stage: Stage, kind: Kind, random: Random) -> bool:
    """Whether a kind finds the secret from inside the workspace that holds it."""
    for _ in range(_CONTROLS):
        try:
            if stage.betrays(written(kind.attempt(stage, stage.other, random))):
                return True
        except REFUSED:
            continue
    return False


def _try(stage: Stage, kind: Kind, random: Random, outcome: Outcome) -> None:
    tally = outcome.kinds[kind.name]
    try:
        answer = kind.attempt(stage, stage.trying, random)
    except REFUSED as refusal:
        tally.refused += 1
        if stage.betrays(str(refusal)):
            outcome.leaks.append(f"{kind.name}: a {type(refusal).__name__} tells what is hidden")
        return
    tally.answered += 1
    if stage.shows(answer):
        outcome.leaks.append(f"{kind.name}: an answer holds what is of the other workspace")


class _Listener(logging.Handler):
    """Searches what the process writes into its log."""

    def __init__(self, stage: Stage, outcome: Outcome) -> None:
        super().__init__(logging.DEBUG)
        self._stage, self._outcome = stage, outcome

    def emit(self, record: logging.LogRecord) -> None:
        if self._stage.betrays(self.format(record)):
            self._outcome.leaks.append(f"log line of {record.name}")


@contextmanager
def _listening(stage: Stage, outcome: Outcome) -> Iterator[None]:
    listener, root = _Listener(stage, outcome), logging.getLogger()
    root.addHandler(listener)
    try:
        yield
    finally:
        root.removeHandler(listener)
