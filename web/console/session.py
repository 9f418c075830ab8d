"""Who sits before the console: a signed cookie that names an API key, and a token that proves that a form is ours.

The cookie holds no secret: the id of the key, when it was shown, and a random part from which the token of the forms is
derived.  Every request asks anew whether the key still counts.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from appliance.identity.api_keys import principal_of_key
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

COOKIE: Final = "d2r-session"
#: Name of the cookie where pages come over TLS: browsers take it from this very host alone, and over TLS alone.
SECURE_COOKIE: Final = "__Host-" + COOKIE
PATH: Final = "/console/"
LIFETIME_S: Final = 12 * 3600
_PURPOSE: Final = b"d2r/console-session/1"


@dataclass(frozen=True)
class Session:
    """A signed-in person; ``token`` stands in every form."""

    principal: Principal
    token: str


class Sessions:
    """Makes and reads cookies, under a key of the appliance: another appliance's cookie opens nothing."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key = site.master.derive(_PURPOSE)
        self._serializer = URLSafeTimedSerializer(
            self._key, salt="console", signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )

    def begin(self, principal: Principal, response: Response) -> None:
        """Set the cookie of a new session."""
        value = self._serializer.dumps([principal.id, secrets.token_hex(16)])
        response.set_cookie(self.cookie, str(value), max_age=LIFETIME_S, **self._bounds())

    def end(self, response: Response) -> None:
        """Remove the cookie."""
        response.delete_cookie(self.cookie, **self._bounds())

    def current(self) -> Session | None:
        """The session of the request; None where there is none, or its key counts no more."""
        try:
            key_id, random = self._serializer.loads(request.cookies.get(self.cookie, ""), max_age=LIFETIME_S)
        except (BadSignature, ValueError, TypeError):
            return None
        principal = principal_of_key(self._site, key_id)
        if principal is None:
            return None
        g.principal = principal
        return Session(principal, hmac.new(self._key, f"form {random}".encode(), "sha256").hexdigest())

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return SECURE_COOKIE if self._site.settings.is_secure else COOKIE

    def _bounds(self) -> dict[str, Any]:
        """How far the cookie goes; a ``__Host-`` cookie must say the whole host."""
        is_secure = self._site.settings.is_secure
        return {"path": "/" if is_secure else PATH, "secure": is_secure, "httponly": True, "samesite": "Strict"}
