"""Single values as files of results write them, checked one by one; every refusal names its place in the file."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

from appliance.core.clock import parse_rfc3339, rfc3339_us
from appliance.errors import InvalidInput
from appliance.exchange.records import Reported

_TEXT_CHARACTERS: Final = 120
_SHOWN: Final = 40
#: Expanded by this where a source states U without k, and where u is printed as U.
DEFAULT_K: Final = 2.0
_VERDICTS: Final = {
    "pass": "pass", "passed": "pass", "ok": "pass", "fail": "fail", "failed": "fail", "nok": "fail",
    "inconclusive": "inconclusive", "indeterminate": "inconclusive", "not_measured": "not_measured",
    "not measured": "not_measured",
}  # fmt: skip


def text(value: Any, place: str) -> str:
    """One printable line of at most 120 characters; empty where nothing stands."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput("results.text", f"{place}: {str(value)[:_SHOWN]!r} is not a text.")
    line = value.strip()
    if len(line) > _TEXT_CHARACTERS or not (line.isprintable() or not line):
        hint = f"Use at most {_TEXT_CHARACTERS} printable characters."
        raise InvalidInput("results.text", f"{place}: '{line[:_SHOWN]}' is too long or not printable.", hint)
    return line


def number(value: Any, place: str, decimal: str = ".") -> float | None:
    """A finite number, or None where nothing stands.

    Raises
    ------
    InvalidInput : anything else, a decimal comma that was not announced among it
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput("results.number", f"{place}: {str(value)[:_SHOWN]!r} is not a number.")
    found = _parsed(value.strip(), place, decimal) if isinstance(value, str) else _float(value, place)
    if not math.isfinite(found):
        raise InvalidInput("results.not_finite", f"{place}: a value that is not finite.", "Leave it blank.")
    return found


def _parsed(value: str, place: str, decimal: str) -> float:
    if decimal == "," and "." not in value:
        value = value.replace(",", ".")
    elif "," in value:
        hint = "Say --decimal , where the file writes decimal commas; thousands are not separated."
        raise InvalidInput("results.decimal", f"{place}: '{value[:_SHOWN]}' holds a comma.", hint)
    return _float(value, place)


def _float(value: str | float, place: str) -> float:
    try:
        if isinstance(value, str) and not value.isascii():
            raise ValueError
        return float(value)
    except (ValueError, OverflowError):
        hint = "Write it with a point, such as 0.1, and its unit in a field of its own."
        raise InvalidInput("results.number", f"{place}: '{str(value)[:_SHOWN]}' is not a number.", hint) from None


def positive(value: float | None, place: str) -> float | None:
    """``value`` unless it is zero or negative."""
    if value is not None and value <= 0:
        hint = "Leave it blank where it is not known."
        raise InvalidInput("results.range", f"{place}: {value:g} must be greater than zero.", hint)
    return value


def verdict(value: Any, place: str) -> str | None:
    """The source's own verdict; None where it gave none."""
    word = text(value, place).lower()
    if word and word not in _VERDICTS:
        raise InvalidInput("results.verdict", f"{place}: '{word[:_SHOWN]}' is no verdict.", "Write pass or fail.")
    return _VERDICTS.get(word)


def moment(value: Any, place: str) -> str:
    """An RFC 3339 time in UTC with microseconds; empty where nothing stands.

    Raises
    ------
    InvalidInput : it is none, or says no offset from UTC
    """
    stated = text(value, place)
    if not stated:
        return ""
    try:
        return rfc3339_us(parse_rfc3339(stated.replace(" ", "T", 1)))
    except InvalidInput as error:
        raise InvalidInput("results.time", f"{place}: {error.message}", error.hint) from error


def local_moment(value: str, place: str) -> tuple[str, bool]:
    """An ISO 8601 time as ``moment`` gives it, and whether it states its offset; taken as UTC where it does not."""
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidInput("results.time", f"{place}: '{value[:_SHOWN]}' is no time.") from None
    return rfc3339_us(found if found.tzinfo else found.replace(tzinfo=UTC)), found.tzinfo is not None


def reported(
    place: str, *, key: str, name: str, unit: str, factor: float, value: float | None, zone: str = "",
    quantity: str = "", expanded: float | None = None, u: float | None = None, k: float | None = None,
    lower: float | None = None, upper: float | None = None, verdict: str | None = None,
) -> Reported:  # fmt: skip
    """A characteristic from figures in a unit of which one is ``factor`` of ``unit``.

    Raises
    ------
    InvalidInput : no key, limits the wrong way round, an uncertainty that is stated twice or not positive
    """
    if not key:
        raise InvalidInput("results.key", f"{place}: the characteristic has neither a key nor a name.")
    if lower is not None and upper is not None and lower > upper:
        message = f"{place}: the lower limit {lower:g} is above the upper limit {upper:g}."
        raise InvalidInput("results.limits", message, "Are they swapped, or deviations from the nominal value?")
    if u is not None and expanded is not None:
        raise InvalidInput("results.uncertainty", f"{place}: both u and U are stated.", "State one of them.")
    positive(u, f"{place}: u"), positive(expanded, f"{place}: U"), positive(k, f"{place}: k")
    if expanded is not None:
        u = expanded / (k or DEFAULT_K)
    scale = [None if one is None else _scaled(one, factor, place) for one in (value, u, lower, upper)]
    return Reported(
        key, name or key, zone, quantity or "value", unit, scale[0], scale[1], None if u is None else k or DEFAULT_K,
        scale[2], scale[3], verdict,
    )  # fmt: skip


def _scaled(value: float, factor: float, place: str) -> float:
    found = value * factor
    if not math.isfinite(found):
        raise InvalidInput("results.not_finite", f"{place}: a value that is not finite in our unit.")
    return found
