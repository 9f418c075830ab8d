"""Errors as RFC 9457 problem documents: one map from families to statuses, one shape for every error.

Bodies say what happened and what to do; they never echo what was sent, nor secrets, nor internals.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from appliance.core.canonical import canonical_bytes
from appliance.errors import (
    Conflict,
    D2RError,
    Denied,
    InvalidInput,
    Misconfigured,
    Modified,
    NotFound,
    NotProvable,
    Unavailable,
)

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

#: Family -> status.  The first that fits; another workspace's object is NotFound.
STATUS_OF: Final[tuple[tuple[type[D2RError], int], ...]] = (
    (NotFound, 404), (Denied, 403), (Conflict, 409), (InvalidInput, 422), (Modified, 409), (NotProvable, 409),
    (Unavailable, 503), (Misconfigured, 500),
)  # fmt: skip
#: Errors whose status is not that of their family.
_STATUS_OF_CODE: Final = {
    "auth.missing": 401, "key.refused": 401, "ticket.refused": 401, "token.refused": 401, "live.upgrade": 426,
    "request.json": 400,
    "request.query": 400, "request.media_type": 415, "request.size": 413, "storage.full": 507, "storage.floor": 507,
    "request.tags": 400, "request.fields": 400, "request.idempotency_key": 400, "request.if_match": 428,
    "token.reused": 401, "asset.changed": 412, "rate.exceeded": 429,
}  # fmt: skip


def problem(status: int, code: str, message: str, hint: str = "", **more: Any) -> Response:
    """A problem document."""
    body: dict[str, Any] = {
        "type": f"urn:d2r-appliance:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": message,
    }
    if hint:
        body["hint"] = hint
    if request_id := getattr(g, "request_id", None):
        body["request_id"] = request_id
    response = Response(canonical_bytes(body | more), status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    g.problem = code
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="d2r"'
    if status in (503, 507):
        response.headers["Retry-After"] = "5"
    return response


def status_of(error: D2RError) -> int:
    """The HTTP status of an error."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    return next((status for family, status in STATUS_OF if isinstance(error, family)), 500)


def answer_errors(app: Flask) -> None:
    """Turn every error of ``app`` into a problem document."""
    app.register_error_handler(D2RError, _domain)
    app.register_error_handler(ValidationError, _validation)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _domain(error: D2RError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.error("%s %s: %s [%s]", request.method, request.path, error.message, error.code)
    return problem(status, error.code, error.message, error.hint)


def _validation(error: ValidationError) -> Response:
    """Which fields are wrong, and how; never their values."""
    fields = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "message": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    ]
    first = fields[0]
    detail = f"{first['field']}: {first['message']}."
    return problem(422, "request.invalid", detail, "See 'errors' for every field.", errors=fields)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        return problem(413, "request.size", "The request is larger than this route takes.")
    code = {404: "route.unknown", 405: "route.method", 400: "request.malformed"}.get(status, f"http.{status}")
    response = problem(status, code, {404: "There is nothing here.", 405: "This route does not take this method."}.get(
        status, HTTPStatus(status).phrase + "."
    ))  # fmt: skip
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.exception("%s %s failed", request.method, request.path)
    return problem(500, "internal", "The appliance failed at this request.", "Its log has the details.")
