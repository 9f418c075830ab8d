"""Sparse answers: the fields that a caller names (``fields=id,name``), and no others.

Taken by every GET of JSON; on lists the fields are those of the items.  What an answer may hold is declared by its
model, so a name that is no field is refused, and the document lists the names.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, get_args

from pydantic import BaseModel

from appliance.errors import InvalidInput
from web.api.contract import Route
from web.here import here

FIELDS: Final = "fields"
_MOST_CHARACTERS: Final = 1000


def asked_fields(route: Route) -> frozenset[str] | None:
    """The fields that the query names; None: all of them.

    Raises
    ------
    InvalidInput : a name is no field of the answer, or stands there twice
    """
    request = here()[0]
    text = request.args.get(FIELDS) if request.query_string and route.is_sparse else None
    if text is None:
        return None
    names = text[:_MOST_CHARACTERS].split(",")
    known = item_fields(route.answer)
    if len(set(names)) != len(names) or not known.issuperset(names):
        hint = f"Name each once: {', '.join(sorted(known))}."
        raise InvalidInput("request.fields", "'fields' names something else than fields of the answer.", hint)
    return frozenset(names)


def selection(answer: type[BaseModel], fields: frozenset[str] | None) -> Any:
    """What pydantic is to write of an answer."""
    if fields is None:
        return None
    if _item_of(answer) is None:
        return fields
    return {**dict.fromkeys(answer.model_fields, True), "items": {"__all__": fields}}


@cache
def item_fields(answer: type[BaseModel]) -> frozenset[str]:
    """The fields that may be named: of the answer, or of the items of a list."""
    return frozenset((_item_of(answer) or answer).model_fields)


def _item_of(answer: type[BaseModel]) -> type[BaseModel] | None:
    field = answer.model_fields.get("items")
    item: type[BaseModel] | None = get_args(field.annotation)[0] if field else None
    return item
