"""Questions to the tables of a workspace that every area asks in the same way."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from peewee import IntegrityError

from appliance.core.ids import is_id
from appliance.db.listing import Listing
from appliance.db.models import WorkspaceModel
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.tenancy.scope import WorkspaceScope

Row = TypeVar("Row", bound=WorkspaceModel)

_NAME_CHARACTERS: Final = 120


def find(scope: WorkspaceScope, model: type[Row], key: str, what: str) -> Row:
    """The row of that id, else the one of that name.

    Raises
    ------
    NotFound : there is neither in this workspace
    """
    with scope:
        row: Row | None = model.known(id=key) if is_id(key) else None
        if row is None:
            row = model.known(name=key)
    if row is None:
        raise NotFound(f"{what}.unknown", f"There is no {what} '{key[:_NAME_CHARACTERS]}'.")
    return row


def page(scope: WorkspaceScope, model: type[Row], listing: Listing, *conditions: Any) -> list[Row]:
    """One page of the rows that meet all ``conditions``.

    Raises
    ------
    InvalidInput : the listing goes on from no place of this list
    """
    with scope:
        return listing.rows(model, *conditions)


def named_like(model: Any, text: str | None) -> list[Any]:
    """The condition that the name holds ``text``, whose ASCII letters may be of either case; none without a text."""
    return [] if text is None else [model.name.contains(text)]


def insert(model: type[Row], what: str, name: str, /, **columns: Any) -> Row:
    """Write a new row in the current transaction.

    Raises
    ------
    Conflict : its name is taken
    """
    creator: Any = model
    try:
        row: Row = creator.create(**columns)
    except IntegrityError as error:
        if "UNIQUE" not in str(error).upper():
            raise
        raise Conflict(f"{what}.taken", f"There is a {what} '{name}' already.") from error
    return row


def checked_name(text: str, what: str) -> str:
    """``text`` without blanks around it.

    Raises
    ------
    InvalidInput : empty, longer than 120 characters, not printable, or spelled like an id
    """
    name = text.strip()
    if not name or len(name) > _NAME_CHARACTERS or not name.isprintable() or is_id(name):
        hint = f"Use 1 to {_NAME_CHARACTERS} printable characters."
        raise InvalidInput(f"{what}.name", f"'{name[:40]}' cannot name a {what}.", hint)
    return name


def checked_text(text: str, what: str) -> str:
    """A free text of one line; may be empty.

    Raises
    ------
    InvalidInput : longer than 120 characters, or not printable
    """
    if len(text) > _NAME_CHARACTERS or not (text.isprintable() or not text):
        raise InvalidInput("text.form", f"The {what} is longer than {_NAME_CHARACTERS} characters or not printable.")
    return text.strip()
