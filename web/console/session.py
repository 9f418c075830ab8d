"""Who sits before the console: a cookie that holds a random secret, and a token that proves that a form is ours.

The secret finds the session in the database; every request asks anew whether it still counts, and its person or key.
The token of the forms is derived from it, under a key of the appliance.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Any, Final

from flask import Response, g, request

from appliance.core.ids import is_id
from appliance.identity.local.break_glass import is_break_glass
from appliance.identity.sessions import Visit, begin_session, end_session, find_session
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

COOKIE: Final = "d2r-session"
#: How cookies begin where pages come over TLS: browsers take them from this very host alone, and over TLS alone.
SECURE_PREFIX: Final = "__Host-"
PATH: Final = "/console/"
_PURPOSE: Final = b"d2r/console-session/2"
#: No secret of ours is longer; the hash of a megabyte is not worth a request.
_SECRET_CHARACTERS: Final = 100


@dataclass(frozen=True)
class Session:
    """A signed-in person; ``token`` stands in every form.

    Attributes
    ----------
    is_keeper : whether the person has a role in the appliance as a whole, beside those in workspaces
    is_confirmed : whether the password was shown a short time ago
    is_break_glass : whether this is the account of the envelope
    """

    id: str
    principal: Principal
    token: str
    is_keeper: bool = False
    is_confirmed: bool = False
    is_break_glass: bool = False

    @property
    def is_key(self) -> bool:
        """Whether it is a session of an API key, which has no password."""
        return not is_id(self.principal.id, "usr")

    def acting(self, principal: Principal) -> Session:
        """The same session in a workspace, with the role that the person has there."""
        return replace(self, principal=principal)


class Sessions:
    """Begins and finds sessions of one appliance: another appliance's cookie opens nothing."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key = site.master.derive(_PURPOSE)

    def begin(self, principal: Principal, method: str, response: Response, foreign: str | None = None) -> None:
        """Begin a session, and let the browser hold its secret; one that it held before ends.

        ``foreign`` : what the provider elsewhere calls it
        """
        self._end_former(principal)
        secret, (name, bounds) = begin_session(self._site, principal, method, visit(), foreign), self.cookie()
        response.set_cookie(name, secret, max_age=self._site.settings.session_hours * 3600, **bounds)

    def end(self, session: Session | None, response: Response) -> None:
        """End the session, and remove the cookie."""
        if session is not None:
            end_session(self._site, session.id, session.principal)
        name, bounds = self.cookie()
        response.delete_cookie(name, **bounds)

    def current(self) -> Session | None:
        """The session of the request; None where there is none, or it counts no more."""
        secret = request.cookies.get(self.cookie()[0], "")
        found = find_session(self._site, secret) if 0 < len(secret) <= _SECRET_CHARACTERS else None
        if found is None:
            return None
        g.principal = found.principal
        token = hmac.new(self._key, f"form {secret}".encode(), "sha256").hexdigest()
        principal = found.principal
        is_keeper = principal.workspace_id is None and principal.role in ("owner", "plant-it")
        is_broken = principal.is_everywhere and is_break_glass(self._site, principal.id)
        return Session(found.id, principal, token, is_keeper, found.is_confirmed, is_broken)

    def cookie(self, name: str = COOKIE, path: str = PATH) -> tuple[str, dict[str, Any]]:
        """What a cookie is called here and how far it goes; one of TLS alone is of the whole host, as it must be."""
        is_secure = self._site.settings.is_secure
        bounds = {"path": "/" if is_secure else path, "secure": is_secure, "httponly": True, "samesite": "Strict"}
        return (SECURE_PREFIX + name if is_secure else name), bounds

    def _end_former(self, by: Principal) -> None:
        former = self.current()
        if former is not None:
            end_session(self._site, former.id, by)


def visit() -> Visit:
    """Where the request comes from."""
    return Visit(request.remote_addr or "", request.headers.get("User-Agent", ""))
