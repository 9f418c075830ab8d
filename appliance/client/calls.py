"""The verbs of the client: every operation that ``make client`` writes into ``appliance.client.api`` is one of them.

Every verb raises as ``Connection.request`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import quote, urlencode
from uuid import uuid4

from appliance.client.connection import UNREACHABLE, Connection
from appliance.core.files import unreadable
from appliance.errors import Unavailable

#: The most items of one page, as the API gives them.
_PAGE: Final = 200
_UNCHANGED: Final = 304
#: How long the appliance may make a file before its first bytes come.
_MAKING_S: Final = 24 * 3600.0


class Null(Enum):
    """Null, where None already means that nothing is said."""

    NULL = "null"


NULL: Final = Null.NULL


class Readable(Protocol):
    """A body that is read as it is sent."""

    def __len__(self) -> int: ...

    def read(self, size: int = -1, /) -> bytes: ...


Content: TypeAlias = bytes | Path | Readable
Fields: TypeAlias = Mapping[str, Any]


class Tagged(dict[str, Any]):
    """A record, and the entity tag under which the appliance gave it; None where it gave none."""

    etag: str | None = None


class Calls:
    """Requests to one appliance; ``workspace`` is the address of the one that the connection is for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.workspace = f"workspaces/{quoted(connection.workspace)}"

    def act(self, method: str, path: str, *, query: Fields | None = None, body: Fields | None = None) -> Any:
        """The record that a request answers."""
        return self._record(method, path, query=query, body=body)

    def get(self, path: str, held: Fields | None, *, query: Fields | None = None) -> Any:
        """A record as it is now: ``held`` itself, where that is still the same."""
        tag = getattr(held, "etag", None)
        headers = {"If-None-Match": tag} if tag else {}
        answer = self._connection.request("GET", _address(path, query), headers=headers)
        return held if answer.status_code == _UNCHANGED else _tagged(self._connection.parsed(answer), answer.headers)

    def pages(self, path: str, *, at_most: int | None = None, query: Fields | None = None) -> Iterator[Any]:
        """The items of a list, page by page, ``at_most`` of them."""
        cursor: str | None = None
        left = at_most
        while left is None or left > 0:
            limit = _PAGE if left is None else min(_PAGE, left)
            page = self._record("GET", path, query={**(query or {}), "limit": limit, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            left = None if left is None else left - len(page["items"])
            if cursor is None:
                return

    def once(self, path: str, key: str | None, *, body: Fields | None = None) -> Any:
        """Make something; where the answer is lost, it is asked for again and nothing is made twice."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        try:
            return self._record("POST", path, body=body, headers=headers)
        except Unavailable as error:
            if error.code != UNREACHABLE:
                raise
            return self._record("POST", path, body=body, headers=headers)

    def change(self, path: str, seen: Fields | None, *, body: Fields) -> Any:
        """Change what the caller has ``seen``; None: whatever is there.

        Raises
        ------
        Conflict : somebody changed it since
        """
        tag = "*" if seen is None else getattr(seen, "etag", None)
        if tag is None:
            raise TypeError("'seen' is a record as the appliance gave it, or None")
        return self._record("PATCH", path, body=body, headers={"If-Match": tag})

    def read(self, path: str, *, query: Fields | None = None) -> bytes:
        """The bytes of a small answer."""
        return self._connection.request("GET", _address(path, query)).content

    def keep(self, path: str, to: Path, *, query: Fields | None = None, body: Fields | None = None) -> None:
        """Write an answer into a file, whole or not at all; one that is asked for with a body is made first."""
        if body is None:
            self._connection.download(_address(path, query), to)
        else:
            self._connection.download(_address(path, query), to, _stated(body), _MAKING_S)

    def send(self, path: str, *, content: Content, media_type: str, query: Fields | None = None) -> Any:
        """Send bytes, or a file; the record that is made of them."""
        with ExitStack() as opened:
            body = _opened(content, opened)
            headers = {"Content-Type": media_type}
            answer = self._connection.request("POST", _address(path, query), data=body, headers=headers)
        return _tagged(self._connection.parsed(answer), answer.headers)

    def send_form(self, path: str, files: Mapping[str, Path | None], *, query: Fields | None = None) -> Any:
        """Send a form of files; the record that is made of them."""
        with ExitStack() as opened:
            parts = {name: (file.name, _opened(file, opened)) for name, file in files.items() if file is not None}
            answer = self._connection.request("POST", _address(path, query), files=parts)
        return _tagged(self._connection.parsed(answer), answer.headers)

    def exchange(
        self, method: str, path: str, *, headers: Mapping[str, str | None] | None = None,
        content: Content | None = None, media_type: str = "",
    ) -> Mapping[str, str]:  # fmt: skip
        """A request that is answered by headers alone."""
        sent = _stated(headers or {}) | ({"Content-Type": media_type} if content is not None else {})
        with ExitStack() as opened:
            body = None if content is None else _opened(content, opened)
            return self._connection.request(method, path, headers=sent, data=body).headers

    def _record(
        self, method: str, path: str, *, query: Fields | None = None, body: Fields | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        json = None if body is None else _stated(body)
        answer = self._connection.request(method, _address(path, query), json=json, headers=headers)
        return _tagged(self._connection.parsed(answer), answer.headers)


def quoted(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe="")


def _address(path: str, query: Fields | None) -> str:
    stated = {name: _spelt(value) for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(stated, quote_via=quote)}" if stated else path


def _spelt(value: Any) -> str:
    """A value as it stands in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stated(fields: Fields) -> dict[str, Any]:
    """What is said: without None, and with None for ``NULL``."""
    return {name: None if value is NULL else value for name, value in fields.items() if value is not None}


def _tagged(record: Any, headers: Mapping[str, str]) -> Any:
    if not isinstance(record, dict):
        return record
    tagged = Tagged(record)
    tagged.etag = headers.get("ETag")
    return tagged


def _opened(content: Content, opened: ExitStack) -> Any:
    """A body as it is sent; a file is open until ``opened`` ends.

    Raises
    ------
    InvalidInput : the file cannot be read
    """
    if not isinstance(content, Path):
        return content
    try:
        return opened.enter_context(content.open("rb"))
    except OSError as error:
        raise unreadable(content, error) from error
