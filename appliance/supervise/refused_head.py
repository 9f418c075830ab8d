"""The answer to a request that no application sees, because its head is none: a problem document like any other."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from appliance.core.canonical import canonical_bytes
from appliance.core.ids import new_id

#: Status -> code, what is wrong, and what to do.
REFUSALS: Final = {
    400: ("request.malformed", "The request is no request of HTTP.", ""),
    414: ("request.line", "The address with its query is longer than the server takes.", "Ask for less at once."),
    417: ("request.expectation", "The server meets no expectation but '100-continue'.", ""),
    431: ("request.headers", "The headers are more, or longer, than the server takes.", "Send fewer."),
    501: ("request.coding", "The body comes in a coding that the server does not know.", "Send it as it is."),
}  # fmt: skip


def refusal(status: int) -> bytes:
    """The whole answer, head and body, after which the connection is closed."""
    code, detail, hint = REFUSALS[status]
    request_id, title = new_id("req"), HTTPStatus(status).phrase
    body = canonical_bytes(
        {
            "type": f"urn:d2r-appliance:problem:{code}", "title": title, "status": status, "code": code,
            "detail": detail, "request_id": request_id, **({"hint": hint} if hint else {}),
        }
    )  # fmt: skip
    head = (
        f"HTTP/1.1 {status} {title}", "Connection: close", "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
        f"X-Request-Id: {request_id}", "", "",
    )  # fmt: skip
    return "\r\n".join(head).encode() + body
