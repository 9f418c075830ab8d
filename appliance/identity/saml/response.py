"""A response of the provider, verified: who it is that it vouches for.

It counts, in this order: 1. it is XML of one shape, and the provider signed the assertion (``shape``); 2. the toolkit,
in its strict mode, finds nothing to refuse (schema, status, issuer, signatures once more); 3. it was made for this
address and this appliance, in its time, and answers the request that it must; what the toolkit lets pass where it is
missing must be there; 4. it names somebody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from appliance.core.clock import parse_rfc3339, utc_now
from appliance.errors import Denied, InvalidInput
from appliance.identity.saml.markup import decode, find, parse
from appliance.identity.saml.own import Own
from appliance.identity.saml.settings import IdentityProvider
from appliance.identity.saml.shape import require_assertion, require_response
from appliance.identity.saml.trust import refused

#: Clocks may differ this much.
LEEWAY: Final = timedelta(seconds=60)
#: No assertion is remembered, and so none is believed, for longer.
_LONGEST: Final = timedelta(hours=24)
_TEXT_CHARACTERS: Final = 1024


@dataclass(frozen=True)
class NameId:
    """The name in the subject of an assertion, with what makes it whole."""

    value: str
    format: str = ""
    qualifier: str = ""
    own_qualifier: str = ""

    @property
    def is_passing(self) -> bool:
        """Whether it is another one at every login."""
        return bool(self.format == Constants.NAMEID_TRANSIENT)


@dataclass(frozen=True)
class Assertion:
    """What the provider says about somebody.

    Attributes
    ----------
    expires_at : when it stops to count, leeway included
    session_index : what the provider calls the session of the person there
    shown_at : when the person proved there who they are
    """

    id: str
    expires_at: datetime
    name_id: NameId
    session_index: str
    shown_at: datetime
    attributes: Mapping[str, tuple[str, ...]]


def request_of(text: str) -> str:
    """The id of the request that a response says it answers; empty where it says none.  Nothing is proven by it.

    Raises
    ------
    InvalidInput : it is no message
    """
    return str(parse(decode(text)).get("InResponseTo", ""))


def verify(text: str, provider: IdentityProvider, own: Own, request_id: str | None) -> Assertion:
    """What a response (base64) proves.

    Parameters
    ----------
    request_id : the request that it must answer; None: it must answer none

    Raises
    ------
    Denied : it proves nothing; a note says why
    """
    try:
        return _verified(text, provider, own, request_id)
    except InvalidInput as error:
        raise refused(error.message) from error


def _verified(text: str, provider: IdentityProvider, own: Own, request_id: str | None) -> Assertion:
    root = parse(decode(text))
    # 1. Its shape, and the provider's signature.
    require_response(root, provider.certificates)
    # 2. The toolkit: it opens what is sealed, too.
    response, opened = _toolkit_agrees(text, provider, own, request_id)
    assertion = require_assertion(opened, provider.certificates)
    # 3. Made for us, now, and for this request.
    _require_addressed(opened, assertion, provider, own)
    expires_at = _require_present(assertion, own, request_id)
    if opened.get("InResponseTo") != request_id:
        raise refused("it answers another request")
    # 4. Somebody.
    return _read(response, assertion, expires_at)


def _toolkit_agrees(text: str, provider: IdentityProvider, own: Own, request_id: str | None) -> tuple[Any, Any]:
    """The response as the toolkit reads it, and what it opened, read by us as everything else is.

    Whatever the toolkit raises, opening what is sealed included, is one refusal.
    """
    parts = urlsplit(own.consumer_url)
    request: dict[str, Any] = {
        "https": "on" if parts.scheme == "https" else "off", "http_host": parts.netloc, "script_name": parts.path,
        "get_data": {}, "post_data": {},
    }  # fmt: skip
    with toolkit_refuses():
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(own.toolkit(provider)), text)
        opened = parse(etree.tostring(response.get_xml_document()))
        response.is_valid(request, request_id, raise_exceptions=True)
    return response, opened


@contextmanager
def toolkit_refuses() -> Iterator[None]:
    """Whatever happens inside is one refusal: the toolkit, lxml and xmlsec raise whatever they like."""
    try:
        yield
    except Denied:
        raise
    except Exception as error:
        raise refused(f"{type(error).__name__}: {error}") from error


def _require_addressed(root: Any, assertion: Any, provider: IdentityProvider, own: Own) -> None:
    if root.get("Destination") != own.consumer_url:
        raise refused(f"it was made for {root.get('Destination')}, not for {own.consumer_url}")
    issued = find(assertion, "saml:Issuer")
    issuers = [_text(node) for node in find(root, "saml:Issuer") + issued]
    if set(issuers) != {provider.entity_id} or not issued:
        raise refused(f"{issuers} issued it, not {provider.entity_id}")
    restrictions = find(assertion, "saml:Conditions/saml:AudienceRestriction")
    for restriction in restrictions:
        if own.entity_id not in [_text(node) for node in find(restriction, "saml:Audience")]:
            raise refused("it is for another audience")
    if not restrictions:
        raise refused("it is for no audience")


def _require_present(assertion: Any, own: Own, request_id: str | None) -> datetime:
    """When the assertion stops to count, if it counts now."""
    now = utc_now()
    conditions = find(assertion, "saml:Conditions")[0]
    begins, ends = _moment(conditions.get("NotBefore")), _moment(conditions.get("NotOnOrAfter"))
    if (begins and begins > now + LEEWAY) or ends is None or ends <= now - LEEWAY:
        raise refused("it does not count yet, or does not count any more")
    confirmations = find(assertion, "saml:Subject/saml:SubjectConfirmation")
    told = [_bearer_until(node, own, request_id, now) for node in confirmations]
    until = [moment for moment in told if moment is not None]
    if not until:
        raise refused("nobody confirms that it was sent here, now, for this request")
    for moment in find(assertion, "saml:AuthnStatement/@SessionNotOnOrAfter"):
        if parse_rfc3339(str(moment)) <= now - LEEWAY:
            raise refused("the session there has ended")
    expires_at = min(ends, max(until)) + LEEWAY
    if expires_at > now + _LONGEST:
        raise refused("it counts for longer than a day")
    return expires_at


def _bearer_until(node: Any, own: Own, request_id: str | None, now: datetime) -> datetime | None:
    """Until when a confirmation of the subject counts; None where it does not (SAML profiles, 4.1.4.2)."""
    data = find(node, "saml:SubjectConfirmationData")
    if node.get("Method") != Constants.CM_BEARER or len(data) != 1 or data[0].get("NotBefore") is not None:
        return None
    ends = _moment(data[0].get("NotOnOrAfter"))
    if data[0].get("Recipient") != own.consumer_url or data[0].get("InResponseTo") != request_id:
        return None
    return ends if ends is not None and ends > now - LEEWAY else None


def _read(response: Any, assertion: Any, expires_at: datetime) -> Assertion:
    with toolkit_refuses():
        told, index = response.get_nameid_data(), str(response.get_session_index() or "")
        attributes = response.get_friendlyname_attributes() | response.get_attributes()
    name_id = NameId(*(str(told.get(key, "")) for key in ("Value", "Format", "NameQualifier", "SPNameQualifier")))
    shown_at = _moment(find(assertion, "saml:AuthnStatement")[0].get("AuthnInstant"))
    if not name_id.value.strip() or len(name_id.value) > _TEXT_CHARACTERS or shown_at is None:
        raise refused("it names nobody")
    texts = {name: tuple(one for one in values if isinstance(one, str)) for name, values in attributes.items()}
    return Assertion(str(assertion.get("ID")), expires_at, name_id, index, shown_at, texts)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)


def _text(node: Any) -> str:
    return "" if len(node) else (node.text or "").strip()
