"""Signing out in one place and so in the other, by messages that browsers carry (SAML profiles, 4.4; HTTP-Redirect).

What ends here ends first here, whatever becomes of the provider.  A request of the provider ends the sessions of the
person that it names, and of those the ones whose index it names, if it names any.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from xml.sax.saxutils import escape

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from appliance.core.canonical import loads_strict
from appliance.core.clock import parse_rfc3339, rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Denied, InvalidInput
from appliance.identity.models import ForeignLoginRow, SessionRow
from appliance.identity.saml import redirect
from appliance.identity.saml.markup import find, name_of, parse
from appliance.identity.saml.provider import Known, known_of, note_message, require_known
from appliance.identity.saml.response import LEEWAY, toolkit_refuses
from appliance.identity.saml.trust import refused
from appliance.identity.sessions import end_session, list_sessions
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

#: The source of a request to log out that waits for its answer.
_SOURCE: Final = "saml-logout"
_ANSWER_WITHIN: Final = timedelta(minutes=10)
#: A request that was issued earlier, or later, is not believed.
_FRESH: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class SignedOut:
    """What a message of the provider led to.

    Attributes
    ----------
    address : where the browser must bring our answer; empty where none is due
    is_complete : whether the provider says that it signed the person out everywhere
    """

    address: str
    is_complete: bool


def begin_logout(site: Site, session_id: str) -> str | None:
    """Where the browser of somebody who signed out here goes to sign out there; None where there is no such place."""
    with site.control_session():
        row = SessionRow.known(id=session_id)
    known = known_of(site)
    if row is None or not row.foreign_session or known is None or not known.provider.logout_url:
        return None
    told = loads_strict(row.foreign_session)
    if told["provider"] != known.provider.entity_id:
        return None
    request = OneLogin_Saml2_Logout_Request(
        _toolkit(known), name_id=told["value"], session_index=escape(told["index"]) or None,
        nq=told["qualifier"] or None, name_id_format=told["format"] or None, spnq=told["own_qualifier"] or None,
    )  # fmt: skip
    until = rfc3339_us(utc_now() + _ANSWER_WITHIN)
    with site.control_transaction():
        ForeignLoginRow.create(
            sha256=hash_of_secret(request.id), source=_SOURCE, nonce="", verifier=b"", expires_at=until
        )
    message = request.get_xml().encode()
    return redirect.address(known.provider.logout_url, "SAMLRequest", message, "", known.own.identity)


def take_logout(site: Site, query: str) -> SignedOut:
    """Take what the provider has a browser bring: a request to sign out, or the answer to ours.

    ``query`` : as it is spelled in the address

    Raises
    ------
    NotFound : there is no provider
    Denied : the provider did not sign it, or it is not for us, not of now, or came before
    """
    known = require_known(site)
    try:
        arrived = redirect.verified(query, known.provider.certificates)
        root = parse(arrived.xml)
        _require_for_us(root, known, "LogoutRequest" if arrived.parameter == "SAMLRequest" else "LogoutResponse")
        if arrived.parameter == "SAMLResponse":
            return SignedOut("", _is_answered(site, root))
        _end_sessions(site, known, root)
    except (Denied, InvalidInput) as error:
        denied = error if isinstance(error, Denied) else refused(error.message)
        log.warning("a logout through SAML was refused: %s", getattr(denied, "__notes__", [""])[0])
        raise denied from error
    answer = OneLogin_Saml2_Logout_Response(_toolkit(known))
    answer.build(str(root.get("ID")))
    where, state = known.provider.logout_answer_url, arrived.relay_state
    message = answer.get_xml().encode()
    address = redirect.address(where, "SAMLResponse", message, state, known.own.identity) if where else ""
    return SignedOut(address, is_complete=True)


def _require_for_us(root: Any, known: Known, kind: str) -> None:
    """Return if a message is of this kind, of the provider, for this address, and of now."""
    if root.tag != name_of("samlp", kind) or root.get("Version") != "2.0":
        raise refused(f"the message is no {kind}")
    with toolkit_refuses():
        if isinstance(OneLogin_Saml2_XML.validate_xml(root, "saml-schema-protocol-2.0.xsd"), str):
            raise refused("the message is not as the schema says")
    if [(node.text or "").strip() for node in find(root, "saml:Issuer")] != [known.provider.entity_id]:
        raise refused("somebody else issued it")
    if root.get("Destination") != known.own.logout_url:
        raise refused(f"it was made for {root.get('Destination')}, not for {known.own.logout_url}")
    now, issued = utc_now(), parse_rfc3339(str(root.get("IssueInstant")))
    ends = root.get("NotOnOrAfter")
    if abs(now - issued) > _FRESH or (ends and parse_rfc3339(ends) <= now - LEEWAY):
        raise refused("it is not of now")


def _end_sessions(site: Site, known: Known, root: Any) -> None:
    """End what a request of the provider names."""
    with toolkit_refuses():
        name = OneLogin_Saml2_Logout_Request.get_nameid_data(root, known.own.identity.key_pem)["Value"]
    if not name:
        raise refused("it names nobody")
    indexes = {(node.text or "").strip() for node in find(root, "samlp:SessionIndex")}
    with site.control_transaction():
        note_message(known.provider, str(root.get("ID")), parse_rfc3339(str(root.get("IssueInstant"))) + 2 * _FRESH)
        for row in list_sessions(site):
            told = loads_strict(row.foreign_session) if row.foreign_session else {}
            is_theirs = (told.get("provider"), told.get("value")) == (known.provider.entity_id, name)
            if is_theirs and (not indexes or told.get("index") in indexes):
                end_session(site, row.id, SYSTEM)


def _is_answered(site: Site, root: Any) -> bool:
    """Whether the provider says that all is done, in the answer to a request of ours that waits for one."""
    with site.control_transaction():
        row = ForeignLoginRow.known(sha256=hash_of_secret(str(root.get("InResponseTo", ""))), source=_SOURCE)
        if row is not None and not row.delete_instance():
            row = None  # somebody else was faster
    if row is None or row.expires_at <= rfc3339_us(utc_now()):
        raise refused("nobody asked for it, or too long ago")
    codes = [str(code) for code in find(root, "samlp:Status/samlp:StatusCode/@Value")]
    return codes == [Constants.STATUS_SUCCESS]


def _toolkit(known: Known) -> OneLogin_Saml2_Settings:
    return OneLogin_Saml2_Settings(known.own.toolkit(known.provider))
