"""Whether the time of a refusal tells which keys there are.

Many refusals of each kind in turn, so that whatever else the machine does falls on both alike; the medians of the
faster halves are compared, because noise only ever adds.  A difference that somebody could measure across a network in
a night of asking is some ten microseconds; the bound is a few times that, and a lookup of another kind (a query more, a
slow hash for known keys alone) is ten times beyond it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import pytest

from appliance.errors import Denied
from appliance.identity import bearer
from appliance.identity.api_keys import authenticate, create_api_key, revoke_api_key
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import Cast

ROUNDS = 1500
MOST_APART_S = 60e-6


def difference_s(acts: list[Callable[[], object]]) -> float:
    """By how much the medians of two acts differ, without the slower half of each."""
    took: list[list[float]] = [[], []]
    for number in range(ROUNDS):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            acts[which]()
            took[which].append(time.perf_counter() - began)
    fast = [median(sorted(times)[: ROUNDS // 2]) for times in took]
    return abs(fast[0] - fast[1])


def refused(cast: Cast, token: str) -> Callable[[], object]:
    def ask() -> None:
        with pytest.raises(Denied):
            authenticate(cast.site, token)

    return ask


@pytest.fixture
def tokens(cast: Cast) -> dict[str, str]:
    """Tokens that open nothing, each for another reason."""
    known, token = create_api_key(cast.site, "main", "operator", "known", SYSTEM)
    gone, old = create_api_key(cast.site, "main", "operator", "gone", SYSTEM)
    revoke_api_key(cast.site, gone.id, SYSTEM)
    secret = token.rpartition("_")[2]
    near = secret[:-1] + ("a" if secret[-1] != "a" else "q")
    return {
        "unknown": "d2r_" + "a" * 8 + "_" + "a" * 52,
        "wrong from the start": f"d2r_{known.prefix}_{'a' * 52}",
        "wrong at the end": f"d2r_{known.prefix}_{near}",
        "revoked": old,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("unknown", "wrong from the start"), ("wrong from the start", "wrong at the end"), ("unknown", "revoked")],
)
def test_the_time_of_a_refusal_does_not_tell_why(cast: Cast, tokens: dict[str, str], one: str, other: str) -> None:
    acts = [refused(cast, tokens[one]), refused(cast, tokens[other])]
    assert min(difference_s(acts) for _ in range(3)) < MOST_APART_S


def test_the_measurement_finds_a_lookup_that_is_made_for_known_keys_alone(
    cast: Cast, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = bearer.hash_of_secret

    def slow(secret: str) -> str:
        if secret != "a" * 52:
            for _ in range(1000):
                plain(secret)
        return plain(secret)

    monkeypatch.setattr(bearer, "hash_of_secret", slow)
    acts = [refused(cast, tokens["unknown"]), refused(cast, tokens["wrong at the end"])]
    assert min(difference_s(acts) for _ in range(3)) > MOST_APART_S
