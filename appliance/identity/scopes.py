"""Scopes: a key or token may do less than its role, by area and act, such as ``scans:read`` and ``uploads:write``.

Which scopes there are follows from the routes (``web.api.scopes``); here is how they are spelled and kept, and that
nobody hands out more than they have.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from appliance.errors import Denied, InvalidInput
from appliance.tenancy.records import Principal

_SCOPE: Final = re.compile(r"[a-z][a-z-]{1,30}:(?:read|write)")
_MOST: Final = 60


def spelled(scopes: Collection[str] | None) -> str | None:
    """Scopes as a row keeps them; None: all that the role may.

    Raises
    ------
    InvalidInput : there are none or too many, or one is spelled otherwise
    """
    if scopes is None:
        return None
    if not 0 < len(scopes) <= _MOST or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise InvalidInput("scope.form", "These are no scopes.", "Such as scans:read and uploads:write: docs/roles.md.")
    return " ".join(sorted(set(scopes)))


def read_scopes(text: str | None) -> frozenset[str] | None:
    """What ``spelled`` wrote."""
    return None if text is None else frozenset(text.split())


def require_no_wider(by: Principal, scopes: Collection[str] | None) -> None:
    """Return if ``by`` may hand out what these scopes open.

    Raises
    ------
    Denied : it acts under scopes itself, and these are more; or for a person who is not there
    """
    if by.scopes is None:
        return
    if by.kind == "user":
        raise Denied("scope.personal", "A personal token makes no keys.", "Sign in to the console.")
    if scopes is None or not by.scopes.issuperset(scopes):
        raise Denied("scope.wider", "Nobody hands out more than they may do themselves.", "Name fewer scopes.")
