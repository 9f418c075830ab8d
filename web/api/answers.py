"""What the document says of answers: the success with its headers, 304 where it applies, and every problem."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from web.api import headers
from web.api.contract import Route
from web.api.examples import problem_example
from web.api.headers import Header
from web.api.sparse_schemas import answer_schema
from web.problems import MEDIA_TYPE

Json = dict[str, Any]

#: Headers of problems beside the request's id.
_PROBLEM_HEADERS: Final[dict[int, tuple[Header, ...]]] = {
    401: (headers.AUTHENTICATE,), 429: (headers.RETRY_AFTER,), 503: (headers.RETRY_AFTER,), 507: (headers.RETRY_AFTER,)
}  # fmt: skip
#: Statuses that HTTP does not know.
_PHRASES: Final = {460: "Checksum Mismatch"}


def answers(route: Route, names: Any) -> Json:
    """The answers of a route by status; ``names`` leads from models to their schemas."""
    described = {str(_status(route)): _success(route, names)}
    if route.is_tagged and route.method == "GET":
        described["304"] = {"description": "Unchanged", "headers": headers_of(*headers.RATE, headers.ETAG)}
    return described | {str(code): {"$ref": f"#/components/responses/{code}"} for code in _problems(route)}


def problem_answers(statuses: list[int], schema: Json) -> Json:
    """The problems of all routes, by status, for the components of the document."""
    return {
        str(status): {
            "description": f"{_phrase(status)} (RFC 9457)",
            "headers": headers_of(*_PROBLEM_HEADERS.get(status, ())),
            "content": {MEDIA_TYPE: {"schema": schema, "example": problem_example(status, _phrase(status))}},
        }
        for status in statuses
    }


def statuses_in(paths: dict[str, Json]) -> list[int]:
    """The problems that any operation names."""
    named = {
        int(status)
        for operations in paths.values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if "$ref" in answer
    }
    return sorted(named)


def content_schema(media_type: str) -> Json:
    """What a body that is no model looks like."""
    if media_type.endswith("json"):
        return {"type": "object"}
    return {"type": "string"} | ({} if media_type.startswith("text/") else {"format": "binary"})


def headers_of(*given: Header) -> Json:
    """The headers of an answer, the request's id first."""
    return {header.name: header.described for header in (headers.REQUEST_ID, *given)}


def _status(route: Route) -> int:
    return 204 if _is_empty(route) and route.status == 200 and route.method != "HEAD" else route.status


def _is_empty(route: Route) -> bool:
    is_file = route.method == "GET" or route.media_type != "application/json"
    return route.answer is None and not is_file


def _success(route: Route, names: Any) -> Json:
    success: Json = {"description": route.summary, "headers": headers_of(*_success_headers(route))}
    if _is_empty(route):
        return success
    if route.answer is None:
        return success | {"content": {route.media_type: {"schema": content_schema(route.media_type)}}}
    return success | {"content": {route.media_type: {"schema": answer_schema(route, names)}}}


def _success_headers(route: Route) -> list[Header]:
    given = list(headers.RATE) if route.roles is not None else []
    given += [headers.ETAG] if route.is_tagged else []
    given += [headers.ATTACHMENT] if route.is_download else []
    given += [headers.LOCATION] if route.status == 201 and route.answer is not None else []
    given += [headers.REPLAYED] if route.once else []
    given += headers.RETIREMENT if route.retirement else ()
    return [*given, *route.gives_headers]


def _problems(route: Route) -> list[int]:
    problems = {400, 422, *route.errors} | ({401, 403, 404, 429, 503} if route.roles is not None else set())
    problems |= {413, 415} if route.body is not None or route.takes else set()
    problems |= {414} if route.query is not None else set()
    problems |= {409} if route.once else set()
    problems |= {412, 428} if route.if_match else set()
    return sorted(problems)


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or HTTPStatus(status).phrase
