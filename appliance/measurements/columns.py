"""Values as plants write them into CSV and TOML, checked one by one.

Every refusal names the place (``row 3 (bore wall): coverage``), what stands there and what would do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from appliance.errors import InvalidInput

#: A refusal shows the beginning of what stands there.
_SHOWN_CHARACTERS: Final = 60


def refuse_unknown(names: Iterable[str], known: Iterable[str], place: str) -> None:
    """Refuse names that are not known, with the nearest one that is."""
    known = list(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
            raise InvalidInput("plan.unknown_name", f"{place}: '{name}' is not known.", hint)


def number(value: Any, place: str) -> float | None:
    """A finite number, or None where nothing stands."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool):
        raise InvalidInput("plan.number", f"{place}: '{value}' is not a number.", "Write a number such as 0.1.")
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        shown = str(value)[:_SHOWN_CHARACTERS]
        raise InvalidInput(
            "plan.number", f"{place}: '{shown}' is not a number.", "Write it with a point, such as 0.1."
        ) from None
    if not math.isfinite(result):
        raise InvalidInput("plan.number", f"{place}: '{value}' is not finite.", "Leave it blank for 'no limit'.")
    return result


def scaled(value: Any, factor: float, place: str) -> float | None:
    """``number`` times ``factor``, None where nothing stands."""
    result = number(value, place)
    return None if result is None else result * factor


def positive(value: float | None, place: str) -> float | None:
    """``value`` unless it is zero or negative."""
    if value is not None and value <= 0:
        raise InvalidInput("plan.range", f"{place}: {value:g} must be greater than zero.")
    return value


def not_negative(value: float | None, place: str) -> float | None:
    """``value`` unless it is negative."""
    if value is not None and value < 0:
        raise InvalidInput("plan.range", f"{place}: {value:g} must not be negative.")
    return value


def text(value: Any, place: str) -> str:
    """A string without surrounding blanks; an empty one is refused."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("plan.missing", f"{place} is missing.")
    return value.strip()
