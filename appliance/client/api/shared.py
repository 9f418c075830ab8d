"""Records that several areas share.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class FieldProblem(TypedDict):
    """One field that cannot be used."""

    field: str
    message: str


class Problem(TypedDict):
    """RFC 9457 problem document; `code` is stable, `hint` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: NotRequired[str | None]
    request_id: NotRequired[str | None]
    errors: NotRequired[list[FieldProblem] | None]


class RolesOut(TypedDict):
    """What somebody may do."""

    appliance: str | None
    workspaces: dict[str, str]


class SuspicionOut(TypedDict):
    """A revision of an instrument that moved; what it measured after `since` is suspect (empty: everything)."""

    id: str
    instrument_id: str
    instrument: str
    revision: int
    since: str
    evidence: list[Any]
    found_at: str
    lifted_at: str | None
    lifted_by: str | None
    lifted_reason: str | None


class UserOut(TypedDict):
    """A person; roles are those of the last login, or of the last look at the directory."""

    id: str
    source: str
    login: str
    name: str
    roles: RolesOut
    created_at: str
    last_login_at: str | None
    disabled_at: str | None
