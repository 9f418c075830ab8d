"""Which pages there are, who may see them, and which of their forms ask for the password again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from web.api.contract import ADMINISTRATORS, EDITORS, ENROLLERS, READERS, REQUESTERS
from web.console import (
    accounts,
    administration,
    alert_rules,
    changes,
    devices,
    keys,
    profile,
    saml_settings,
    tokens,
    trends,
    twins,
    views,
)
from web.console.own_form import FORM_BYTES
from web.console.showing import KEEPERS

View: TypeAlias = Callable[..., Any]

_S: Final = "/console/<slug>"
_I: Final = f"{_S}/inspections/<inspection_id>"
_C: Final = f"{_S}/changes/<change_id>"
OWNERS: Final = ADMINISTRATORS
#: No workspace has this name.
_A: Final = "/console/-"
#: Where one goes after the password was shown once more.
PLACES: Final = {
    "people": f"{_A}/people", "directory": f"{_A}/directory", "me": f"{_A}/me",
    "quarantine": "/console/{slug}/quarantine", "keys": "/console/{slug}/keys",
    "alert_rules": "/console/{slug}/alert-rules", "devices": "/console/{slug}/devices",
}  # fmt: skip


@dataclass(frozen=True)
class PageRoute:
    """A page of the console.

    Attributes
    ----------
    roles : who may see it; None for everybody who is signed in
    place : where a form goes back to when it asks for the password again (a key of ``PLACES``); None: it does not
    form_bytes : no longer form is read
    """

    name: str
    method: str
    rule: str
    roles: frozenset[str] | None
    view: View
    place: str | None = None
    form_bytes: int = FORM_BYTES


#: Pages of a workspace, and of the appliance as a whole (below ``/console/-``) for those who have a role in it.
PAGES: Final[tuple[PageRoute, ...]] = (
    PageRoute("assets", "GET", f"{_S}/", READERS, views.assets),
    PageRoute("asset", "GET", f"{_S}/assets/<asset>", READERS, views.asset),
    PageRoute("twin", "GET", f"{_S}/assets/<asset>/twin", READERS, twins.twin),
    PageRoute("twin_picture", "GET", f"{_S}/twin-versions/<version_id>/change.png", READERS, twins.twin_picture),
    PageRoute("changes", "GET", f"{_S}/assets/<asset>/changes", READERS, changes.changes),
    PageRoute("ask_for_change", "POST", f"{_S}/assets/<asset>/changes", REQUESTERS, changes.ask_for_change),
    PageRoute("change", "GET", _C, READERS, changes.change),
    PageRoute("change_picture", "GET", f"{_C}/top.png", READERS, changes.change_picture),
    PageRoute("change_file", "GET", f"{_C}/<name>", READERS, changes.file_of_change),
    PageRoute("act_on_change", "POST", f"{_C}/<act>", REQUESTERS, changes.act_on_change),
    PageRoute("trends", "GET", f"{_S}/trends", READERS, trends.trends),
    PageRoute("explain_instrument", "POST", f"{_S}/suspicions/<suspicion_id>/lift", EDITORS, trends.explain_instrument),
    PageRoute("series", "GET", f"{_S}/assets/<asset>/trends/<characteristic>", READERS, trends.series),
    PageRoute("inspection", "GET", _I, READERS, views.inspection),
    PageRoute("report_file", "GET", f"{_I}/<name>", READERS, views.report_file),
    PageRoute("quarantine", "GET", f"{_S}/quarantine", READERS, views.quarantine),
    PageRoute("act_on_inspection", "POST", f"{_I}/<act>", REQUESTERS, views.act_on_inspection),
    PageRoute(
        "act_on_scan", "POST", f"{_S}/quarantine/<scan_id>/<act>", EDITORS, views.act_on_scan, "quarantine"
    ),
    PageRoute("alerts", "GET", f"{_S}/alerts", READERS, views.alerts),
    PageRoute("act_on_alert", "POST", f"{_S}/alerts/<alert_id>/<act>", EDITORS, views.act_on_alert),
    PageRoute("alert_rules", "GET", f"{_S}/alert-rules", READERS, alert_rules.rules),
    PageRoute("set_alert_rule", "POST", f"{_S}/alert-rules", EDITORS, alert_rules.set_one),
    PageRoute(
        "add_alert_channel", "POST", f"{_S}/alert-channels", ADMINISTRATORS, alert_rules.add_one, "alert_rules"
    ),
    PageRoute(
        "remove_alert_channel", "POST", f"{_S}/alert-channels/<channel_id>/remove", ADMINISTRATORS,
        alert_rules.remove_one, "alert_rules",
    ),
    PageRoute("devices", "GET", f"{_S}/devices", READERS, devices.devices),
    PageRoute("device", "GET", f"{_S}/devices/<device>", READERS, devices.device),
    PageRoute("make_device_code", "POST", f"{_S}/device-codes", ENROLLERS, devices.make_device_code, "devices"),
    PageRoute(
        "withdraw_device_code", "POST", f"{_S}/device-codes/<code_id>/withdraw", ENROLLERS, devices.withdraw
    ),
    PageRoute(
        "act_on_device", "POST", f"{_S}/devices/<device>/<act>", ADMINISTRATORS, devices.act_on_device, "devices"
    ),
    PageRoute(
        "revoke_device_key", "POST", f"{_S}/devices/<device>/keys/<device_key_id>/revoke", ADMINISTRATORS,
        devices.revoke_device_key, "devices",
    ),
    PageRoute("keys", "GET", f"{_S}/keys", ADMINISTRATORS, keys.keys),
    PageRoute("make_key", "POST", f"{_S}/keys", ADMINISTRATORS, keys.make_key, "keys"),
    PageRoute("act_on_key", "POST", f"{_S}/keys/<key_id>/<act>", ADMINISTRATORS, keys.act_on_key, "keys"),
    PageRoute(
        "end_somebodys_token", "POST", f"{_S}/personal-tokens/<token_id>/end", ADMINISTRATORS, tokens.end_somebodys,
        "keys",
    ),
    PageRoute("live_ticket", "POST", f"{_S}/live-ticket", READERS, views.live_ticket),
    PageRoute("me", "GET", f"{_A}/me", None, profile.me),
    PageRoute("change_password", "POST", f"{_A}/me/password", None, profile.change_own_password),
    PageRoute("begin_factor", "POST", f"{_A}/me/second-factor", None, profile.begin_factor, "me"),
    PageRoute("confirm_factor", "POST", f"{_A}/me/second-factor/confirm", None, profile.confirm_factor),
    PageRoute("remove_factor", "POST", f"{_A}/me/second-factor/remove", None, profile.remove_factor, "me"),
    PageRoute("end_own_session", "POST", f"{_A}/me/sessions/<session_id>/end", None, profile.end_own_session),
    PageRoute("make_token", "POST", f"{_A}/me/tokens", None, profile.make_token, "me"),
    PageRoute("end_token", "POST", f"{_A}/me/tokens/<token_id>/end", None, tokens.end_token),
    PageRoute("end_grant", "POST", f"{_A}/me/grants/<grant_id>/end", None, tokens.end_grant),
    PageRoute("exchange_session", "POST", f"{_A}/me/access-token", None, tokens.exchange_session, "me"),
    PageRoute("people", "GET", f"{_A}/people", KEEPERS, accounts.people),
    PageRoute("act_on_person", "POST", f"{_A}/people/<user_id>/<act>", OWNERS, accounts.act_on_person, "people"),
    PageRoute("end_session", "POST", f"{_A}/sessions/<session_id>/end", OWNERS, accounts.end_a_session, "people"),
    PageRoute("invite", "POST", f"{_A}/invitations", OWNERS, accounts.invite_person, "people"),
    PageRoute(
        "withdraw", "POST", f"{_A}/invitations/<invitation_id>/withdraw", OWNERS, accounts.withdraw, "people"
    ),
    PageRoute("directory", "GET", f"{_A}/directory", KEEPERS, administration.directory),
    PageRoute(
        "set_directory", "POST", f"{_A}/directory", OWNERS, administration.set_directory, "directory"
    ),
    PageRoute("test_directory", "POST", f"{_A}/directory/test", KEEPERS, administration.test_directory),
    PageRoute(
        "remove_directory", "POST", f"{_A}/directory/remove", OWNERS, administration.remove_directory, "directory"
    ),
    PageRoute("set_oidc", "POST", f"{_A}/oidc", OWNERS, administration.set_provider, "directory"),
    PageRoute("test_oidc", "POST", f"{_A}/oidc/test", KEEPERS, administration.test_provider),
    PageRoute("remove_oidc", "POST", f"{_A}/oidc/remove", OWNERS, administration.remove_provider, "directory"),
    PageRoute(
        "set_saml", "POST", f"{_A}/saml", OWNERS, saml_settings.set_saml, "directory", saml_settings.FORM_BYTES
    ),
    PageRoute("remove_saml", "POST", f"{_A}/saml/remove", OWNERS, saml_settings.remove_saml, "directory"),
    PageRoute(
        "give_group_role", "POST", f"{_A}/directory/groups", OWNERS, administration.give_group_role, "directory"
    ),
    PageRoute(
        "take_group_role", "POST", f"{_A}/directory/groups/<group_role_id>/take", OWNERS,
        administration.take_group_role, "directory",
    ),
)  # fmt: skip
