"""Operators: badges that lead to persons.  Names are shown to the workspace's owner alone, one at a time."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from appliance.audit.persons import Person, find_person, persons, profile_of
from appliance.db.listing import Listing
from appliance.errors import NotFound
from appliance.plant.operators import person_of_badge
from web.api.contract import ADMINISTRATORS, EDITORS, Area, Call
from web.api.forms import Body, Line, Name, Out, Page, PageQuery
from web.api.paging import page

_OPERATORS: Final = "/workspaces/{slug}/operators"

operators = Area("operators", "Operators: persons behind badges.")


class OperatorIn(Body):
    """A badge, and whose it is."""

    badge: Name
    name: Line = ""


class OperatorId(Out):
    """The person behind a badge."""

    person_id: str


class PersonOut(Out):
    """What is kept of a person in the clear."""

    id: str
    records: int = Field(description="Log entries that commit to something about the person.")
    created_at: str
    held_at: str | None
    hold_reason: str | None
    erased_at: str | None
    erased_entry: int | None


class Profile(PersonOut):
    """A person with name and badge."""

    profile: dict[str, str]


@operators.route(
    "GET", _OPERATORS, roles=ADMINISTRATORS, query=PageQuery, answer=Page[PersonOut], summary="Persons, without names"
)
def list_operators(call: Call) -> object:
    return page(call, lambda listing: _persons(call, listing))


@operators.route(
    "POST",
    _OPERATORS,
    roles=EDITORS,
    body=OperatorIn,
    answer=OperatorId,
    once="workspace",
    summary="Name a badge's person",
)
def name_operator(call: Call) -> OperatorId:
    """A badge that nobody knows begins a new person; a known one answers with its person."""
    return OperatorId(person_id=person_of_badge(call.scope, call.body.badge, call.body.name))


def _persons(call: Call, listing: Listing) -> list[Person]:
    last = str(listing.after[0]) if listing.after else ""
    return [one for one in persons(call.scope) if one.id > last][: listing.limit]


@operators.route(
    "GET",
    f"{_OPERATORS}/{{person_id}}",
    roles=ADMINISTRATORS,
    answer=Profile,
    summary="One person, with name and badge",
)
def get_operator(call: Call, person_id: str) -> Profile:
    person = find_person(call.scope, person_id)
    if person is None:
        raise NotFound("person.unknown", "There is no such person.")
    return Profile(**PersonOut.model_validate(person).model_dump(), profile=profile_of(call.scope, person_id))
