"""The table of the self-test: complete, honest about deviations, and nothing in it depends on our own results."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.spc import constants, validation
from appliance.spc.validation import Check


def test_every_published_number_is_reproduced() -> None:
    deviating = [(c.quantity, c.published, c.computed) for c in validation.validation() if not c.agrees]
    assert deviating == []


def test_the_table_holds_every_set_that_the_design_names() -> None:
    sources = " ".join(check.source for check in validation.validation())
    for name in ("qcc", "SAS", "AIAG", "NIST StRD", "JASP", "e-Handbook", "Pettitt", "ISO 22514-2"):
        assert name in sources
    assert len(validation.validation()) > 80


@pytest.mark.parametrize("published", ["74.00119", "74.00117"])
def test_a_deviation_of_the_last_printed_digit_is_found(published: str) -> None:
    assert validation._number("centre", "x", "74.00118", 74.001176).agrees
    assert not validation._number("centre", "x", published, 74.001176).agrees


def test_a_number_that_is_none_never_agrees() -> None:
    assert not Check("q", "s", "1", "nan", math.nan, 1.0).agrees


def test_wrong_constants_show_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "d2", lambda n: constants.d2(n) * 1.001)
    deviating = [check.quantity for check in validation.validation() if not check.agrees]
    assert "d2 of 5" in deviating


def test_the_statistics_do_not_load_a_library_that_costs_every_process_half_a_second() -> None:
    names = sorted(path.stem for path in Path(validation.__file__).parent.glob("*.py") if path.stem != "__init__")
    assert len(names) > 20
    program = f"import sys; from appliance.spc import {', '.join(names)}; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=False).returncode == 0


def test_points_are_listed_in_runs() -> None:
    assert validation._listed([1, 4, 5, 6, 9]) == "1 4-6 9"
    assert validation._listed([]) == "none"
