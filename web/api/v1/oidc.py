"""The OpenID provider that people may sign in through; roles of its groups are with those of the directory."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from appliance.errors import NotFound
from appliance.identity.oidc import sign_on
from appliance.identity.oidc.settings import OidcSettings
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import Body, Out
from web.api.v1.workspaces import require_appliance

_OIDC: Final = "/oidc"
_Text = Annotated[str, Field(min_length=1, max_length=300)]

oidc = Area("oidc", "The OpenID provider that people may sign in through.")


class ProviderIn(Body):
    """How the provider is reached; by https alone, but for one on this machine itself."""

    issuer: _Text = Field(description="What the provider calls itself; its configuration lies below.")
    client_id: _Text
    client_secret: str | None = Field(None, max_length=1024, description="null: as before.")
    label: _Text = Field(description="What stands on the button.")
    ca_pem: str = Field("", max_length=100_000, description="Certificates of its CA; empty: those of the system.")
    groups_claim: _Text = "groups"
    login_claim: _Text = "preferred_username"
    name_claim: _Text = "name"


class ProviderOut(Out):
    """How the provider is reached, without the secret."""

    issuer: str
    client_id: str
    label: str
    ca_pem: str
    groups_claim: str
    login_claim: str
    name_claim: str
    redirect_uri: str = Field(description="What the provider must be told to send people back to.")
    changed_at: str
    changed_by: str


class ProviderTold(Out):
    """What the provider says about itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@oidc.route("GET", _OIDC, roles=ADMINISTRATORS, answer=ProviderOut, summary="How the OpenID provider is reached")
def get_provider(call: Call) -> ProviderOut:
    require_appliance(call.caller)
    known = sign_on.sign_on_of(call.site)
    if known is None:
        raise NotFound("oidc.missing", "There is no OpenID provider.", "Name one: d2r oidc set.")
    return _out(known)


@oidc.route("PUT", _OIDC, roles=ADMINISTRATORS, body=ProviderIn, answer=ProviderOut, summary="Say how it is reached")
def put_provider(call: Call) -> ProviderOut:
    """The whole of it at once. A kept secret goes to no other provider or client: name it again with them."""
    require_appliance(call.caller)
    named: dict[str, Any] = call.body.model_dump(exclude={"client_secret"})
    return _out(sign_on.configure(call.site, OidcSettings(**named), call.body.client_secret, call.caller))


@oidc.route("DELETE", _OIDC, roles=ADMINISTRATORS, summary="Send nobody to the provider any more")
def delete_provider(call: Call) -> None:
    require_appliance(call.caller)
    sign_on.remove(call.site, call.caller)


@oidc.route("POST", f"{_OIDC}/test", roles=ADMINISTRATORS, answer=ProviderTold, summary="Ask the provider about itself")
def test_provider(call: Call) -> dict[str, Any]:
    require_appliance(call.caller)
    return sign_on.probe(call.site)


def _out(known: sign_on.SignOn) -> ProviderOut:
    told = ("issuer", "client_id", "label", "ca_pem", "groups_claim", "login_claim", "name_claim")
    named = {name: getattr(known.settings, name) for name in told}
    return ProviderOut(
        **named, redirect_uri=known.redirect_uri, changed_at=known.changed_at, changed_by=known.changed_by
    )  # fmt: skip
