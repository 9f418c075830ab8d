"""A route on its way out says so in every answer, and in the document."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from appliance.errors import NotFound
from tests.web.conftest import Cast
from web.api import dispatch
from web.api.contract import READERS, Area, Call, Retirement
from web.api.forms import Out
from web.api.openapi import document
from web.problems import answer_errors
from web.rates import Rates

OLD = Retirement(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), "/api/v1/new")


class Answer(Out):
    """An answer."""

    word: str


def retiring() -> Area:
    area = Area("old", "What goes.")

    @area.route("GET", "/old/{word}", roles=READERS, answer=Answer, retirement=OLD, summary="Goes")
    def get_old(call: Call, word: str) -> Answer:
        if word == "nothing":
            raise NotFound("word.unknown", "No.")
        return Answer(word=word)

    @area.route("GET", "/new", roles=READERS, answer=Answer, summary="Stays")
    def get_new(call: Call) -> Answer:
        return Answer(word="new")

    return area


def test_every_answer_of_a_retiring_route_says_since_when_and_until_when(cast: Cast) -> None:
    app = Flask("retiring")
    answer_errors(app)
    dispatch.register(app, cast.site, [retiring()], Rates(cast.site.settings))
    client, headers = app.test_client(), {"Authorization": f"Bearer {cast.owner.token}"}
    for response in (
        client.get("/api/v1/old/word", headers=headers),
        client.get("/api/v1/old/nothing", headers=headers),
        client.get("/api/v1/old/word"),
    ):
        assert response.headers["Deprecation"] == "@1798761600"
        assert response.headers["Sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
        assert response.headers["Link"] == '</api/v1/new>; rel="successor-version"'
    assert "Deprecation" not in client.get("/api/v1/new", headers=headers).headers


def test_the_document_marks_it() -> None:
    paths = document([retiring()])["paths"]
    assert paths["/api/v1/old/{word}"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v1/new"]["get"]
