"""Headers that routes take and give, as the document describes them; views and the dispatcher read and write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Header:
    """A header of a request, or of an answer, by name.

    Attributes
    ----------
    example : empty where every request has another
    required : whether a request must have it, or every such answer has it
    pattern : what its value looks like (ECMA 262); None: any text
    constant : the only value that it can have
    """

    name: str
    meaning: str
    example: str
    required: bool = False
    pattern: str | None = None
    constant: str | None = None

    @property
    def described(self) -> dict[str, Any]:
        """What both an answer's header and a request's parameter say of it."""
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        schema |= {"pattern": self.pattern} if self.pattern else {}
        schema |= {"const": self.constant} if self.constant else {}
        example = {"example": self.example} if self.example else {}
        return {"description": self.meaning, "required": self.required, "schema": schema, **example}

    @property
    def parameter(self) -> dict[str, Any]:
        """As a parameter of a request."""
        return {"name": self.name, "in": "header", **self.described}


_TAG: Final = '"2026-11-27T08:00:00.000000Z~pZGm1Av0IEBKARczz7exkNYs"'
_TAGS: Final = r'^(\*|(W/)?"[!#-~]{0,200}"( *, *(W/)?"[!#-~]{0,200}"){0,15})$'

IF_NONE_MATCH: Final = Header("If-None-Match", "The ETag of an answer that the caller holds.", _TAG, pattern=_TAGS)
IF_MATCH: Final = Header("If-Match", "The ETag of what is to be changed, or '*'.", _TAG, required=True, pattern=_TAGS)
IDEMPOTENCY_KEY: Final = Header(
    "Idempotency-Key", "Who repeats a request under its key, within 24 h, gets the same answer.", "",
    pattern="^[!-~]{1,200}$",
)  # fmt: skip

REQUEST_ID: Final = Header("X-Request-Id", "The id of the request, in the access log too.", "req_01", required=True)
ETAG: Final = Header("ETag", "Entity tag (RFC 9110).", _TAG, required=True)
LOCATION: Final = Header("Location", "Where what was made can be found.", "/api/v1/workspaces/main/parts/prt_01")
REPLAYED: Final = Header("Idempotency-Replayed", "'true' where the answer was given before.", "true", pattern="^true$")
ATTACHMENT: Final = Header(
    "Content-Disposition", "How the file is called (RFC 6266).", "attachment; filename*=UTF-8''report.pdf",
    required=True,
)  # fmt: skip
#: What every answer to a known caller says of its rate.
RATE: Final = (
    Header("RateLimit-Policy", "Requests (q) in how many seconds (w).", '"requests";q=1200;w=60', required=True),
    Header("RateLimit", "Requests left (r) for how many seconds (t).", '"requests";r=1199;t=42', required=True),
)
#: What every answer of a route on its way out says.
RETIREMENT: Final = (
    Header("Deprecation", "Since when it should not be used (RFC 9745).", "@1795776000", required=True),
    Header("Sunset", "Until when it answers at the least (RFC 8594).", "Sun, 28 Nov 2027 08:00:00 GMT", required=True),
    Header("Link", "What takes its place.", '</api/v2/parts>; rel="successor-version"'),
)
RETRY_AFTER: Final = Header("Retry-After", "Seconds to wait.", "5", required=True, pattern="^[0-9]+$")
AUTHENTICATE: Final = Header("WWW-Authenticate", "How to say who one is.", 'Bearer realm="d2r"', required=True)
