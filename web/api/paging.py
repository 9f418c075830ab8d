"""Pages: a list in the order of unique ids, cut where the cursor says.

A cursor is opaque to clients.  It names the last item of the page before, which is unique, so that nothing is shown
twice or left out whatever is added in between; and it belongs to one list with its filters, so that it cannot be taken
to another one by mistake.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

from flask import request

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import InvalidInput
from web.api.contract import Call

_BOUND_BYTES: Final = 9


def page(
    call: Call, ask: Callable[[str, int], Sequence[Any]], key: Callable[[Any], Any] = lambda row: row.id
) -> dict[str, Any]:
    """One page of what ``ask(after, limit)`` lists; ``key`` names an item uniquely, in the order of the list.

    Raises
    ------
    InvalidInput : the cursor is none, or of another list
    """
    query, bound = call.query, _bound(call)
    after = _read(query.cursor, bound) if query.cursor else ""
    rows = list(ask(after, query.limit + 1))
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return {"items": shown, "next": _write(str(key(shown[-1])), bound) if more else None}


def _bound(call: Call) -> str:
    """What a cursor belongs to: the address and its filters."""
    filters = call.query.model_dump(exclude={"limit", "cursor"}, mode="json")
    digest = sha256(canonical_bytes([request.path, filters])).digest()
    return urlsafe_b64encode(digest[:_BOUND_BYTES]).decode()


def _write(after: str, bound: str) -> str:
    return urlsafe_b64encode(canonical_bytes([after, bound])).decode().rstrip("=")


def _read(cursor: str, bound: str) -> str:
    try:
        after, of = loads_strict(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, InvalidInput) as error:
        raise _refused() from error
    if not isinstance(after, str) or of != bound:
        raise _refused()
    return after


def _refused() -> InvalidInput:
    return InvalidInput("cursor.invalid", "This cursor is none of this list.", "Begin again without a cursor.")
