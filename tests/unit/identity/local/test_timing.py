"""What a sign-in takes of the processor says nothing about whether there is such an account."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from appliance.identity.local.models import LoginAttemptRow
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site
from tests.unit.identity.local.conftest import refused


@pytest.mark.slow
def test_a_stranger_takes_as_long_as_somebody_with_an_account(site: Site, account: Callable[..., Principal]) -> None:
    """Also without the fixed time, which could be outrun on a busy machine: the work is the same.

    Both are measured alternately by what they take of the processor, which other work beside them hardly changes, and
    held against each other by rank; the medians may differ by a tenth.
    """
    account()
    times: dict[str, list[float]] = {"ann": [], "nobody": []}
    for number in range(60):
        for name in sorted(times, reverse=number % 2 == 1):
            with site.control_transaction():
                LoginAttemptRow.delete().execute()
            began = time.process_time()
            refused(site, name)
            times[name].append(time.process_time() - began)
    known, unknown = times["ann"][5:], times["nobody"][5:]
    assert mannwhitneyu(known, unknown).pvalue > 0.001 or abs(np.median(known) / np.median(unknown) - 1) < 0.02
    assert abs(np.median(known) / np.median(unknown) - 1) < 0.1
