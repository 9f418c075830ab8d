"""What a rule is to the engine: a function from a workspace to findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from appliance.tenancy.scope import WorkspaceScope


@dataclass(frozen=True)
class Found:
    """One thing that somebody should know.

    Attributes
    ----------
    cause : names it within its rule, the same each time that it is found: an asset, an asset's characteristic and sign
    title : one line for a person
    evidence : JSON that shows why
    """

    cause: str
    title: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    asset_id: str | None = None
    characteristic_id: str | None = None
    instrument_id: str | None = None


@dataclass(frozen=True)
class Look:
    """What one look found, and at what it looked: the causes of all else are not known to be gone.

    ``examined`` : pairs of asset and characteristic; None: at everything
    """

    found: Sequence[Found]
    examined: frozenset[tuple[str, str]] | None = None


@dataclass(frozen=True)
class Asked:
    """What a look is asked.

    Attributes
    ----------
    settings : checked ones of the rule's kind
    now : the moment of the look
    since : moment after which measurements are new to this rule; None: all are
    standing : pairs of asset and characteristic with an open alert of this rule, to be looked at whatever is new
    """

    settings: Mapping[str, Any]
    now: datetime
    since: str | None = None
    standing: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class RuleKind:
    """A kind of rules.

    Attributes
    ----------
    defaults : every setting with its default; the type of the default is that of the setting
    ranges : least and greatest value of settings that are numbers
    look : asks the workspace, inside its scope, and changes nothing
    """

    name: str
    words: str
    defaults: Mapping[str, Any]
    ranges: Mapping[str, tuple[float, float]]
    look: Callable[[WorkspaceScope, Asked], Look]
