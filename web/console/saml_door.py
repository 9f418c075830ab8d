"""The door for people of a SAML provider: sent there, back from there, and signed out in both places.

What arrives is a form of another site, without any cookie: it is verified by its signature, and the browser goes on to
an address of ours, where what it held meanwhile counts.
"""

from __future__ import annotations

from typing import Final

from flask import Response, g, request

from appliance.errors import D2RError, Denied
from appliance.identity.saml import logout, own, sign_on
from appliance.identity.saml.markup import MESSAGE_BYTES
from appliance.identity.saml.provider import SOURCE, require_known
from appliance.tenancy.site import Site
from web.console.door import Door, place_of
from web.console.own_form import require_small_form
from web.console.session import Sessions
from web.console.showing import Pages, see

AWAY: Final = "/console/login/saml"
#: A message, and what a form makes of its signs.
_FORM_BYTES: Final = 2 * MESSAGE_BYTES


class SamlDoor:
    """Lets people of a SAML provider in and out of one appliance's console."""

    def __init__(self, site: Site, sessions: Sessions, pages: Pages, door: Door) -> None:
        self._site, self._sessions, self._pages, self._door = site, sessions, pages, door

    def elsewhere(self) -> Response:
        """Send the browser to the provider: to sign in, to show the password once more, or to see what it says."""
        place = place_of(request.args.get("place", ""), request.args.get("slug", ""))
        try:
            address, held = sign_on.begin(self._site, self._purpose(), place)
        except D2RError as error:
            return self._door.show_login(error)
        return self._door.held(see(address), held)

    def arrived(self) -> Response:
        """What the provider has the browser send."""
        try:
            require_small_form(_FORM_BYTES)
            response, state = request.form.get("SAMLResponse", ""), request.form.get("RelayState", "")
            held = self._door.counted(sign_on.arrive, response, state)
        except D2RError as error:
            return self._door.show_login(error)
        on = see(own.BACK)
        return on if held is None else self._door.held(on, held)

    def back(self) -> Response:
        """Whoever comes back from the provider: another site sends them, so the page leads on by itself."""
        try:
            found = self._door.counted(sign_on.finish, self._door.what_is_held())
        except D2RError as error:
            return self._door.held(self._door.show_login(error), "")
        if isinstance(found, sign_on.Tried):
            slugs = {one.id: one.slug for one in self._site.all_workspaces()}
            return self._door.held(self._pages.show("saml-test.html", None, tried=found, slugs=slugs), "")
        g.principal = found.principal
        response = self._pages.show("back.html", None, place=found.place)
        method = f"{SOURCE}+password" if found.is_fresh else SOURCE
        self._sessions.begin(found.principal, method, response, found.foreign_session)
        return self._door.held(response, "")

    def metadata(self) -> Response:
        """What the provider must know of us: nothing that anybody may not see."""
        try:
            text = require_known(self._site).own.metadata()
        except D2RError as error:
            return self._door.show_login(error)
        return Response(text, content_type="application/samlmetadata+xml")

    def left(self) -> Response:
        """What the provider has the browser bring when somebody signs out there, or did so here."""
        try:
            done = self._door.counted(logout.take_logout, request.query_string.decode("ascii", "replace"))
        except D2RError as error:
            return self._door.show_login(error)
        if done.address:
            return see(done.address)
        return self._pages.show("signed-out.html", None, address=None, is_complete=done.is_complete)

    def _purpose(self) -> sign_on.Purpose:
        """Why the browser is sent there.

        Raises
        ------
        Denied : to see what the provider says, somebody must look after the appliance
        """
        if "test" not in request.args:
            return "saml-again" if "again" in request.args else "saml"
        session = self._sessions.current()
        if session is None or not session.is_keeper:
            raise Denied(
                "role.denied", "The provider is tried by those who look after the appliance.", "Sign in first."
            )
        return "saml-test"
