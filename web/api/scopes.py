"""Which scopes there are, and which a role can be narrowed to: from the routes that the role may call."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, StringConstraints

from appliance.errors import InvalidInput
from web.api.contract import WATCHERS

#: The measures stand beside the API.
METRICS_SCOPE: Final = "metrics:read"

Scope = Annotated[str, StringConstraints(pattern="^[a-z-]+:(read|write)$", max_length=40)]
#: What a request asks for; left out: all that the role may.
ScopesIn = Annotated[list[Scope] | None, Field(min_length=1, max_length=60)]
#: As rows keep them.
ScopesOut = Annotated[
    list[str] | None,
    BeforeValidator(lambda kept: kept.split() if isinstance(kept, str) else kept),
    Field(description="What it may do of what its role may; null: all."),
]


@cache
def scopes_of(role: str) -> frozenset[str]:
    """The scopes that a role can be narrowed to."""
    from web.api.v1 import AREAS  # whose routes ask this

    found = {route.scope for area in AREAS for route in area if route.scope and role in (route.roles or ())}
    return frozenset(found | ({METRICS_SCOPE} if role in WATCHERS else set()))


def require_of_role(role: str, scopes: Collection[str] | None) -> None:
    """Return if a role has these scopes.

    Raises
    ------
    InvalidInput : it has no such scope
    """
    unknown = sorted(set(scopes or ()) - scopes_of(role))
    if unknown:
        hint = f"Use some of {', '.join(sorted(scopes_of(role)))}."
        raise InvalidInput("scope.unknown", f"The role '{role}' has no scope '{unknown[0]}'.", hint)
