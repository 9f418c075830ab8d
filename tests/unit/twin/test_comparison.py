"""Two fields compared: what changed beyond the uncertainty of both, what was not seen, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import false_discovery_control

from appliance.errors import InvalidInput
from appliance.twin.comparison import called_from, change_between, zone_changes
from appliance.twin.records import TwinField
from tests.unit.twin.conftest import CELLS, flat_field, plate

NAN = np.nan


def test_the_difference_is_later_less_earlier_to_the_nanometre() -> None:
    change = change_between(flat_field(0.1), flat_field(0.100001))
    assert change.difference_mm.tolist() == [1e-6] * CELLS
    assert not change.changed.any()


def test_a_cell_that_moved_beyond_the_uncertainty_of_both_changed_and_no_other() -> None:
    after = np.zeros(CELLS)
    after[7] = -0.2
    change = change_between(flat_field(0.0, 0.03), flat_field(after, 0.04))
    # u of the difference: hypot(0.03, 0.04) = 0.05
    assert change.ratio[7] == pytest.approx(4.0, rel=1e-6)
    assert np.flatnonzero(change.changed).tolist() == [7]


def test_a_difference_of_less_than_k_u_is_no_change_however_many_cells_have_it() -> None:
    change = change_between(flat_field(0.0, 0.03), flat_field(0.0995, 0.04))
    assert not change.changed.any()
    assert change_between(flat_field(0.0, 0.03), flat_field(0.1005, 0.04)).changed.all()


def test_one_cell_of_twenty_beyond_two_sigma_is_chance() -> None:
    after = np.zeros(CELLS)
    after[3] = 0.11  # 2.2 u: p = 0.028, one of twenty
    assert not change_between(flat_field(0.0, 0.03), flat_field(after, 0.04)).changed.any()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.6])
@pytest.mark.parametrize("seed", range(5))
def test_the_same_cells_are_called_as_by_sorting_all_p(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ratio = np.abs(rng.normal(size=4000) + np.where(rng.random(4000) < share, 3.0, 0.0)).astype(np.float32)
    called = ratio >= called_from(ratio, 0.05)
    assert called.tolist() == (false_discovery_control(2 * ndtr(-ratio.astype(float))) <= 0.05).tolist()


def test_of_cells_that_stayed_the_same_hardly_one_is_called() -> None:
    rng = np.random.default_rng(8)

    def field() -> TwinField:
        return flat_field(rng.normal(0, 0.01, 200_000), 0.01, 200_000)

    assert change_between(field(), field()).changed.sum() <= 2


def test_what_one_field_sees_alone_is_said_and_called_neither_changed_nor_unchanged() -> None:
    before, after = np.zeros(CELLS), np.full(CELLS, 5.0)
    before[:4], after[3:6] = NAN, NAN
    [every, left] = zone_changes(change_between(flat_field(before), flat_field(after)), plate())
    assert (every.compared, every.only_before, every.only_after, every.unseen) == (14, 2, 3, 1)
    assert every.changed == 14
    assert (every.coverage_before, every.coverage_after) == (0.8, 0.85)
    assert left.zone == "left"
    # columns 0 and 1 of five rows: cells 0, 1, 4, 5, 8, 9, ...; of the first four before is blind, of 3 to 5 after
    assert (left.compared, left.only_before, left.only_after, left.unseen) == (6, 2, 2, 0)


def test_without_a_stated_uncertainty_nothing_is_called_changed_and_that_is_counted() -> None:
    change = change_between(flat_field(0.0), flat_field(9.0, NAN))
    [every, _] = zone_changes(change, plate())
    assert (every.compared, every.unknown, every.changed) == (CELLS, CELLS, 0)
    assert every.mean_mm == 9.0
    assert every.highest_mm is None


def test_a_zone_says_how_far_it_moved_by_area() -> None:
    after = np.where(np.arange(CELLS) % 4 < 2, -0.4, 0.0)
    [every, left] = zone_changes(change_between(flat_field(0.0), flat_field(after)), plate())
    assert (every.mean_mm, left.mean_mm) == (pytest.approx(-0.2), pytest.approx(-0.4))
    assert (every.changed, every.changed_area_mm2, every.lowest_mm, every.highest_mm) == (10, 10.0, -0.4, -0.4)


def test_fields_on_other_cells_are_not_compared() -> None:
    with pytest.raises(InvalidInput, match="different cells"):
        change_between(flat_field(0.0), flat_field(0.0, cells=21))
