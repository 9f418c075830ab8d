"""The page of a workspace's alert rules and of the channels that hear of alerts; a webhook's secret is shown once."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from appliance.alerts.channels import EMAIL, WEBHOOK, add_channel, list_channels, list_deliveries, remove_channel
from appliance.alerts.rules import CHOICES, KINDS, current_rules, set_rule, settings_of
from appliance.db.listing import LARGEST_PAGE, Listing
from appliance.errors import InvalidInput
from web.api.contract import Call
from web.console.keys import chosen
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_SENT: Final = 20
#: What a kind looks for, as people say it.
KIND_WORDS: Final = {
    "missing_scans": "A scan that did not come",
    "run_rules": "A signal in a control chart",
    "drift": "A trend that reaches its limit",
    "suspect_instrument": "An instrument that is overdue or moves",
}
_CHANNEL_WORDS: Final = {WEBHOOK: "Webhook", EMAIL: "Mailbox"}


def rules(call: Call, *, made: tuple[str, str] | None = None) -> Shown:
    """Rules and channels; ``made``: name and secret of the webhook that was just added."""
    channels = list_channels(call.scope, Listing(limit=LARGEST_PAGE))
    shown = {
        "rules": [(row, settings_of(row)) for row in current_rules(call.scope)], "kinds": KINDS, "choices": CHOICES,
        "words": KIND_WORDS, "channels": [row for row in channels if row.removed_at is None], "made": made,
        "channel_words": _CHANNEL_WORDS, "names": {row.id: row.name for row in channels},
        "deliveries": list_deliveries(call.scope, Listing("-id", limit=_SENT)),
    }  # fmt: skip
    return "alert-rules.html", shown


def set_one(call: Call) -> Response:
    """Make a rule, or its next version."""
    form = request.form
    kind = chosen(KIND_WORDS, form.get("kind", ""))
    settings = {name: _setting(form.get(name, ""), usual) for name, usual in KINDS[kind].defaults.items()}
    set_rule(call.scope, form.get("name", ""), kind, settings, enabled="enabled" in form, reason=form.get("reason", ""))
    return see(f"/console/{call.scope.slug}/alert-rules")


def add_one(call: Call) -> Shown:
    """Have alerts told; the secret of a webhook is shown once."""
    kind = chosen(_CHANNEL_WORDS, request.form.get("kind", ""))
    row, secret = add_channel(call.scope, request.form.get("name", ""), kind, request.form.get("target", "").strip())
    return rules(call, made=(row.name, secret) if secret else None)


def remove_one(call: Call, channel_id: str) -> Response:
    """Tell a channel nothing more."""
    remove_channel(call.scope, channel_id)
    return see(f"/console/{call.scope.slug}/alert-rules")


def _setting(text: str, usual: Any) -> Any:
    """What stands in a field, as its default is: a word, a whole number or a number."""
    if isinstance(usual, str):
        return text
    try:
        return type(usual)(text)
    except ValueError:
        raise InvalidInput("rule.setting", f"'{text[:40]}' is no number.") from None
