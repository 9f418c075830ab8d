"""What the suite tries, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.isolation.stage import Stage
    from appliance.tenancy.scope import WorkspaceScope

#: Makes one attempt from inside a scope; returns everything that it got hold of, or is refused.
Attempt = Callable[["Stage", "WorkspaceScope", Random], object]


@dataclass(frozen=True)
class Kind:
    """A way to try.  From inside the other workspace itself, the same attempt must find what is hidden there.

    ``share`` : how often it is made, against the others
    """

    name: str
    share: int
    attempt: Attempt


@dataclass
class Tally:
    """One kind: how many attempts were refused, and how many were answered, with nothing of the other workspace."""

    refused: int = 0
    answered: int = 0

    @property
    def made(self) -> int:
        """Attempts in all."""
        return self.refused + self.answered


@dataclass
class Outcome:
    """A run of the suite.

    ``leaks`` : what showed, one line each
    ``unproven`` : kinds that did not find the other workspace's values from inside it either: they show nothing
    """

    seed: int
    kinds: dict[str, Tally] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def made(self) -> int:
        """Attempts of all kinds."""
        return sum(tally.made for tally in self.kinds.values())

    @property
    def is_tight(self) -> bool:
        """Whether something was tried, everything that was tried can find a leak, and none was found."""
        return bool(self.made) and not self.leaks and not self.unproven
