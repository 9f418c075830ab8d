"""A replay compares bit for bit, and knows what may differ."""

from __future__ import annotations

from appliance.inspections.comparison import differences

THEN = {"points": 3, "verdict": "pass", "rows": [{"value_mm": 0.1}, {"value_mm": None}], "timings_s": {"a": 1.0}}


def test_the_same_result_has_no_differences() -> None:
    assert differences(THEN, {**THEN, "timings_s": {"a": 2.0}, "engine": "other"}) == []


def test_one_bit_of_one_figure_is_found_and_named() -> None:
    now = {**THEN, "rows": [{"value_mm": 0.1 + 2**-56}, {"value_mm": None}]}
    (found,) = differences(THEN, now)
    assert found.path == "rows[0].value_mm"
    assert str(found).startswith("rows[0].value_mm: 0.1 then")


def test_what_is_missing_or_new_is_a_difference() -> None:
    assert [found.path for found in differences(THEN, {"points": 3})] == ["rows", "verdict"]
    assert [found.path for found in differences({}, {"points": 3})] == ["points"]


def test_a_number_and_a_truth_value_are_not_the_same() -> None:
    assert differences({"a": 1}, {"a": True})
    assert differences({"a": 1}, {"a": 1.0})


def test_a_longer_list_is_a_difference() -> None:
    assert [found.path for found in differences({"a": [1]}, {"a": [1, 2]})] == ["a"]
