"""Requests under an ``Idempotency-Key``: the same key, caller and request get the same answer, made once.

Taken by routes that declare ``once``: POSTs with a small body that make something new at every call.  What is sent as a
file is the same revision for the same bytes, uploads go on where they ended, and acts name a state: these need no key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from flask import Response, g, request

from appliance.errors import InvalidInput
from appliance.identity.repeats import Answer, Repeats
from web.api.contract import Call, Route

KEY: Final = "Idempotency-Key"
#: Header of an answer that was given before.
REPLAYED: Final = "Idempotency-Replayed"
_FORM: Final = re.compile(r"[\x21-\x7e]{1,200}")


def answered_once(call: Call, route: Route, answer: Callable[[], Response]) -> Response:
    """The answer to the request, from ``answer`` or, where its key was used before, as it was then.

    Raises
    ------
    InvalidInput : the key has no usable form, or was used for another request
    Conflict : the answer was a secret, which is shown once
    """
    key = None if route.once is None else request.headers.get(KEY)
    if key is None:
        return answer()
    if not _FORM.fullmatch(key):
        raise InvalidInput("request.idempotency_key", f"'{KEY}' is 1 to 200 visible ASCII characters.", "Send a UUID.")
    in_control = route.once == "control"
    repeats = Repeats.of_control(call.site, call.scope) if in_control else Repeats.of_workspace(call.scope)
    made: list[Response] = []

    def work() -> Answer:
        made.append(answer())
        content = None if route.shows_secret else made[0].get_data(as_text=True)
        return Answer(made[0].status_code, content, g.get("location"))

    known, is_repetition = repeats.answer_once(key, _request(call), work)
    return _again(known) if is_repetition else made[0]


def _request(call: Call) -> list[Any]:
    """All that the work depends on: two spellings of one JSON object are one request."""
    return [
        request.path,
        call.query.model_dump(mode="json") if call.query else None,
        call.body.model_dump(mode="json", exclude_unset=True) if call.body else None,
    ]


def _again(answer: Answer) -> Response:
    response = Response(answer.content, answer.status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers[REPLAYED] = "true"
    if answer.location:
        response.headers["Location"] = answer.location
    return response
