"""From a request to its view: the guard that nothing passes which did not declare itself.

The order is that of ``contract``: declared, known, workspace, role, form, view.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request
from pydantic import BaseModel

from appliance.core.canonical import loads_strict
from appliance.enrolment.tokens import PREFIX as DEVICE_TOKEN
from appliance.enrolment.tokens import authenticate_device
from appliance.errors import Denied, InvalidInput
from appliance.identity.tokens.access import authenticate
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.api.contract import API, Area, Call, Route
from web.api.etags import entity_tag, is_known, seen_versions
from web.api.once import answered_once
from web.api.retirement import say_retirement
from web.api.sparse import FIELDS, asked_fields, selection
from web.here import here
from web.rates import EXCEEDED, Rates
from web.requests import AS_FILE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: JSON bodies are small; files come through uploads.
BODY_LIMIT_BYTES: Final = 1 << 20


def register(app: Flask, site: Site, areas: Iterable[Area], rates: Rates) -> list[Route]:
    """Make the routes of ``areas`` reachable; returns them all."""
    routes = [route for area in areas for route in area]
    for route in routes:
        app.add_url_rule(
            API + route.rule, endpoint=route.name, view_func=_guarded(site, rates, route), methods=[route.method],
            provide_automatic_options=False,
        )  # fmt: skip
    app.after_request(say_retirement)
    return routes


class _Json(Response):
    """JSON that is there wholly, with all its headers: it is sent as it is."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(self.status, list(self.headers))
        return [self.get_data()]


def _guarded(site: Site, rates: Rates, route: Route) -> Any:
    def handle(**path: str) -> Response:
        kept = here()[1]
        kept.retirement = route.retirement
        # 2. The caller.
        principal = None if route.roles is None else caller(site, rates)
        # 3. The workspace.
        slug = path.pop("slug", None)
        scope = site.scope(principal, slug) if slug is not None and principal is not None else None
        if scope is not None:
            principal = kept.principal = scope.principal
        # 4. The role and, where it has some, the scopes.
        if principal is not None:
            require_role(principal, route.roles or frozenset(), route.scope)
        kept.authorized = True
        # 5. The form.
        seen = seen_versions() if route.if_match else None
        fields = asked_fields(route)
        call = Call(site, principal, scope, _query(route), _body(route), route, seen)
        # 6. The view.
        try:
            return answered_once(call, route, lambda: _response(route, route.view(call, **path), fields))
        except Denied as error:
            if route.proves and error.code != EXCEEDED:  # whoever proves what is not so is counted like a wrong key
                rates.count_failure()
            raise

    return handle


def require_role(principal: Principal, roles: frozenset[str], scope: str) -> None:
    """Return if a caller may do what these roles may, under this scope.

    Raises
    ------
    Denied : the role may not, or the key or token may not
    """
    if principal.role not in roles:
        raise Denied("role.denied", f"The role '{principal.role}' may not do this.", "Ask an owner.")
    if scope and principal.scopes is not None and scope not in principal.scopes:
        raise Denied("scope.denied", f"This needs the scope '{scope}'.", "Ask for a key that has it.")


def caller(site: Site, rates: Rates) -> Principal:
    """Who calls, by the key or token in the Authorization header, a device's own too; within the rate of its requests.

    Raises
    ------
    Denied : none, an unknown one, or one that counts no more; too many requests
    """
    request, kept = here()
    kind, _, token = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Denied("auth.missing", "This needs an API key or a token.", "Send 'Authorization: Bearer d2r_...'.")
    try:
        principal = _holder(site, token.strip())
    except Denied:
        rates.count_failure()
        raise
    kept.principal = principal
    rates.admit(principal)
    return principal


def _holder(site: Site, token: str) -> Principal:
    return authenticate_device(site, token) if token.startswith(DEVICE_TOKEN) else authenticate(site, token)


def _query(route: Route) -> Any:
    """The query, each name once; a route that declares none takes none."""
    request = here()[0]
    if not request.query_string:
        return route.query.model_validate({}) if route.query else None
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    asked = request.args.to_dict()
    if route.is_sparse:
        asked.pop(FIELDS, None)
    unknown = list(asked) if route.query is None else []
    if twice or unknown:
        name = (twice or unknown)[0][:40]
        why = "stands twice in the query" if twice else "is no parameter of this route"
        raise InvalidInput("request.query", f"'{name}' {why}.")
    return route.query.model_validate(asked) if route.query else None


def _body(route: Route) -> Any:
    if route.takes and request.mimetype not in route.takes:
        known = ", ".join(route.takes)
        raise InvalidInput("request.media_type", "The body has another media type than this route takes.", known)
    return route.body.model_validate(_json_body()) if route.body else None


def _json_body() -> Any:
    if request.mimetype != "application/json":
        raise InvalidInput("request.media_type", "The body must be JSON.", "Send 'Content-Type: application/json'.")
    request.max_content_length = BODY_LIMIT_BYTES
    try:
        value = loads_strict(request.get_data(cache=False))
        json.dumps(value, ensure_ascii=False).encode()
    except InvalidInput as error:
        raise InvalidInput("request.json", error.message, error.hint) from error
    except UnicodeEncodeError as error:
        raise InvalidInput("request.json", "A text of the body is half of a character.") from error
    return value


def _response(route: Route, answer: Any, fields: frozenset[str] | None) -> Response:
    if isinstance(answer, Response):
        return answer
    if route.answer is None:
        return Response(status=204)
    if not isinstance(answer, BaseModel):
        answer = route.answer.model_validate(answer, from_attributes=True)
    content = answer.model_dump_json(by_alias=True, include=selection(route.answer, fields)).encode()
    tag = entity_tag(content, getattr(answer, route.version) if route.version else "") if route.is_tagged else None
    location = here()[1].get("location")
    headers = [("Cache-Control", "no-store")]
    headers += [("ETag", tag)] if tag else []
    headers += [("Location", location)] if location else []
    if tag and is_known(tag) and route.method == "GET":
        return _unchanged(headers)
    return _Json(content, route.status, [("Content-Type", "application/json"), AS_FILE, *headers])


def _unchanged(headers: list[tuple[str, str]]) -> Response:
    response = Response(status=304, headers=headers)
    response.headers.pop("Content-Type", None)
    return response
