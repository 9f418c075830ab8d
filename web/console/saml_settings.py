"""The card of the SAML provider on the page of the directory."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from appliance.errors import D2RError
from appliance.identity.saml.provider import configure, remove
from appliance.identity.saml.settings import METADATA_BYTES, SamlSettings
from web.api.contract import Call
from web.console.administration import directory
from web.console.showing import see
from web.problems import status_of

#: Metadata, and what a form makes of its signs.
FORM_BYTES: Final = 2 * METADATA_BYTES
_DIRECTORY: Final = "/console/-/directory"


def set_saml(call: Call) -> Any:
    """Keep what is known of the provider; our key is made with it."""
    names = ("metadata", "label", "id_attribute", "groups_attribute", "login_attribute", "name_attribute")
    form: dict[str, Any] = {name: request.form.get(name, "").strip() for name in names}
    form["is_unsolicited_allowed"] = request.form.get("unsolicited") == "yes"
    try:
        configure(call.site, SamlSettings(**form), call.caller, is_new_key=request.form.get("new_key") == "yes")
    except D2RError as error:
        return directory(call, problem=error, status=status_of(error))
    return see(_DIRECTORY)


def remove_saml(call: Call) -> Response:
    """Send nobody to the provider any more."""
    remove(call.site, call.caller)
    return see(_DIRECTORY)
