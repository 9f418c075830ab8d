"""Records that several areas share.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


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
