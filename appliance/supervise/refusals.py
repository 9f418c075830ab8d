"""What the server itself answers to what is no request: a problem document like every other error, and nothing else.

gunicorn's own pages and log lines repeat what was sent, which may be half of somebody's key.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from gunicorn.http import errors

from appliance.core.canonical import canonical_bytes
from appliance.core.ids import new_id

#: Error -> status and code; the first that fits.
_REFUSED: Final[tuple[tuple[type[Exception], HTTPStatus, str], ...]] = (
    (errors.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG, "request.line"),
    (errors.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request.headers"),
    (errors.UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED, "request.coding"),
    (errors.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED, "request.expectation"),
    (errors.ConfigurationProblem, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
    (errors.InvalidResponseHeader, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
    (errors.InvalidResponseHeaderName, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
    (errors.ParseException, HTTPStatus.BAD_REQUEST, "request.malformed"),
)
#: Code -> what is wrong, and what to do.
_SAID: Final = {
    "request.malformed": ("The request is no request of HTTP.", ""),
    "request.line": ("The address with its query is longer than the server takes.", "Ask for less at once."),
    "request.expectation": ("The server meets no expectation but '100-continue'.", ""),
    "request.headers": ("The headers are more, or longer, than the server takes.", "Send fewer."),
    "request.coding": ("The body comes in a coding that the server does not know.", "Send it as it is."),
}
_HEADERS: Final = (
    "Content-Type: application/problem+json", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'", "Connection: close",
)  # fmt: skip


def judged(error: BaseException) -> tuple[HTTPStatus, str]:
    """Status and code of an error that ended a request before an application saw it, or while it answered."""
    for family, status, code in _REFUSED:
        if isinstance(error, family):
            return status, code
    return HTTPStatus.INTERNAL_SERVER_ERROR, "internal"


def refusal(status: HTTPStatus, code: str) -> bytes:
    """A whole answer, after which the connection ends."""
    detail, hint = _SAID.get(code, ("The appliance failed at this request.", "Its log has the details."))
    request_id = new_id("req")
    body = canonical_bytes(
        {
            "type": f"urn:d2r-appliance:problem:{code}", "title": status.phrase, "status": int(status), "code": code,
            "detail": detail, "request_id": request_id, **({"hint": hint} if hint else {}),
        }
    )  # fmt: skip
    own = (f"X-Request-Id: {request_id}", f"Content-Length: {len(body)}")
    return "\r\n".join((f"HTTP/1.1 {int(status)} {status.phrase}", *_HEADERS, *own, "", "")).encode() + body
