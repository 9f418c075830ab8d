"""Signing in through a SAML provider: the browser is sent there, and comes back once.

The provider has the browser send its response by a form of another site, with which no cookie of ours comes along.  So
it arrives in two steps: the response is verified and waits (``arrive``), and the browser goes on to an address of ours
with what it held meanwhile, which alone takes it out again (``finish``).  A response that another browser brings
opens nothing.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Denied, InvalidInput
from appliance.identity.groups import roles_of
from appliance.identity.models import ForeignLoginRow
from appliance.identity.records import Roles, Vouched
from appliance.identity.saml import redirect
from appliance.identity.saml.places import CONSOLE, local_place
from appliance.identity.saml.provider import SOURCE, Known, note_message, require_known
from appliance.identity.saml.response import LEEWAY, Assertion, request_of, verify
from appliance.identity.saml.trust import refused
from appliance.identity.users import admit
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

#: Why somebody is sent there: to sign in, to show the password once more, or to see what the provider says.
Purpose = Literal["saml", "saml-again", "saml-test"]

log = logging.getLogger(__name__)

#: How long somebody may take to sign in elsewhere.
BACK_WITHIN: Final = timedelta(minutes=10)
#: How long the browser may take from the response to the page behind it.
_ON_WITHIN: Final = timedelta(minutes=1)
_ARRIVED: Final = "saml-arrived"
_CONTEXT: Final = "saml/arrived"
_MOST_GROUPS: Final = 2_000
_TEXT_CHARACTERS: Final = 256
_BYTES: Final = 32


@dataclass(frozen=True)
class Entered:
    """Who came back.

    Attributes
    ----------
    is_fresh : whether the password was shown just now
    place : the page to go on to
    foreign_session : what the provider calls the session
    """

    principal: Principal
    is_fresh: bool
    place: str
    foreign_session: str


@dataclass(frozen=True)
class Tried:
    """Who would come in, with which roles, and everything that the provider said about them."""

    vouched: Vouched
    roles: Roles
    attributes: dict[str, tuple[str, ...]]


def begin(site: Site, purpose: Purpose = "saml", place: str = CONSOLE) -> tuple[str, str]:
    """Where the browser goes, and what it holds until it comes back to ``place``.

    Raises
    ------
    NotFound : there is no provider
    """
    known = require_known(site)
    asked = Constants.NAMEID_UNSPECIFIED if known.settings.id_attribute else Constants.NAMEID_PERSISTENT
    toolkit = OneLogin_Saml2_Settings(known.own.toolkit(known.provider, asked))
    request = OneLogin_Saml2_Authn_Request(toolkit, force_authn=purpose == "saml-again")
    held, now = secrets.token_urlsafe(_BYTES), utc_now()
    with site.control_transaction():
        ForeignLoginRow.delete().where(ForeignLoginRow.expires_at <= rfc3339_us(now)).execute()
        ForeignLoginRow.create(
            sha256=hash_of_secret(request.get_id()), source=purpose, nonce=hash_of_secret(held), verifier=b"",
            expires_at=rfc3339_us(now + BACK_WITHIN),
        )  # fmt: skip
    message, state = request.get_xml().encode(), local_place(place)
    return redirect.address(
        known.provider.sign_on_url, "SAMLRequest", message, state, known.own.identity
    ), held  # fmt: skip


def arrive(site: Site, response: str, relay_state: str) -> str | None:
    """Take what the provider had a browser send; returns what the browser must hold, where it holds nothing yet.

    Raises
    ------
    NotFound : there is no provider
    Denied : nobody was sent there for it, it came twice or too late, or the provider proves nothing
    """
    with _refusals_noted(site):
        known, request_id = require_known(site), _request_of(response)
        if not request_id:
            return _arrive_unasked(site, known, response, relay_state)
        with site.control_session():
            row = _sent(request_id)
        assertion = verify(response, known.provider, known.own, request_id)
        if row.source == "saml-again" and not _is_fresh(assertion, row.expires_at):
            hint = "Sign out there, and try again."
            raise Denied("saml.stale", "The provider did not ask for the password.", hint)
        with site.control_transaction():
            if not ForeignLoginRow.delete().where(ForeignLoginRow.sha256 == row.sha256).execute():
                raise _foreign()
            _keep(site, known, assertion, row.nonce, row.source, relay_state)
        return None


def finish(site: Site, held: str) -> Entered | Tried:
    """Who came back from the provider, with the roles of their groups.

    ``held`` : what the browser held meanwhile

    Raises
    ------
    Denied : no response of this browser waits, or no role
    """
    with _refusals_noted(site):
        with site.control_transaction():
            row = ForeignLoginRow.known(sha256=hash_of_secret(held), source=_ARRIVED)
            if row is not None and not row.delete_instance():
                row = None  # somebody else was faster
        if row is None or row.expires_at <= rfc3339_us(utc_now()):
            raise _foreign()
        told = loads_strict(site.master.unwrap(bytes(row.verifier), _CONTEXT))
        vouched = Vouched(**{**told["vouched"], "groups": tuple(told["vouched"]["groups"])})
        if row.nonce == "saml-test":
            with site.control_session():
                roles = roles_of(SOURCE, vouched.groups)
            return Tried(vouched, roles, {name: tuple(values) for name, values in told["attributes"].items()})
        return Entered(admit(site, vouched), row.nonce == "saml-again", told["place"], told["foreign_session"])


def examine(site: Site, response: str) -> Tried:
    """Who would come in with a response, whose ever request it answers; it is not used up.

    Raises
    ------
    NotFound : there is no provider
    Denied : it proves nothing; unlike at the door, the message says why
    """
    known = require_known(site)
    try:
        assertion = verify(response, known.provider, known.own, _request_of(response) or None)
    except Denied as error:
        why = getattr(error, "__notes__", [""])[0]
        raise Denied(error.code, f"It proves nothing: {why}.", "See what the provider was told about us.") from error
    vouched = _vouched(known, assertion)
    with site.control_session():
        return Tried(vouched, roles_of(SOURCE, vouched.groups), dict(assertion.attributes))


def _arrive_unasked(site: Site, known: Known, response: str, relay_state: str) -> str:
    """Somebody who came from the provider without having been sent there; whose browser it is, nobody can say."""
    if not known.settings.is_unsolicited_allowed:
        raise Denied("saml.unsolicited", "This login was not begun here.", "Begin it on the page where one signs in.")
    held = secrets.token_urlsafe(_BYTES)
    assertion = verify(response, known.provider, known.own, None)
    with site.control_transaction():
        _keep(site, known, assertion, hash_of_secret(held), SOURCE, relay_state)
    return held


def _keep(site: Site, known: Known, assertion: Assertion, held: str, purpose: str, relay_state: str) -> None:
    """Let what was verified wait for the browser that holds what hashes to ``held``."""
    note_message(known.provider, assertion.id, assertion.expires_at)
    told = {
        "vouched": asdict(_vouched(known, assertion)),
        "place": local_place(relay_state),
        "foreign_session": _session_of(known, assertion),
        "attributes": assertion.attributes if purpose == "saml-test" else {},
    }
    ForeignLoginRow.create(
        sha256=held, source=_ARRIVED, nonce=purpose, verifier=site.master.wrap(canonical_bytes(told), _CONTEXT),
        expires_at=rfc3339_us(utc_now() + _ON_WITHIN),
    )  # fmt: skip


def _vouched(known: Known, assertion: Assertion) -> Vouched:
    """The person of a verified assertion; known for good by provider and id."""
    settings = known.settings

    def first(name: str) -> str:
        return _text(next(iter(assertion.attributes.get(name, ())), ""))

    if settings.id_attribute:
        identifier = next(iter(assertion.attributes.get(settings.id_attribute, ())), "").strip()
    else:
        identifier = "" if assertion.name_id.is_passing else assertion.name_id.value
    if not identifier:
        hint = "Have the provider send a persistent NameID, or name an attribute: --id-attribute."
        raise Denied("saml.passing", "The provider does not say who this is for good.", hint)
    login = first(settings.login_attribute) or _text(identifier)
    groups = assertion.attributes.get(settings.groups_attribute, ())[:_MOST_GROUPS]
    subject = f"{known.provider.entity_id}#{identifier}"
    return Vouched(SOURCE, subject, login, first(settings.name_attribute) or login, groups)


def _session_of(known: Known, assertion: Assertion) -> str:
    named = {"provider": known.provider.entity_id, "index": assertion.session_index}
    return canonical_bytes({**asdict(assertion.name_id), **named}).decode()


def _sent(request_id: str) -> Any:
    row = ForeignLoginRow.known(sha256=hash_of_secret(request_id))
    if row is None or row.expires_at <= rfc3339_us(utc_now()) or row.source not in ("saml", "saml-again", "saml-test"):
        raise _foreign()
    return row


def _request_of(response: str) -> str:
    try:
        return request_of(response)
    except InvalidInput as error:
        raise refused(error.message) from error


def _is_fresh(assertion: Assertion, expires_at: str) -> bool:
    """Whether the password was shown since this login began."""
    return assertion.shown_at >= datetime.fromisoformat(expires_at) - BACK_WITHIN - LEEWAY


@contextmanager
def _refusals_noted(site: Site) -> Iterator[None]:
    try:
        yield
    except Denied as error:
        why = getattr(error, "__notes__", [""])[0]
        log.warning("a login through SAML was refused: %s %s", error.code, why)
        record(site, "login.refused", {}, {"source": SOURCE, "reason": error.code})
        raise


def _text(value: str) -> str:
    return "".join(character for character in value if character.isprintable())[:_TEXT_CHARACTERS].strip()


def _foreign() -> Denied:
    return Denied("saml.foreign", "This login was not begun here, or too long ago.", "Begin again.")
