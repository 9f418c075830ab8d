"""Characteristics: what is measured on a part, with its limits.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypedDict

from appliance.client.calls import Calls, Content, quoted


class SetOut(TypedDict):
    """One version; `notes` say what the plan left open and how it was filled."""

    id: str
    part_id: str
    version: int
    sha256: str
    characteristics: int
    notes: list[Any]
    created_at: str
    created_by: str


class Characteristics:
    """Characteristics: what is measured on a part, with its limits."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_characteristic_sets(
        self, *, sort: Literal["id", "-id"] | None = None, part: str | None = None, at_most: int | None = None
    ) -> Iterator[SetOut]:
        """Versions of characteristics.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/characteristics", at_most=at_most, query={"sort": sort, "part": part}
        )

    def add_characteristic_set(self, content: Content, *, part: str) -> SetOut:
        """Add an inspection plan (CSV or TOML).

        The part's assets are judged by it from now on; bytes that are there already make their version current again.
        """
        record: SetOut = self._calls.send(
            f"{self._calls.workspace}/characteristics",
            content=content,
            media_type="application/octet-stream",
            query={"part": part},
        )
        return record

    def get_characteristic_set(self, set_id: str, *, held: SetOut | None = None) -> SetOut:
        """One version.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: SetOut = self._calls.get(f"{self._calls.workspace}/characteristics/{quoted(set_id)}", held)
        return record

    def select_characteristic_set(self, set_id: str) -> SetOut:
        """Judge by it from now on."""
        record: SetOut = self._calls.act("POST", f"{self._calls.workspace}/characteristics/{quoted(set_id)}/select")
        return record

    def get_characteristic_file(self, set_id: str) -> bytes:
        """The plan as it came."""
        return self._calls.read(f"{self._calls.workspace}/characteristics/{quoted(set_id)}/file")
