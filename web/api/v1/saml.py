"""The SAML provider that people may sign in through; roles of its groups are with those of the directory."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from appliance.core.clock import rfc3339
from appliance.errors import NotFound
from appliance.identity.saml.provider import Known, configure, known_of, remove, require_known
from appliance.identity.saml.settings import METADATA_BYTES, SamlSettings
from appliance.identity.saml.sign_on import examine
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import Body, Out
from web.api.v1.workspaces import require_appliance

_SAML: Final = "/saml"
_Text = Annotated[str, Field(min_length=1, max_length=300)]

saml = Area("saml", "The SAML provider that people may sign in through.")


class SamlProviderIn(Body):
    """What is known of the provider."""

    metadata_xml: str = Field(max_length=METADATA_BYTES, description="Its metadata, with every key that may sign.")
    label: _Text = Field(description="What stands on the button.")
    id_attribute: str = Field("", max_length=300, description="People are known by it; empty: by persistent NameID.")
    groups_attribute: _Text = "groups"
    login_attribute: _Text = "uid"
    name_attribute: _Text = "displayName"
    is_unsolicited_allowed: bool = Field(False, description="Whether people may come who did not begin here.")
    is_new_key: bool = Field(False, description="Make another key of ours; the provider must be told.")


class SamlCertificate(Out):
    """A certificate that may sign."""

    sha256: str
    expires_at: str


class SamlProviderOut(Out):
    """What is known of the provider, and of us what it must know."""

    issuer: str = Field(description="What the provider calls itself.")
    sign_on_url: str
    logout_url: str = Field(description="Where people sign out; empty: here alone.")
    certificates: list[SamlCertificate]
    label: str
    id_attribute: str
    groups_attribute: str
    login_attribute: str
    name_attribute: str
    is_unsolicited_allowed: bool
    entity_id: str = Field(description="What we call ourselves: the address of our metadata.")
    consumer_url: str = Field(description="Where the provider sends people back to.")
    changed_at: str
    changed_by: str


class OwnMetadata(Out):
    """What the provider must know of us."""

    entity_id: str
    metadata_xml: str = Field(description="Signed.")


class SamlResponseIn(Body):
    """A response, as the browser brought it."""

    response: str = Field(min_length=1, max_length=METADATA_BYTES, description="The field SAMLResponse, base64.")


class SamlExamined(Out):
    """Who would come in with a response."""

    subject: str
    login: str
    name: str
    groups: list[str]
    appliance_role: str | None
    workspace_roles: dict[str, str] = Field(description="By workspace id.")
    attributes: dict[str, list[str]]


@saml.route("GET", _SAML, roles=ADMINISTRATORS, answer=SamlProviderOut, summary="What is known of the SAML provider")
def get_saml_provider(call: Call) -> SamlProviderOut:
    require_appliance(call.caller)
    known = known_of(call.site)
    if known is None:
        raise NotFound("saml.missing", "There is no SAML provider.", "Name one: d2r saml set.")
    return _out(known)


@saml.route(
    "PUT", _SAML, roles=ADMINISTRATORS, body=SamlProviderIn, answer=SamlProviderOut, summary="Say what is known of it"
)
def put_saml_provider(call: Call) -> SamlProviderOut:
    """The whole of it at once. Our key is made at the first time."""
    require_appliance(call.caller)
    named: dict[str, Any] = call.body.model_dump(exclude={"is_new_key", "metadata_xml"})
    settings = SamlSettings(metadata=call.body.metadata_xml, **named)
    return _out(configure(call.site, settings, call.caller, is_new_key=call.body.is_new_key))


@saml.route("DELETE", _SAML, roles=ADMINISTRATORS, summary="Send nobody to the SAML provider any more")
def delete_saml_provider(call: Call) -> None:
    require_appliance(call.caller)
    remove(call.site, call.caller)


@saml.route("GET", f"{_SAML}/metadata", roles=ADMINISTRATORS, answer=OwnMetadata, summary="What it must know of us")
def get_own_metadata(call: Call) -> OwnMetadata:
    require_appliance(call.caller)
    own = require_known(call.site).own
    return OwnMetadata(entity_id=own.entity_id, metadata_xml=own.metadata())


@saml.route(
    "POST", f"{_SAML}/test", roles=ADMINISTRATORS, body=SamlResponseIn, answer=SamlExamined,
    summary="Say who would come in with a response",
)  # fmt: skip
def examine_saml_response(call: Call) -> SamlExamined:
    """Nobody comes in, and the response is not used up; whatever is wrong with it is said by name."""
    require_appliance(call.caller)
    tried = examine(call.site, call.body.response)
    person, roles = tried.vouched, tried.roles
    return SamlExamined(
        subject=person.subject, login=person.login, name=person.name, groups=list(person.groups),
        appliance_role=roles.appliance, workspace_roles=dict(roles.workspaces),
        attributes={name: list(values) for name, values in tried.attributes.items()},
    )  # fmt: skip


def _out(known: Known) -> SamlProviderOut:
    told = ("label", "id_attribute", "groups_attribute", "login_attribute", "name_attribute", "is_unsolicited_allowed")
    named: dict[str, Any] = {name: getattr(known.settings, name) for name in told}
    certificates = [
        SamlCertificate(sha256=facts.sha256, expires_at=rfc3339(facts.expires_at)) for facts in known.provider.facts()
    ]  # fmt: skip
    return SamlProviderOut(
        **named, issuer=known.provider.entity_id, sign_on_url=known.provider.sign_on_url,
        logout_url=known.provider.logout_url, certificates=certificates, entity_id=known.own.entity_id,
        consumer_url=known.own.consumer_url, changed_at=known.changed_at, changed_by=known.changed_by,
    )  # fmt: skip
