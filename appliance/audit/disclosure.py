"""Disclosing what opens the commitments of an entry, for an export; the log says who asked, and what for."""

from __future__ import annotations

from typing import Final

from appliance.audit.book import Where, book_of
from appliance.audit.entry import read_entry
from appliance.audit.openings import Erased, disclose
from appliance.audit.personal import Opening, verify_opening
from appliance.audit.recording import record
from appliance.errors import InvalidInput, Modified

DISCLOSED: Final = "person.disclosed"


def disclosed_for(where: Where, index: int, purpose: str) -> dict[str, dict[str, str | int]]:
    """Field -> ``salt`` (hex) and ``value``, or ``erased_at`` and ``entry`` where nothing opens it any more.

    Raises
    ------
    InvalidInput : no purpose is named
    NotFound : the log has no such entry
    Modified : an opening is missing without an erasure, or opens something else
    """
    if not purpose.strip():
        raise InvalidInput("person.purpose", "A disclosure names its purpose.", "Such as: audit of supplier 12.")
    book = book_of(where)
    with book.rows.transaction():
        found = disclose(book, index)
        record(book, DISCLOSED, facts={"entry": index, "fields": sorted(found), "purpose": purpose})
    return {name: _written(opening) for name, opening in found.items()}


def verify_disclosed(entry: bytes, disclosed: dict[str, dict[str, str | int]]) -> dict[str, str]:
    """The values of an entry's personal fields, if they are what the log committed to; erased ones are left out.

    Raises
    ------
    Modified : a value, a salt or a field is another one
    """
    committed, values = read_entry(entry).personal, {}
    for name, said in disclosed.items():
        if "salt" not in said:
            continue
        try:
            opening = Opening(name, bytes.fromhex(str(said["salt"])), str(said["value"]))
            values[name] = verify_opening(opening, committed[name])
        except (KeyError, ValueError, InvalidInput) as error:
            raise Modified("personal.form", f"The disclosed '{name}' opens nothing in this entry.") from error
    return values


def _written(opening: Opening | Erased) -> dict[str, str | int]:
    if isinstance(opening, Erased):
        return {"erased_at": opening.erased_at, "entry": opening.entry}
    return {"salt": opening.salt.hex(), "value": opening.value}
