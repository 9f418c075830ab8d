"""Instruments and their calibration, revision by revision.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypedDict

from appliance.client.calls import Calls, Content, quoted


class InstrumentOut(TypedDict):
    """One revision of an instrument's statement."""

    id: str
    name: str
    revision: int
    serial: str
    certificate: str
    calibrated_on: str | None
    due_on: str | None
    statement_sha256: str
    created_at: str
    created_by: str


class Instruments:
    """Instruments and their calibration, revision by revision."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_instruments(
        self,
        *,
        sort: Literal["id", "-id", "name", "-name"] | None = None,
        name: str | None = None,
        at_most: int | None = None,
    ) -> Iterator[InstrumentOut]:
        """Revisions of instruments.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/instruments", at_most=at_most, query={"sort": sort, "name": name}
        )

    def add_instrument(self, content: Content, *, name: str) -> InstrumentOut:
        """Add a statement (TOML).

        The newest revision of a name counts from now on. The same bytes are the same revision.
        """
        record: InstrumentOut = self._calls.send(
            f"{self._calls.workspace}/instruments",
            content=content,
            media_type="application/octet-stream",
            query={"name": name},
        )
        return record

    def get_instrument(self, instrument: str, *, held: InstrumentOut | None = None) -> InstrumentOut:
        """One instrument.

        Parameters
        ----------
        instrument : id of an instrument's revision, or its name for the newest one
        held : what the caller holds already; given back where it is unchanged
        """
        record: InstrumentOut = self._calls.get(f"{self._calls.workspace}/instruments/{quoted(instrument)}", held)
        return record

    def get_statement(self, instrument: str) -> bytes:
        """The statement itself.

        Parameters
        ----------
        instrument : id of an instrument's revision, or its name for the newest one
        """
        return self._calls.read(f"{self._calls.workspace}/instruments/{quoted(instrument)}/statement")
