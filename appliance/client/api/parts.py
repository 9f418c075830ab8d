"""Parts: what assets are compared with.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class PartOut(TypedDict):
    """A part, with the CAD revision and the characteristics that count now."""

    id: str
    name: str
    current_cad_revision_id: str | None
    current_characteristic_set_id: str | None
    created_at: str
    created_by: str
    updated_at: str


class Parts:
    """Parts: what assets are compared with."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_parts(
        self,
        *,
        search: str | None = None,
        sort: Literal["id", "-id", "name", "-name", "updated_at", "-updated_at"] | None = None,
        at_most: int | None = None,
    ) -> Iterator[PartOut]:
        """Parts.

        Parameters
        ----------
        search : a piece of the name; ASCII letters of either case
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/parts", at_most=at_most, query={"search": search, "sort": sort}
        )

    def create_part(self, *, name: str, idempotency_key: str | None = None) -> PartOut:
        """Make a part.

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: PartOut = self._calls.once(f"{self._calls.workspace}/parts", idempotency_key, body={"name": name})
        return record

    def get_part(self, part: str, *, held: PartOut | None = None) -> PartOut:
        """One part.

        Parameters
        ----------
        part : id or name of a part
        held : what the caller holds already; given back where it is unchanged
        """
        record: PartOut = self._calls.get(f"{self._calls.workspace}/parts/{quoted(part)}", held)
        return record
