"""Rules of a workspace: rows with versions.

A rule is replaced, never changed; an alert names the version that raised it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.alerts import drift, instruments, missing_scans, run_rules
from appliance.alerts.models import AlertRule
from appliance.alerts.records import RuleKind
from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.plant.repository import checked_name, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

KINDS: Final[Mapping[str, RuleKind]] = {
    kind.name: kind for kind in (missing_scans.KIND, run_rules.KIND, drift.KIND, instruments.KIND)
}
#: Settings that are one of a few words.
CHOICES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {("run_rules", "rules"): tuple(run_rules.RULE_SETS)}


def set_rule(
    scope: WorkspaceScope, name: str, kind: str, settings: Mapping[str, Any], *, enabled: bool = True, reason: str
) -> AlertRule:
    """Make a rule, or the next version of it, which counts from now on; a rule that is the same already stays.

    Raises
    ------
    InvalidInput : the name, kind, a setting or the reason cannot be used
    Conflict : the rule is of another kind
    """
    chosen, why = checked_name(name, "rule"), checked_reason(reason)
    text = canonical_bytes(checked_settings(kind, settings)).decode()
    with scope.transaction():
        before = AlertRule.get_or_none(AlertRule.name == chosen, AlertRule.is_current == 1)
        if before is not None and before.kind != kind:
            raise Conflict("rule.kind", f"The rule '{chosen}' is of the kind {before.kind}.", "Give it another name.")
        if before is not None and (before.settings, bool(before.enabled)) == (text, enabled):
            return before  # type: ignore[no-any-return]
        if before is not None:
            AlertRule.update(is_current=0).where(AlertRule.id == before.id).execute()
        row: AlertRule = AlertRule.create(
            id=new_id("rul"), name=chosen, version=before.version + 1 if before else 1, kind=kind, settings=text,
            enabled=int(enabled), is_current=1, reason=why, created_at=rfc3339_us(utc_now()),
            created_by=scope.principal.id,
        )  # fmt: skip
        facts = {"rule": row.id, "name": chosen, "version": row.version, "kind": kind, "enabled": enabled}
        record(scope, "alert_rule.set", {}, facts | {"settings": text, "reason": why})
        emit("alert_rule.set", {"rule": row.id, "name": chosen, "version": row.version})
    return row


def find_rule(scope: WorkspaceScope, key: str) -> AlertRule:
    """A version by its id, or the current one of a name.

    Raises
    ------
    NotFound : there is neither in this workspace
    """
    with scope:
        row: AlertRule | None = AlertRule.known(id=key) or AlertRule.known(name=key, is_current=1)
    if row is None:
        raise NotFound("rule.unknown", f"There is no rule '{key[:40]}'.")
    return row


def current_rules(scope: WorkspaceScope) -> list[AlertRule]:
    """The version of each rule that counts, by their names."""
    with scope:
        return list(AlertRule.select().where(AlertRule.is_current == 1).order_by(AlertRule.name))


def list_rules(scope: WorkspaceScope, listing: Listing = WHOLE, *, name: str | None = None) -> list[AlertRule]:
    """Every version of one rule or of all."""
    return page(scope, AlertRule, listing, *equal(AlertRule, name=name))


def settings_of(row: AlertRule) -> dict[str, Any]:
    """The settings of a rule."""
    settings: dict[str, Any] = loads_strict(row.settings)
    return settings


def checked_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a kind, defaults filled in.

    Raises
    ------
    InvalidInput : no such kind, a setting that it does not have, or a value that it does not take
    """
    if kind not in KINDS:
        raise InvalidInput("rule.kind", f"There are no rules of the kind '{kind[:40]}'.", f"Use {', '.join(KINDS)}.")
    known = KINDS[kind]
    for name in settings:
        if name not in known.defaults:
            hint = f"Use {', '.join(known.defaults)}."
            raise InvalidInput("rule.setting", f"Rules of the kind {kind} have no '{name[:40]}'.", hint)
    return {name: _checked(known, name, settings.get(name, usual)) for name, usual in known.defaults.items()}


def _checked(kind: RuleKind, name: str, value: Any) -> Any:
    usual = kind.defaults[name]
    if isinstance(usual, str):
        choices = CHOICES[kind.name, name]
        if value not in choices:
            raise InvalidInput("rule.setting", f"'{name}' is none of {', '.join(choices)}.")
        return value
    least, greatest = kind.ranges[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value <= greatest or (isinstance(usual, int) and value != int(value)):
        whole = "a whole number" if isinstance(usual, int) else "a number"
        raise InvalidInput("rule.setting", f"'{name}' is {whole} from {least:g} to {greatest:g}.")
    return int(value) if isinstance(usual, int) else float(value)


def checked_reason(text: str) -> str:
    """A reason without blanks around it.

    Raises
    ------
    InvalidInput : there is none, or it is longer than 500 characters
    """
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 500 or not reason.isprintable():
        raise InvalidInput("reason.missing", "Say why, in 1 to 500 printable characters.")
    return reason
