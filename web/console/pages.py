"""The console: pages that a server renders, for people with an API key and a browser.

A page declares who may see it, as a route of the API does; whatever changes something is a form with a token.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, g, request, send_from_directory

from appliance.errors import D2RError, Denied
from appliance.identity.api_keys import authenticate
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.api.contract import EDITORS, READERS, REQUESTERS, Call
from web.console import views
from web.console.own_form import require_own_form
from web.console.rendering import environment
from web.console.session import PATH, Session, Sessions
from web.live import live_url
from web.problems import status_of
from web.rates import Rates

#: Pages that anybody may ask for; they show nothing of the plant.
PUBLIC: Final = frozenset({"console.static", "console.login", "console.front"})
_STATIC: Final = Path(__file__).resolve().parent.parent / "static"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{live}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_S: Final = "/console/<slug>"
_I: Final = f"{_S}/inspections/<inspection_id>"

View = Callable[..., Any]
#: Name, method, address, roles, view.
_PAGES: Final[tuple[tuple[str, str, str, frozenset[str], View], ...]] = (
    ("assets", "GET", f"{_S}/", READERS, views.assets),
    ("asset", "GET", f"{_S}/assets/<asset>", READERS, views.asset),
    ("inspection", "GET", _I, READERS, views.inspection),
    ("report_file", "GET", f"{_I}/<name>", READERS, views.report_file),
    ("quarantine", "GET", f"{_S}/quarantine", READERS, views.quarantine),
    ("act_on_inspection", "POST", f"{_I}/<act>", REQUESTERS, views.act_on_inspection),
    ("act_on_scan", "POST", f"{_S}/quarantine/<scan_id>/<act>", EDITORS, views.act_on_scan),
    ("live_ticket", "POST", f"{_S}/live-ticket", READERS, views.live_ticket),
)


def register(app: Flask, site: Site, rates: Rates) -> frozenset[str]:
    """Make the console reachable; returns the endpoints that see to their callers."""
    console = Console(site, rates)
    _rule(app, "/console/static/<path:name>", "console.static", _static, "GET")
    _rule(app, "/console/login", "console.login", console.login, "GET", "POST")
    _rule(app, "/", "console.front", lambda: _see(PATH), "GET")
    _rule(app, PATH, "console.home", console.home, "GET")
    _rule(app, "/console/logout", "console.logout", console.logout, "POST")
    for name, method, rule, roles, view in _PAGES:
        _rule(app, rule, f"console.{name}", console.page(roles, view), method)
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
        """The form that takes an API key, and what it sends."""
        if request.method == "GET":
            return self._show("login.html", None, problem=None)
        require_own_form(None, self._site.settings)
        try:
            principal = self._known(request.form.get("key", "").strip())
            if principal.role not in READERS:
                raise Denied("role.denied", "A key with this role has nothing to see here.", "Ask an owner.")
        except Denied as error:
            return self._show("login.html", None, max(403, status_of(error)), problem=error)
        g.principal = principal
        response = _see(PATH)
        self._sessions.begin(principal, response)
        return response

    def _known(self, key: str) -> Principal:
        try:
            return authenticate(self._site, key)
        except Denied:
            self._rates.count_failure()
            raise

    def logout(self) -> Response:
        """End the session."""
        session = self._sessions.current()
        g.authorized = True
        if session is not None:
            require_own_form(session, self._site.settings)
        response = _see("/console/login")
        self._sessions.end(response)
        return response

    def home(self) -> Response:
        """The only workspace, or which one."""
        session = self._sessions.current()
        g.authorized = True
        if session is None:
            return _see("/console/login")
        own = session.principal.workspace_id
        found = [one for one in self._site.workspaces() if own in (None, one.id)]
        if len(found) == 1:
            return _see(f"/console/{found[0].slug}/")
        return self._show("workspaces.html", session, workspaces=found)

    def page(self, roles: frozenset[str], view: View) -> Callable[..., Response]:
        """A view behind session, workspace, role and, where it changes something, the form's token."""

        def show(slug: str, **path: str) -> Response:
            session = self._sessions.current()
            g.authorized = True
            if session is None:
                return _see("/console/login")
            try:
                self._rates.admit(session.principal)
                call = Call(self._site, session.principal, self._site.scope(session.principal, slug))
                if session.principal.role not in roles:
                    raise Denied("role.denied", f"The role '{session.principal.role}' may not do this.")
                if request.method == "POST":
                    require_own_form(session, self._site.settings)
                answer = view(call, **path)
            except D2RError as error:
                return self._show("problem.html", session, status_of(error), slug=slug, problem=error)
            if isinstance(answer, Response):
                return answer
            template, shown = answer
            return self._show(template, session, slug=slug, **shown)

        return show

    def _show(self, template: str, session: Session | None, status: int = 200, **shown: Any) -> Response:
        slug, problem = shown.pop("slug", None), shown.get("problem")
        if problem is not None:
            g.problem = problem.code
        known = {"session": session, "slug": slug, "roles": {"requesters": REQUESTERS, "editors": EDITORS}}
        page = self._templates.get_template(template).render(**known, **shown)
        response = Response(page, status, content_type="text/html; charset=utf-8")
        live = " " + live_url(self._site.settings, slug).partition("/api/")[0] if slug else ""
        response.headers["Content-Security-Policy"] = _POLICY.replace("{live}", live)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "same-origin"  # so that a browser names our pages where a form is sent
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
