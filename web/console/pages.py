"""The console: pages that a server renders, for people with a name and password, or an API key, and a browser.

A page declares who may see it, as a route of the API does; whatever changes something is a form with a token, and what
matters most asks for the password again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, g, send_from_directory

from appliance.errors import D2RError, Denied, NotFound
from appliance.identity.login import must_set_factor
from appliance.identity.oidc.sign_on import CALLBACK
from appliance.identity.saml import own
from appliance.tenancy.site import Site
from web.api.contract import Call
from web.console.door import Door
from web.console.own_form import require_own_form
from web.console.routes import PAGES, PageRoute
from web.console.saml_door import AWAY, SamlDoor
from web.console.session import PATH, Session, Sessions
from web.console.showing import Pages, see
from web.problems import status_of
from web.rates import Rates

#: Pages that anybody may ask for; they show nothing of the plant.
PUBLIC: Final = frozenset(
    f"console.{name}"
    for name in (
        "static", "front", "login", "code", "invitation", "elsewhere", "back", "saml", "saml_response", "saml_back",
        "saml_metadata", "saml_logout",
    )
)  # fmt: skip
_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
_LOGIN: Final = "/console/login"
#: What somebody sees who must set a second factor first.
_FACTOR_PAGES: Final = frozenset({"me", "begin_factor", "confirm_factor"})


def register(app: Flask, site: Site, rates: Rates) -> frozenset[str]:
    """Make the console reachable; returns the endpoints that see to their callers."""
    sessions, pages = Sessions(site), Pages(site)
    console, door = Console(site, rates, sessions, pages), Door(site, rates, sessions, pages)
    saml = SamlDoor(site, sessions, pages, door)
    _rule(app, "/console/static/<path:name>", "console.static", _static, "GET")
    _rule(app, "/", "console.front", lambda: see(PATH), "GET")
    _rule(app, PATH, "console.home", console.home, "GET")
    _rule(app, _LOGIN, "console.login", door.login, "GET", "POST")
    _rule(app, f"{_LOGIN}/code", "console.code", door.code, "GET", "POST")
    _rule(app, f"{_LOGIN}/oidc", "console.elsewhere", door.elsewhere, "GET")
    _rule(app, CALLBACK, "console.back", door.back, "GET")
    _rule(app, AWAY, "console.saml", saml.elsewhere, "GET")
    _rule(app, own.CONSUMER, "console.saml_response", saml.arrived, "POST")
    _rule(app, own.BACK, "console.saml_back", saml.back, "GET")
    _rule(app, own.METADATA, "console.saml_metadata", saml.metadata, "GET")
    _rule(app, own.LOGOUT, "console.saml_logout", saml.left, "GET")
    _rule(app, "/console/invitation", "console.invitation", door.invitation, "GET", "POST")
    _rule(app, "/console/-/confirm", "console.confirm", door.confirm, "GET", "POST")
    _rule(app, "/console/logout", "console.logout", door.logout, "POST")
    for route in PAGES:
        _rule(app, route.rule, f"console.{route.name}", console.page(route), route.method)
    _rule(app, "/console/<path:rest>", "console.nowhere", console.nowhere, "GET")
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")}
    return frozenset(endpoints) - PUBLIC


class Console:
    """The guard before the pages of one appliance's console."""

    def __init__(self, site: Site, rates: Rates, sessions: Sessions, pages: Pages) -> None:
        self._site, self._rates, self._sessions, self._pages = site, rates, sessions, pages

    def home(self) -> Response:
        """The only workspace, or which one."""
        session = self._sessions.current()
        g.authorized = True
        if session is None:
            return see(_LOGIN)
        found = self._site.workspaces_of(session.principal)
        if len(found) == 1:
            return see(f"/console/{found[0].slug}/")
        return self._pages.show("workspaces.html", session, workspaces=found)

    def nowhere(self, rest: str) -> Response:
        """What is no page says so on one, rather than as a document that browsers save."""
        g.authorized = True
        problem = NotFound("route.unknown", "There is nothing here.")
        return self._pages.show("problem.html", self._sessions.current(), 404, problem=problem)

    def page(self, route: PageRoute) -> Callable[..., Response]:
        """A view behind session, workspace, role and, where it changes something, form's token and password."""

        def show(slug: str | None = None, **path: str) -> Response:
            session = self._sessions.current()
            g.authorized = True
            if session is None:
                return see(_LOGIN)
            g.session_id = session.id
            try:
                return self._answered(session, route, slug, path)
            except D2RError as error:
                return self._pages.show("problem.html", session, status_of(error), slug=slug, problem=error)

        return show

    def _answered(self, session: Session, route: PageRoute, slug: str | None, path: dict[str, str]) -> Response:
        self._rates.admit(session.principal)
        scope = None if slug is None else self._site.scope(session.principal, slug)
        acting = session if scope is None else session.acting(scope.principal)
        g.principal = acting.principal
        _require_role(acting, route, is_own=slug is None)
        if route.method == "POST":
            require_own_form(session, self._site.settings, route.form_bytes)
            if route.place is not None and not session.is_confirmed:
                return see(f"/console/-/confirm?place={route.place}&slug={slug or ''}")
        if route.name not in _FACTOR_PAGES and must_set_factor(self._site, session.principal):
            return see("/console/-/me")
        answer = route.view(Call(self._site, acting.principal, scope), **path)
        if isinstance(answer, Response):
            return answer
        template, shown = answer
        return self._pages.show(template, acting, slug=slug, **{"status": 200, **shown})


def _require_role(acting: Session, route: PageRoute, *, is_own: bool) -> None:
    """Return if the page is for this person.

    Raises
    ------
    Denied : it is not
    """
    principal = acting.principal
    if route.roles is None:
        return
    if principal.role not in route.roles or (is_own and principal.workspace_id is not None):
        raise Denied("role.denied", f"The role '{principal.role}' may not do this.")


def _static(name: str) -> Response:
    response = send_from_directory(_STATIC, name, max_age=3600)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _rule(app: Flask, rule: str, endpoint: str, view: Callable[..., Any], *methods: str) -> None:
    app.add_url_rule(
        rule, endpoint=endpoint, view_func=view, methods=list(methods), provide_automatic_options=False
    )  # fmt: skip
