"""Gauge studies against the manual's worked example, Minitab's print of it, and NIST's probes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.anova import crossed
from appliance.spc.gauge import gauge_study, range_study
from appliance.spc.reference_data import GAUGE_STUDY


def test_the_worked_example_has_the_numbers_that_minitab_publishes() -> None:
    found = gauge_study(GAUGE_STUDY)
    assert found.pooled
    assert found.table is not None
    assert found.table.interaction.p == pytest.approx(0.974, abs=5e-4)
    assert found.study_percent(found.gauge) == pytest.approx(27.86, abs=5e-3)
    assert found.contribution_percent(found.gauge) == pytest.approx(7.76, abs=5e-3)
    assert found.distinct_categories == 4
    assert found.study_percent(found.part) == pytest.approx(96.04, abs=5e-3)
    assert found.gauge == pytest.approx(0.30237, abs=5e-6)
    assert found.total == pytest.approx(1.08530, abs=5e-6)


def test_the_table_with_interaction_is_the_manuals() -> None:
    table = crossed(GAUGE_STUDY)
    printed = {
        "part": (9, 88.3619, 9.81799, 492.291),
        "operator": (2, 3.1673, 1.58363, 79.406),
        "interaction": (18, 0.3590, 0.01994, 0.434),
        "repeatability": (60, 2.7589, 0.04598, None),
    }
    for name, (freedom, square, mean, f) in printed.items():
        source = getattr(table, name)
        assert source.freedom == freedom
        assert source.square == pytest.approx(square, abs=5.1e-5)
        assert source.mean_square == pytest.approx(mean, abs=5.1e-6)
        assert f is None or source.f == pytest.approx(f, abs=6e-3)


def test_average_and_range_have_the_numbers_of_the_manual() -> None:
    """AIAG MSA, 4th edition, figure III-B 16: EV 0.20188, AV 0.22963, GRR 0.30575, PV 1.10456, TV 1.14610, ndc 5."""
    found = range_study(GAUGE_STUDY)
    assert found.repeatability == pytest.approx(0.20188, abs=3e-5)
    assert found.operator == pytest.approx(0.22963, abs=6e-5)
    assert found.gauge == pytest.approx(0.30575, abs=5e-5)
    assert found.part == pytest.approx(1.10456, abs=2e-4)
    assert found.total == pytest.approx(1.14610, abs=2e-4)
    percents = [found.study_percent(sd) for sd in (found.repeatability, found.operator, found.gauge, found.part)]
    assert percents == pytest.approx([17.62, 20.04, 26.68, 96.37], abs=0.015)
    assert found.distinct_categories == 5


def test_a_tolerance_is_compared_with_six_deviations() -> None:
    found = gauge_study(GAUGE_STUDY)
    assert found.tolerance_percent(found.gauge, 8.0) == pytest.approx(22.68, abs=5e-3)
    with pytest.raises(InvalidInput, match="width"):
        found.tolerance_percent(found.gauge, 0.0)


def probes(folder: Path, run: int) -> np.ndarray:
    """Resistivity, float64 (5 probes, 6 days, 5 wafers)."""
    lines = (folder / "spc/nist_handbook/MPC61.DAT").read_text().splitlines()[50:]
    rows = np.array([[float(word) for word in line.split()] for line in lines if line.strip()[:1].isdigit()])
    own = rows[rows[:, 0] == run]
    wafers, gauges = np.unique(own[:, 1]), np.unique(own[:, 2])
    return np.array([[own[(own[:, 1] == w) & (own[:, 2] == g), 7] for w in wafers] for g in gauges]).transpose(0, 2, 1)


@pytest.mark.parametrize("run", [1, 2])
def test_nists_probes_have_the_table_of_an_exact_computation(shared_data: Path, run: int) -> None:
    values = probes(shared_data, run)
    assert values.shape == (5, 6, 5)
    exact = np.vectorize(lambda v: Fraction(round(v * 10_000)), otypes=[object])(values)
    o, r, p = values.shape
    grand, cell = exact.sum() / exact.size, exact.sum(axis=1) / r
    part, operator = exact.sum(axis=(0, 1)) / (o * r), exact.sum(axis=(1, 2)) / (r * p)
    both = ((cell - part - operator[:, None] + grand) ** 2).sum() * r
    within = ((exact - cell[:, None, :]) ** 2).sum()
    table = crossed(values)
    assert table.part.square == pytest.approx(float(o * r * ((part - grand) ** 2).sum()) / 1e8, rel=1e-10)
    assert table.operator.square == pytest.approx(float(r * p * ((operator - grand) ** 2).sum()) / 1e8, rel=1e-9)
    assert table.interaction.square == pytest.approx(float(both) / 1e8, rel=1e-9)
    assert table.repeatability.square == pytest.approx(float(within) / 1e8, rel=1e-9)
    study = gauge_study(values, pool_above=1.0)
    assert study.repeatability == pytest.approx(float(np.sqrt(float(within) / 1e8 / (o * p * (r - 1)))), rel=1e-9)


def simulated(rng: np.random.Generator, *, interaction: float) -> np.ndarray:
    parts, operators = rng.normal(0, 1.0, 10), rng.normal(0, 0.3, 6)
    both = rng.normal(0, interaction, (6, 10)) if interaction else np.zeros((6, 10))
    return parts + operators[:, None, None] + both[:, None, :] + rng.normal(0, 0.2, (6, 3, 10))


@pytest.mark.parametrize("interaction", [0.0, 0.3])
def test_intervals_hold_the_true_deviations_about_as_often_as_they_say(interaction: float) -> None:
    rng, held_error, held_gauge = np.random.default_rng(8), 0, 0
    truth = np.sqrt(0.3**2 + interaction**2 + 0.2**2)
    for _ in range(600):
        found = gauge_study(simulated(rng, interaction=interaction))
        held_error += found.repeatability_interval[0] <= 0.2 <= found.repeatability_interval[1]
        held_gauge += found.gauge_interval[0] <= truth <= found.gauge_interval[1]
    assert held_error / 600 == pytest.approx(0.95, abs=0.03)
    assert held_gauge / 600 == pytest.approx(0.95, abs=0.03)


def test_an_interaction_that_is_there_is_kept_and_found() -> None:
    rng = np.random.default_rng(9)
    found = [gauge_study(simulated(rng, interaction=0.4)) for _ in range(60)]
    assert not any(study.pooled for study in found)
    assert np.mean([study.interaction**2 for study in found]) == pytest.approx(0.16, rel=0.1)


@pytest.mark.parametrize(
    "values", [np.ones((3, 2, 5)), np.zeros((1, 3, 10)), np.zeros((3, 3)), np.full((2, 2, 2), np.nan)]
)
def test_what_is_no_study_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InvalidInput):
        gauge_study(values)
    with pytest.raises(InvalidInput):
        range_study(values)
