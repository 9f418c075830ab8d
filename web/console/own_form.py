"""What a form must be before anything of it is believed: small, of a page of ours, with the token of its session.

Browsers say where a form comes from in ``Sec-Fetch-Site`` where the connection is trustworthy, and in ``Origin`` on
every connection: pages of ours are sent with a referrer policy that lets them say so.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from flask import request

from appliance.config.settings import Settings
from appliance.errors import Denied, InvalidInput
from web.console.session import Session

#: No form of the console is longer, unless its page says so; nothing of a longer one is read.
FORM_BYTES: Final = 16 << 10
_FORM: Final = "application/x-www-form-urlencoded"


def require_small_form(most: int = FORM_BYTES) -> None:
    """Return if the request's body is a form of ``most`` bytes, which it announced as such; nothing is read here.

    Raises
    ------
    InvalidInput : it is something else, longer, or of unknown length
    """
    length = request.content_length
    if request.headers.get("Transfer-Encoding") or "Expect" in request.headers or (length or 0) > most:
        raise InvalidInput("request.size", f"A form says its length, of at most {most} bytes.")
    if length and request.mimetype != _FORM:
        raise InvalidInput("request.media_type", "The body is no form.", f"Send '{_FORM}'.")


def require_own_form(session: Session | None, settings: Settings, most: int = FORM_BYTES) -> None:
    """Return if the request comes from a page of this console, with a form of ``most`` bytes.

    Raises
    ------
    Denied : another site sent it, or its token is missing
    InvalidInput : its body is no short form
    """
    require_small_form(most)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none") or not _is_ours(settings):
        raise Denied("form.foreign", "This form was sent by another site.", "Open the console and try again.")
    if session is None:
        return
    token = request.headers.get("X-Form-Token") or request.form.get("token", "")
    if not hmac.compare_digest(token.encode(), session.token.encode()):
        raise Denied("form.token", "This form has expired.", "Open the page again and repeat it.")


def _is_ours(settings: Settings) -> bool:
    """Whether the page that sends the form, where the browser names it, is at the address that was asked, or the
    public one; a browser that hides the page ('null') shows none of ours."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc in (request.host, urlsplit(settings.effective_public_url).netloc)
