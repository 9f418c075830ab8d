"""JSON from strangers: what one reader accepts, every reader can write again."""

from __future__ import annotations

import json

import pytest

from appliance.core.canonical import DEEPEST, canonical_bytes, loads_strict
from appliance.errors import InvalidInput


def nested(depth: int, inner: str = "") -> str:
    return "[" * depth + inner + "]" * depth


@pytest.mark.parametrize("text", [nested(DEEPEST), nested(DEEPEST, '"a"'), '{"a":' * DEEPEST + "1" + "}" * DEEPEST])
def test_json_down_to_the_deepest_level_is_read(text: str) -> None:
    assert json.dumps(loads_strict(text), separators=(",", ":")) == text


@pytest.mark.parametrize("text", [nested(DEEPEST + 1), nested(255), nested(5000), '{"a":' * 65 + "1" + "}" * 65])
def test_deeper_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="deep"):
        loads_strict(text)


def test_brackets_beside_each_other_or_in_texts_are_not_deep() -> None:
    assert len(loads_strict("[" + ",".join(["[]"] * 1000) + "]")) == 1000
    assert loads_strict('"' + "[" * 1000 + '"') == "[" * 1000


@pytest.mark.parametrize("text", ["1" * 5000, "[-" + "9" * 4301 + "]"])
def test_a_number_of_thousands_of_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="digits"):
        loads_strict(text)


@pytest.mark.parametrize("value", [10**20, float("inf"), float("nan"), b"secret", {1: 2}])
def test_what_has_no_canonical_form_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        canonical_bytes(value)
    assert "secret" not in refused.value.message
    assert "0000" not in refused.value.message
