"""People who sign in, and their sessions.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from appliance.client.api.shared import UserOut
from appliance.client.calls import Calls, quoted


class ErasedOut(TypedDict):
    """The entry of the control log that says so."""

    entry: int


class SessionList(TypedDict):
    """Sessions, the latest first."""

    items: list[SessionOut]


class SessionOut(TypedDict):
    """A session of the console that counts."""

    id: str
    principal_id: str
    method: str
    peer: str
    agent: str
    began_at: str
    seen_at: str
    expires_at: str


class People:
    """People who sign in, and their sessions."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_people(self, *, at_most: int | None = None) -> Iterator[UserOut]:
        """People.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages("people", at_most=at_most)

    def get_person(self, user: str, *, held: UserOut | None = None) -> UserOut:
        """One person.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: UserOut = self._calls.get(f"people/{quoted(user)}", held)
        return record

    def disable_person(self, user: str) -> UserOut:
        """Refuse a person from now on. Whatever a directory says; sessions of theirs open nothing any more."""
        record: UserOut = self._calls.act("POST", f"people/{quoted(user)}/disable")
        return record

    def enable_person(self, user: str) -> UserOut:
        """Let a person sign in again."""
        record: UserOut = self._calls.act("POST", f"people/{quoted(user)}/enable")
        return record

    def list_sessions(self, *, held: SessionList | None = None) -> SessionList:
        """Who is signed in.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: SessionList = self._calls.get("sessions", held)
        return record

    def end_session(self, session: str) -> Mapping[str, str]:
        """End a session."""
        return self._calls.exchange("POST", f"sessions/{quoted(session)}/end")

    def erase_person(self, user: str, *, legal_basis: str) -> ErasedOut:
        """Forget a person.

        In every log and row that names them, for good. Nobody approves their own; a legal hold anywhere forbids it.
        """
        record: ErasedOut = self._calls.act("POST", f"people/{quoted(user)}/erase", body={"legal_basis": legal_basis})
        return record
