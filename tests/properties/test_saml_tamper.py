"""Whoever changes one byte of what a SAML provider signed gets nobody in: refused, wherever it stands."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from appliance.crypto.service_certificate import new_service_identity
from appliance.errors import Denied
from appliance.identity.saml.own import Own
from appliance.identity.saml.response import Assertion, verify
from appliance.identity.saml.settings import IdentityProvider, read_metadata
from tests.saml_forge import Forge, metadata, minutes, posted

REQUEST = "_request"
WHITE = b" \t\r\n"


@cache
def bench() -> tuple[Own, IdentityProvider, bytes, int, int, Assertion]:
    """A good response, where its assertion begins and ends, and what it says."""
    own = Own("https://d2r.plant.example", new_service_identity("d2r"))
    forge = Forge(own)
    provider = read_metadata(metadata([forge.signer]))
    data = etree.tostring(forge.genuine(REQUEST, ends=minutes(600), until=minutes(600)))  # never refused for its age
    begin, end = data.index(b"<saml:Assertion"), data.index(b"</saml:Assertion>") + len(b"</saml:Assertion>")
    return own, provider, data, begin, end, verify(posted(data), provider, own, REQUEST)


def refused(data: bytes) -> bool:
    own, provider, *_ = bench()
    try:
        verify(posted(data), provider, own, REQUEST)
    except Denied:
        return True
    return False


def test_every_single_byte_of_the_assertion_counts() -> None:
    """The lowest bit of each byte; white between attributes or lines of base64 may be white of another kind."""
    _, _, data, begin, end, _ = bench()
    assert end - begin > 2_000
    for at in range(begin, end):
        other = data[at] ^ 1
        if data[at] in WHITE and other in WHITE:
            continue
        forged = data[:at] + bytes([other]) + data[at + 1 :]
        assert refused(forged), f"byte {at - begin}: {data[at - 20 : at + 20]!r}"


@settings(max_examples=300, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.data())
def test_no_byte_can_be_put_in_place_of_another(given_data: Any) -> None:
    _, _, data, begin, end, _ = bench()
    at = given_data.draw(st.integers(begin, end - 1))
    other = given_data.draw(st.integers(0, 255).filter(lambda byte: byte != data[at]))
    if not (data[at] in WHITE and other in WHITE):
        assert refused(data[:at] + bytes([other]) + data[at + 1 :])


@settings(max_examples=300, deadline=None, derandomize=True, phases=[Phase.generate])
@given(st.data())
def test_what_is_cut_out_put_in_or_put_twice_says_nothing_else(given_data: Any) -> None:
    """Such a change may be none (blanks in a tag): then the same is said as before, and nothing else."""
    own, provider, data, begin, end, said = bench()
    at = given_data.draw(st.integers(begin, end - 1))
    to = given_data.draw(st.integers(at, min(end, at + 60)))
    put = given_data.draw(st.sampled_from([b"", data[at:to] * 2, b"<!---->", b"&#32;", b"<x/>", b" ", b"]]>"]))
    try:
        found = verify(posted(data[:at] + put + data[to:]), provider, own, REQUEST)
    except Denied:
        return
    assert found == said


@pytest.mark.parametrize("at", range(8))
def test_a_response_cut_off_anywhere_is_refused(at: int) -> None:
    data = bench()[2]
    assert refused(data[: len(data) * at // 8])
