"""Classes of deviations: closed counts, and nothing falls out."""

from __future__ import annotations

import numpy as np

from appliance.deviation.statistics import counts_between


def test_values_fall_into_their_class_and_the_rest_into_the_ends() -> None:
    values = np.array([-9.0, -0.9, -0.1, 0.1, 0.9, 9.0, 0.2])
    isolated = np.array([False] * 6 + [True])
    assert counts_between(values, isolated, -1.0, 1.0, 4).tolist() == [2, 1, 1, 2]


def test_the_counts_agree_with_an_independent_histogram() -> None:
    values = np.random.default_rng(2).normal(0, 0.3, 300_000)
    counts = counts_between(values, np.zeros(len(values), bool), -1.0, 1.0, 50)
    expected, _ = np.histogram(np.clip(values, -1.0, 1.0), 50, (-1.0, 1.0))
    assert counts.sum() == len(values)
    assert np.abs(counts - expected).max() <= 1
