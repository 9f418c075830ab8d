"""The door of the console: name and password or an API key, then a code where one is owed; invitations; signing out."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, g, request

from appliance.errors import D2RError, Denied
from appliance.identity.api_keys import authenticate
from appliance.identity.local.invitations import accept, find_invitation
from appliance.identity.login import confirm, owe_code, pay_code, sign_in, takes_passwords
from appliance.identity.oidc import sign_on
from appliance.identity.records import ELSEWHERE
from appliance.identity.saml.logout import begin_logout
from appliance.identity.saml.provider import label_of
from appliance.identity.sessions import confirm_session, end_session
from appliance.identity.users import find_user
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from web.api.contract import READERS
from web.console.own_form import require_own_form
from web.console.profile import require_same
from web.console.routes import PLACES
from web.console.session import PATH, Session, Sessions
from web.console.showing import Pages, see
from web.problems import status_of
from web.rates import Rates

_CODE_COOKIE: Final = "d2r-code-owed"
_CODE_PATH: Final = "/console/login"
_CODE_S: Final = 300
_AWAY_COOKIE: Final = "d2r-away"
_AWAY_S: Final = 600


class Door:
    """Lets people in and out of one appliance's console."""

    def __init__(self, site: Site, rates: Rates, sessions: Sessions, pages: Pages) -> None:
        self._site, self._rates, self._sessions, self._pages = site, rates, sessions, pages

    def login(self) -> Response:
        """The form that takes name and password, or an API key, and what it sends."""
        if request.method == "GET":
            return self.show_login(None)
        try:
            require_own_form(None, self._site.settings)
            login = request.form.get("login", "")
            if not login:
                return self._opened(self._holder(request.form.get("key", "").strip()), "key")
            entered = self.counted(sign_in, login, request.form.get("password", ""))
        except D2RError as error:
            return self.show_login(error)
        if not entered.owes_code:
            return self._opened(entered.principal, entered.method)
        response = see(f"{_CODE_PATH}/code")
        self._set_code_cookie(response, owe_code(self._site, entered), _CODE_S)
        return response

    def code(self) -> Response:
        """The form that takes the code of the second factor, and what it sends."""
        if request.method == "GET":
            return self._pages.show("code.html", None, problem=None)
        try:
            require_own_form(None, self._site.settings)
            held = request.cookies.get(self._sessions.cookie(_CODE_COOKIE, _CODE_PATH)[0], "")
            principal, method = self.counted(pay_code, held, request.form.get("code", ""))
        except D2RError as error:
            return self._pages.show("code.html", None, _status(error), problem=error)
        response = self._opened(principal, method)
        self._set_code_cookie(response, "", 0)
        return response

    def invitation(self) -> Response:
        """The form that takes the password of a new account, or another one, and what it sends."""
        token = request.args.get("token", "") if request.method == "GET" else request.form.get("token", "")
        row = None
        try:
            row = self.counted(find_invitation, token)
            if request.method == "GET":
                return self._pages.show("invitation.html", None, problem=None, invitation=row, token=token)
            require_own_form(None, self._site.settings)
            password = request.form.get("password", "")
            require_same(password, request.form.get("again", ""))
            principal = accept(self._site, token, password)
        except D2RError as error:
            shown = {"problem": error, "invitation": row, "token": token}
            return self._pages.show("invitation.html", None, _status(error), **shown)
        return self._opened(principal, "invitation")

    def elsewhere(self) -> Response:
        """Send the browser to the OpenID provider; with ``again``, so that it asks for the password."""
        try:
            address, held = sign_on.begin(self._site, is_again="again" in request.args)
        except D2RError as error:
            return self.show_login(error)
        return self.held(see(address), held)

    def back(self) -> Response:
        """Whoever comes back from the OpenID provider: another site sends them, so the page leads on by itself."""
        try:
            principal, is_fresh = self.counted(sign_on.finish, self.what_is_held(), request.args)
        except D2RError as error:
            return self.held(self.show_login(error), "")
        g.principal = principal
        response = self._pages.show("back.html", None, place=PATH)
        self._sessions.begin(principal, "oidc+password" if is_fresh else sign_on.SOURCE, response)
        return self.held(response, "")

    def what_is_held(self) -> str:
        """What the browser held while it was away; empty where it was not sent."""
        return request.cookies.get(self._away_cookie()[0], "")

    def held(self, response: Response, secret: str) -> Response:
        """Let the browser hold ``secret`` while it is away; nothing more where it is empty."""
        name, bounds = self._away_cookie()
        if secret:
            response.set_cookie(name, secret, max_age=_AWAY_S, **bounds)
        else:
            response.delete_cookie(name, **bounds)
        return response

    def _away_cookie(self) -> tuple[str, dict[str, Any]]:
        """A cookie that comes along when another site sends the browser back: 'Lax'; it opens nothing by itself."""
        name, bounds = self._sessions.cookie(_AWAY_COOKIE, _CODE_PATH)
        return name, bounds | {"samesite": "Lax"}

    def confirm(self) -> Response:
        """The form that takes the password once more, before what matters most."""
        session = self._sessions.current()
        g.authorized = True
        if session is None:
            return see("/console/login")
        place, slug = request.values.get("place", ""), request.values.get("slug", "")
        source = None if session.is_key else find_user(self._site, session.principal.id).source
        elsewhere = source if source in ELSEWHERE else None
        shown: dict[str, Any] = {"place": place, "of": slug, "is_key": session.is_key, "elsewhere": elsewhere}
        if request.method == "GET":
            return self._pages.show("confirm.html", session, problem=None, **shown)
        try:
            require_own_form(session, self._site.settings)
            self._show_again(session, request.form.get("password", ""))
        except D2RError as error:
            return self._pages.show("confirm.html", session, _status(error), problem=error, **shown)
        confirm_session(self._site, session.id)
        return see(place_of(place, slug))

    def logout(self) -> Response:
        """End the session."""
        session = self._sessions.current()
        g.authorized = True
        if session is not None:
            require_own_form(session, self._site.settings)
            end_session(self._site, session.id, session.principal)  # before anything is asked of a provider
        away = None if session is None else begin_logout(self._site, session.id)
        shown: dict[str, Any] = {"address": away, "is_complete": False}
        response = self._pages.show("signed-out.html", None, **shown) if away else see("/console/login")
        self._sessions.end(session, response)
        return response

    def _holder(self, key: str) -> Principal:
        """Who holds an API key, if there is something to see for them."""
        principal: Principal = self.counted(authenticate, key)
        if principal.role not in READERS:
            raise Denied("role.denied", "A key with this role has nothing to see here.", "Ask an owner.")
        if principal.scopes is not None:
            raise Denied("scope.denied", "A key under scopes opens the API alone.", "Use one without scopes.")
        return principal

    def _show_again(self, session: Session, secret: str) -> None:
        if not session.is_key:
            self.counted(confirm, session.principal, secret)
        elif self.counted(authenticate, secret.strip()).id != session.principal.id:
            raise Denied("key.other", "This is another API key.", "Show the one that you signed in with.")

    def counted(self, ask: Any, *told: Any) -> Any:
        """What ``ask`` answers; whoever is refused is counted by address."""
        try:
            return ask(self._site, *told)
        except Denied:
            self._rates.count_failure()
            raise

    def _opened(self, principal: Principal, method: str) -> Response:
        g.principal = principal
        response = see(PATH)
        self._sessions.begin(principal, method, response)
        return response

    def show_login(self, problem: D2RError | None) -> Response:
        status = 200 if problem is None else _status(problem)
        known, people = sign_on.sign_on_of(self._site), takes_passwords(self._site)
        buttons = [("oidc", known.settings.label)] if known else []
        buttons += [("saml", label)] if (label := label_of(self._site)) else []
        return self._pages.show("login.html", None, status, problem=problem, people=people, elsewhere=buttons)

    def _set_code_cookie(self, response: Response, value: str, age_s: int) -> None:
        name, bounds = self._sessions.cookie(_CODE_COOKIE, _CODE_PATH)
        response.set_cookie(name, value, max_age=age_s, **bounds)


def _status(error: D2RError) -> int:
    """A page is never 401: that would ask the browser for a password of its own."""
    return max(403, status_of(error))


def place_of(name: str, slug: str) -> str:
    """Where to go on: one of our own places."""
    is_slug = bool(slug) and all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in slug)
    return PLACES.get(name, PATH).replace("{slug}", slug if is_slug else "-")
