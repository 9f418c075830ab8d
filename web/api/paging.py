"""Pages: a list in its order, cut where the cursor says.

A cursor is opaque to clients.  It names the place of the last item of the page before, and belongs to one list with its
filters and order, so that it cannot be taken to another one by mistake.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

from flask import request

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.db.listing import Listing, Value
from appliance.errors import InvalidInput
from web.api.contract import Call

_BOUND_BYTES: Final = 9


def page(
    call: Call, ask: Callable[[Listing], Sequence[Any]], place: Callable[[Any], tuple[Value, ...]] | None = None
) -> dict[str, Any]:
    """One page of what ``ask`` lists; ``place`` says where an item stands in it, if it is no row.

    Raises
    ------
    InvalidInput : the cursor is none, or of another list
    """
    query, bound = call.query, _bound(call)
    after = _read(query.cursor, bound) if query.cursor else ()
    listing = Listing(getattr(query, "sort", "id"), after, query.limit + 1)
    rows = list(ask(listing))
    shown, more = rows[: query.limit], len(rows) > query.limit
    return {"items": shown, "next": _write((place or listing.place)(shown[-1]), bound) if more else None}


def _bound(call: Call) -> str:
    """What a cursor belongs to: the address, its filters and its order."""
    filters = call.query.model_dump(exclude={"limit", "cursor"}, mode="json")
    digest = sha256(canonical_bytes([request.path, filters])).digest()
    return urlsafe_b64encode(digest[:_BOUND_BYTES]).decode()


def _write(after: tuple[Value, ...], bound: str) -> str:
    return urlsafe_b64encode(canonical_bytes([list(after), bound])).decode().rstrip("=")


def _read(cursor: str, bound: str) -> tuple[Value, ...]:
    try:
        after, of = loads_strict(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, InvalidInput) as error:
        raise _refused() from error
    if not isinstance(after, list) or not after or of != bound:
        raise _refused()
    return tuple(after)


def _refused() -> InvalidInput:
    return InvalidInput("cursor.invalid", "This cursor is none of this list.", "Begin again without a cursor.")
