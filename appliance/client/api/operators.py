"""Operators: persons behind badges.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from appliance.client.calls import Calls, quoted


class OperatorId(TypedDict):
    """The person behind a badge."""

    person_id: str


class PersonOut(TypedDict):
    """What is kept of a person in the clear."""

    id: str
    records: int
    created_at: str
    held_at: str | None
    hold_reason: str | None
    erased_at: str | None
    erased_entry: int | None


class Profile(TypedDict):
    """A person with name and badge."""

    id: str
    records: int
    created_at: str
    held_at: str | None
    hold_reason: str | None
    erased_at: str | None
    erased_entry: int | None
    profile: dict[str, str]


class Operators:
    """Operators: persons behind badges."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_operators(self, *, at_most: int | None = None) -> Iterator[PersonOut]:
        """Persons, without names.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages(f"{self._calls.workspace}/operators", at_most=at_most)

    def name_operator(self, *, badge: str, name: str | None = None, idempotency_key: str | None = None) -> OperatorId:
        """Name a badge's person.

        A badge that nobody knows begins a new person; a known one answers with its person.

        Parameters
        ----------
        idempotency_key : whoever repeats the call under its key gets the same answer; None: a new one
        """
        record: OperatorId = self._calls.once(
            f"{self._calls.workspace}/operators", idempotency_key, body={"badge": badge, "name": name}
        )
        return record

    def get_operator(self, person_id: str, *, held: Profile | None = None) -> Profile:
        """One person, with name and badge.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: Profile = self._calls.get(f"{self._calls.workspace}/operators/{quoted(person_id)}", held)
        return record
