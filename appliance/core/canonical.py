"""JSON that has exactly one spelling (RFC 8785), and JSON from strangers, read strictly.

Encode and decode stand together: ``loads_strict(canonical_bytes(x)) == x``.  Reading refuses
what two readers could understand differently: duplicate names, NaN and infinities, and text
that is not UTF-8.  Measured values are written as decimal strings, never as binary floats,
because a signature covers digits and not the reader's rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, NoReturn

import rfc8785

from appliance.errors import InvalidInput

#: Values inside of values, at most: whoever writes JSON again, in any language, gives up at some depth.
DEEPEST: Final = 64


def canonical_bytes(value: Any) -> bytes:
    """``value`` in the one spelling of RFC 8785.

    Raises
    ------
    InvalidInput : integers beyond 2^53 - 1, NaN, infinities, or types that JSON does not have
    """
    try:
        return bytes(rfc8785.dumps(value))
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        message = "This value has no canonical JSON: a number is beyond its range, or a type is none of JSON's."
        raise InvalidInput("json.canonical", message) from error


def canonical_sha256(value: Any) -> str:
    """Lower-case hex SHA-256 of the canonical bytes."""
    return sha256(canonical_bytes(value)).hexdigest()


def loads_strict(data: bytes | str) -> Any:
    """Parse JSON from a stranger.

    Raises
    ------
    InvalidInput : not UTF-8, not JSON, a name twice in one object, NaN, infinity, a number of thousands of digits,
        deeper than ``DEEPEST``
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = _STRICT.decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidInput("json.syntax", f"This is not JSON: {error}.") from error
    except (RecursionError, ValueError) as error:
        raise InvalidInput("json.syntax", "This JSON is too deep, or has a number of too many digits.") from error
    if text.count("[") + text.count("{") > DEEPEST:
        _refuse_deep(value)
    return value


def decimal_mm(value_mm: float, digits: int = 6) -> str:
    """A length as a decimal string, in mm, to the nanometre by default.

    Raises
    ------
    InvalidInput : NaN or infinite: a missing number is written as null, never as text
    """
    if value_mm != value_mm or value_mm in (float("inf"), float("-inf")):
        raise InvalidInput("json.number", "A length that is not finite has no decimal form.")
    text = format(Decimal(repr(float(value_mm))), f".{digits}f")
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput("json.duplicate_name", f"The name '{twice}' stands twice in one JSON object.")
    return record


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _parts(one)]
        if not level:
            return
    if any(isinstance(one, dict | list) for one in level):
        raise InvalidInput("json.syntax", f"This JSON is deeper than {DEEPEST} values inside of values.")


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _no_constant(name: str) -> NoReturn:
    raise InvalidInput("json.number", f"'{name}' is not a JSON number.")


_STRICT: Final = json.JSONDecoder(object_pairs_hook=_unique_names, parse_constant=_no_constant)
