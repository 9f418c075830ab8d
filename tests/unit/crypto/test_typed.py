"""Codes that are typed: read back however they were written, and never mistaken."""

from __future__ import annotations

import pytest

from appliance.crypto.spelling import ALPHABET
from appliance.crypto.typed import locator_of, new_code, read_code
from appliance.errors import InvalidInput


def test_a_code_has_three_groups_of_four_and_is_never_the_same() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all([len(group) for group in code.split("-")] == [4, 4, 4] for code in codes)


def test_a_code_is_read_as_people_write_it() -> None:
    code = new_code()
    signs = code.replace("-", "")
    sloppy = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert read_code(sloppy) == read_code(signs) == read_code(code) == signs
    assert locator_of(code) == signs[:4]


def test_every_single_wrong_sign_is_noticed() -> None:
    signs = read_code(new_code())
    for place in range(len(signs)):
        for sign in ALPHABET.replace(signs[place], ""):
            with pytest.raises(InvalidInput, match="mistyped"):
                read_code(signs[:place] + sign + signs[place + 1 :])


def test_neighbours_that_changed_places_are_noticed_but_for_0_and_z() -> None:
    for _ in range(50):
        signs = read_code(new_code())
        for place in range(len(signs) - 1):
            one, other = signs[place : place + 2]
            if one != other and {one, other} != {"0", "Z"}:
                with pytest.raises(InvalidInput, match="mistyped"):
                    read_code(signs[:place] + other + one + signs[place + 2 :])


@pytest.mark.parametrize("text", ["", "K7QM", "K7QM-2XR9-B4T66", "U7QM-2XR9-B4T6"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="twelve"):
        read_code(text)
