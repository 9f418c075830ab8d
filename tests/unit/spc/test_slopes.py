"""Order statistics of pair slopes against all slopes, sorted: exact, for every kind of series."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.spc.slopes import median_slopes, pairs_of, ranked_slopes, scores

RNG = np.random.default_rng(17)


def all_slopes(y: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The slopes of all pairs, one by one, in order."""
    pairs = [(i, j) for i in range(len(y)) for j in range(i + 1, len(y)) if time[j] > time[i]]
    slope = np.array([(y[j] - y[i]) * (1.0 / (time[j] - time[i])) for i, j in pairs])
    return np.sort(slope[~np.isnan(slope)])


def kinds(n: int, time: np.ndarray) -> np.ndarray:
    """Series that a search could stumble over, (m, n)."""
    noise = RNG.normal(size=(20, n))
    kinked = np.where(np.arange(n) < n * 0.6, 0.0, 1e6 * RNG.normal(size=(5, n)))
    return np.concatenate(
        [
            noise,
            np.round(noise),
            np.where(noise > 1.5, 1.0, 0.0),
            noise * 1e-3 + 0.01 * time,
            noise * 1e-200,
            noise * 1e200,
            RNG.standard_cauchy((20, n)) ** 5,
            np.where(RNG.random((20, n)) < 0.4, np.nan, noise),
            kinked,
            kinked + 3.0 * time,
            np.zeros((1, n)),
            np.full((1, n), np.nan),
            np.round(noise * 0.3) + np.floor(time / 100),
        ]
    )


@pytest.mark.parametrize("n", [2, 3, 4, 5, 9, 10, 31, 80])
def test_score_pairs_and_median_are_those_of_all_slopes(n: int) -> None:
    time = np.sort(RNG.uniform(0, 1000, n))
    of_times, values = pairs_of(time), kinds(n, time)
    found = median_slopes(values, of_times)
    score, pairs, slope = found.score, found.pairs, found.slope
    np.testing.assert_array_equal(scores(values, of_times), score)
    for m in range(len(values)):
        expected = all_slopes(values[m], time)
        assert pairs[m] == len(expected)
        if not len(expected):
            assert np.isnan(slope[m])
            continue
        assert score[m] == np.sum(expected > 0) - np.sum(expected < 0)
        middle = expected[(len(expected) - 1) // 2], expected[len(expected) // 2]
        assert slope[m] == (middle[0] if len(expected) % 2 else 0.5 * (middle[0] + middle[1]))


@pytest.mark.parametrize("n", [3, 10, 40])
def test_every_rank_is_found_exactly(n: int) -> None:
    time = np.sort(RNG.uniform(0, 1000, n))
    of_times, values = pairs_of(time), kinds(n, time)
    for share in (0.0, 0.02, 0.3, 0.97, 1.0):
        expected = [all_slopes(y, time) for y in values]
        rank = np.array([int(share * (len(all_of) - 1)) if len(all_of) else 0 for all_of in expected])
        found = ranked_slopes(values, of_times, rank)
        for m, all_of in enumerate(expected):
            assert found[m] == (all_of[rank[m]] if len(all_of) else np.inf)


def test_a_rank_beyond_the_pairs_is_infinite() -> None:
    time = np.arange(3.0)
    values = np.array([[0.0, 1.0, 2.0]] * 2)
    assert ranked_slopes(values, pairs_of(time), np.array([-1, 3])).tolist() == [-np.inf, np.inf]


def test_values_of_one_time_or_of_two_strata_are_not_compared() -> None:
    time = np.array([0.0, 1.0, 1.0, 2.0, 3.0])
    of_times = pairs_of(time, np.array([0, 0, 0, 1, 1]))
    found = median_slopes(np.array([[0.0, 1.0, 3.0, 100.0, 102.0]]), of_times)
    assert (found.score[0], found.pairs[0], found.slope[0]) == (3, 3, 2.0)


def test_times_that_differ_by_next_to_nothing_are_one_time() -> None:
    of_times = pairs_of(np.array([0.0, 5e-324, 1.0, 2.0]))
    assert of_times.count == 5
    assert median_slopes(np.array([[0.0, 9.0, 1.0, 2.0]]), of_times).pairs[0] == 5


def test_one_thread_and_many_find_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    time = np.sort(RNG.uniform(0, 1000, 12))
    values = RNG.normal(size=(10_000, 12))
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        found.append(median_slopes(values, pairs_of(time)).slope.tobytes())
    assert found[0] == found[1]
