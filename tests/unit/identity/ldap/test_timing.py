"""Whether the time of a refusal tells who is in the directory.

Someone who is there costs a bind that a stranger does not; the fixed time before a refusal hides it.  Both are refused
in turn, so that whatever else the machine does falls on both alike.  That they are the same is what has to be shown:
two rank tests (Mann-Whitney) each reject that one takes longer than the other by ``MARGIN_S`` or more, with 1 % of
error.  The margin is a twelfth of the fixed time, so that a machine with five times the work that it can do still
shows it; it gets three tries.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from appliance.errors import Denied
from appliance.identity import login
from appliance.identity.ldap import directory
from appliance.identity.local.models import LoginAttemptRow
from appliance.identity.login import sign_in
from appliance.tenancy.site import Site

MARGIN_S = 0.05
ROUNDS = 10
ALPHA = 0.01


def refusal_s(site: Site, name: str) -> float:
    """How long somebody waits who is refused; nobody has failed before."""
    with site.control_transaction():
        LoginAttemptRow.delete().execute()
    began = time.perf_counter()
    with pytest.raises(Denied, match="Name or password"):
        sign_in(site, name, "wrong")
    return time.perf_counter() - began


def are_the_same(one: list[float], other: list[float]) -> bool:
    """Whether neither takes longer than the other by the margin or more."""
    first, second = np.array(one), np.array(other)
    pairs = ((first, second + MARGIN_S), (second, first + MARGIN_S))
    return all(mannwhitneyu(short, long, alternative="less").pvalue < ALPHA for short, long in pairs)


def refusals_s(site: Site) -> tuple[list[float], list[float]]:
    """What somebody waits who is there, and what a stranger waits."""
    took: dict[str, list[float]] = {"ann": [], "stranger": []}
    for number in range(ROUNDS):
        for name in sorted(took, reverse=number % 2 == 1):
            took[name].append(refusal_s(site, name))
    return took["ann"], took["stranger"]


@pytest.fixture
def warm(plant: Site) -> Site:
    """Everything that is made once is there."""
    for name in ("ann", "stranger"):
        refusal_s(plant, name)
    return plant


@pytest.mark.slow
def test_a_stranger_waits_as_long_as_somebody_who_is_in_the_directory(
    warm: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.6)
    assert any(are_the_same(*refusals_s(warm)) for _ in range(3))


@pytest.mark.slow
def test_the_measurement_finds_a_refusal_that_those_who_are_there_get_later(
    warm: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    vouch: Callable[..., object] = directory.vouch

    def telling(site: Site, name: str, password: str) -> object:
        time.sleep(0.6 if name == "ann" else 0.0)
        return vouch(site, name, password)

    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.6)
    monkeypatch.setattr(directory, "vouch", telling)
    took = refusals_s(warm)
    assert not are_the_same(*took)
    assert mannwhitneyu(*took, alternative="greater").pvalue < ALPHA
