"""The console: pages that a server renders, for people with a name and password, or an API key, and a browser.

A page declares who may see it, as a route of the API does; whatever changes something is a form with a token.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, g, redirect, request, send_from_directory

from appliance.errors import D2RError, Denied
from appliance.identity.api_keys import authenticate
from appliance.identity.ldap.directory import directory_of
from appliance.identity.login import sign_in
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.api.contract import ADMINISTRATORS, EDITORS, READERS, REQUESTERS, Call
from web.console.rendering import environment
from web.console.routes import KEEPERS, OWN_PAGES, PAGES, View
from web.console.session import PATH, Session, Sessions, require_own_form
from web.live import live_url
from web.problems import status_of
from web.rates import Rates

#: Pages that anybody may ask for; they show nothing of the plant.
PUBLIC: Final = frozenset({"console.static", "console.login"})
_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{live}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def register(app: Flask, site: Site, rates: Rates) -> frozenset[str]:
    """Make the console reachable; returns the endpoints that see to their callers."""
    console = Console(site, rates)
    _rule(app, "/console/static/<path:name>", "console.static", _static, "GET")
    _rule(app, "/console/login", "console.login", console.login, "GET", "POST")
    _rule(app, "/", "console.front", lambda: redirect(PATH), "GET")
    _rule(app, PATH, "console.home", console.home, "GET")
    _rule(app, "/console/logout", "console.logout", console.logout, "POST")
    for name, method, rule, roles, view in PAGES:
        _rule(app, rule, f"console.{name}", console.page(roles, view), method)
    for name, method, rule, roles, view in OWN_PAGES:
        _rule(app, rule, f"console.{name}", console.own_page(roles, view), method)
    own = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")}
    return frozenset(own) - PUBLIC


class Console:
    """Sessions and templates of one appliance's console."""

    def __init__(self, site: Site, rates: Rates) -> None:
        self._site = site
        self._rates = rates
        self._sessions = Sessions(site)
        self._templates = environment()

    def login(self) -> Response:
        """The form that takes name and password, or an API key, and what it sends."""
        if request.method == "GET":
            return self._show_login(None)
        require_own_form(None)
        try:
            principal, method = self._identified()
        except D2RError as error:
            return self._show_login(error)
        response = _see(PATH)
        self._sessions.begin(principal, method, response)
        return response

    def _identified(self) -> tuple[Principal, str]:
        """Who sent the form, and how they showed it; whoever did not is counted by address."""
        key, login = request.form.get("key", "").strip(), request.form.get("login", "")
        try:
            if not key and login:
                return sign_in(self._site, login, request.form.get("password", ""))
            principal = authenticate(self._site, key)
        except Denied:
            self._rates.count_failure()
            raise
        if principal.role not in READERS:
            raise Denied("role.denied", "A key with this role has nothing to see here.", "Ask an owner.")
        return principal, "key"

    def _show_login(self, problem: D2RError | None) -> Response:
        status = 200 if problem is None else max(403, status_of(problem))
        return self._show("login.html", None, status, problem=problem, people=directory_of(self._site) is not None)

    def logout(self) -> Response:
        """End the session."""
        session = self._sessions.current()
        g.authorized = True
        if session is not None:
            require_own_form(session)
        response = _see("/console/login")
        self._sessions.end(session, response)
        return response

    def home(self) -> Response:
        """The only workspace, or which one."""
        session = self._sessions.current()
        g.authorized = True
        if session is None:
            return _see("/console/login")
        found = self._site.workspaces_of(session.principal)
        if len(found) == 1:
            return _see(f"/console/{found[0].slug}/")
        return self._show("workspaces.html", session, workspaces=found)

    def page(self, roles: frozenset[str], view: View) -> Callable[..., Response]:
        """A view behind session, workspace, role and, where it changes something, the form's token."""

        def show(slug: str, **path: str) -> Response:
            session = self._sessions.current()
            if session is None:
                return self._to_the_door()
            return self._answered(session, slug, roles, view, path)

        return show

    def own_page(self, roles: frozenset[str], view: View) -> Callable[..., Response]:
        """The same for a view of the appliance as a whole."""

        def show(**path: str) -> Response:
            session = self._sessions.current()
            if session is None:
                return self._to_the_door()
            return self._answered(session, None, roles, view, path)

        return show

    def _answered(
        self, session: Session, slug: str | None, roles: frozenset[str], view: View, path: dict[str, str]
    ) -> Response:
        g.authorized = True
        try:
            self._rates.admit(session.principal)
            scope = None if slug is None else self._site.scope(session.principal, slug)
            acting = session if scope is None else session.acting(scope.principal)
            if acting.principal.role not in roles or (slug is None and acting.principal.workspace_id is not None):
                raise Denied("role.denied", f"The role '{acting.principal.role}' may not do this.")
            if request.method == "POST":
                require_own_form(session)
            answer = view(Call(self._site, acting.principal, scope), **path)
        except D2RError as error:
            return self._show("problem.html", session, status_of(error), slug=slug, problem=error)
        if isinstance(answer, Response):
            return answer
        template, shown = answer
        return self._show(template, acting, slug=slug, **{"status": 200, **shown})

    def _to_the_door(self) -> Response:
        g.authorized = True
        return _see("/console/login")

    def _show(self, template: str, session: Session | None, status: int = 200, **shown: Any) -> Response:
        slug = shown.pop("slug", None)
        roles = {"requesters": REQUESTERS, "editors": EDITORS, "keepers": KEEPERS, "administrators": ADMINISTRATORS}
        known = {"session": session, "slug": slug, "roles": roles}
        page = self._templates.get_template(template).render(**known, **shown)
        response = Response(page, status, content_type="text/html; charset=utf-8")
        live = " " + live_url(self._site.settings, slug).partition("/api/")[0] if slug else ""
        response.headers["Content-Security-Policy"] = _POLICY.replace("{live}", live)
        response.headers["Cache-Control"] = "no-store"
        return response


def _static(name: str) -> Response:
    response = send_from_directory(_STATIC, name, max_age=3600)
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _see(address: str) -> Response:
    """Go there with GET."""
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


def _rule(app: Flask, rule: str, endpoint: str, view: Callable[..., Any], *methods: str) -> None:
    app.add_url_rule(
        rule, endpoint=endpoint, view_func=view, methods=list(methods), provide_automatic_options=False
    )  # fmt: skip
