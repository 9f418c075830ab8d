"""NIST's certified data sets: univariate, analysis of variance, straight line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.anova import one_way
from appliance.spc.reference_data import MICHELSON, NORRIS, SI_RSTV
from appliance.spc.summary import straight_line, summary


@pytest.mark.parametrize(
    ("name", "digits"), [("LEW", 15), ("MICHELSO", 12), ("NUMACC1", 15), ("NUMACC2", 12), ("NUMACC3", 9)]
)
def test_certified_summaries_to_the_digits_that_floats_of_the_data_hold(
    shared_data: Path, name: str, digits: int
) -> None:
    folder = shared_data / "spc/nist_strd"
    certified = json.loads((folder / "certified.json").read_text())[name]
    lines = (folder / f"{name}.DAT").read_text().splitlines()[certified["skip_lines"] :]
    words = [word for line in lines for word in line.split()[: 1 if certified["column"] == 1 else None]]
    found = summary([float(word) for word in words])
    assert found.count == certified["n"]
    assert found.mean == pytest.approx(float(certified["mean"]), rel=1e-14)
    assert found.sd == pytest.approx(float(certified["sd"]), rel=10.0**-digits)
    assert found.lag_one == pytest.approx(float(certified["lag1_autocorr"]), rel=10.0 ** -(digits - 1))


def certified_anova(path: Path) -> tuple[dict[str, float], list[list[str]]]:
    lines = path.read_text().splitlines()
    between = next(line for line in lines if re.match(r"Between \w+\s+\d", line)).split()[-4:]
    within = next(line for line in lines if re.match(r"Within \w+\s+\d", line)).split()[-3:]
    r_squared = next(line for line in lines if "R-Squared" in line).split()[-1]
    deviation = lines[next(at for at, line in enumerate(lines) if "Certified Residual" in line) + 1].split()[-1]
    groups: dict[str, list[str]] = {}
    for line in lines[60:]:
        if line.strip():
            group, value = line.split()
            groups.setdefault(group, []).append(value)
    values = (float(between[1]), float(between[3]), float(within[1]), float(r_squared), float(deviation))
    return dict(zip(("between", "f", "within", "r_squared", "sd"), values, strict=True)), list(groups.values())


@pytest.mark.parametrize(("name", "scale", "digits"), [("SiRstv", 1e4, 14), ("SmLs01", 10, 14), ("SmLs07", 10, 14)])
def test_certified_analyses_of_variance_to_every_digit_from_whole_numbers(
    shared_data: Path, name: str, scale: float, digits: int
) -> None:
    """As measured values are kept: whole numbers of the last decimal.  SmLs07 has thirteen leading digits in common."""
    certified, groups = certified_anova(shared_data / f"spc/nist_anova/{name}.dat")
    found = one_way([[round(float(word) * scale) for word in group] for group in groups])
    rel = 10.0**-digits
    assert found.between.square / scale**2 == pytest.approx(certified["between"], rel=rel)
    assert found.within.square / scale**2 == pytest.approx(certified["within"], rel=rel)
    assert found.between.f == pytest.approx(certified["f"], rel=rel)
    assert found.r_squared == pytest.approx(certified["r_squared"], rel=rel)
    assert found.residual_sd / scale == pytest.approx(certified["sd"], rel=rel)


@pytest.mark.parametrize(("name", "digits"), [("SiRstv", 12), ("SmLs01", 12), ("SmLs07", 2)])
def test_certified_analyses_of_variance_from_floats_lose_what_floats_cannot_hold(
    shared_data: Path, name: str, digits: int
) -> None:
    certified, groups = certified_anova(shared_data / f"spc/nist_anova/{name}.dat")
    found = one_way([[float(word) for word in group] for group in groups])
    assert found.between.f == pytest.approx(certified["f"], rel=10.0**-digits)


def test_the_published_sums_of_the_silicon_study() -> None:
    found = one_way(list(SI_RSTV))
    assert found.between.square == pytest.approx(5.11462616e-2, rel=1e-11)
    assert found.within.square == pytest.approx(2.1663656e-1, rel=1e-11)
    assert found.between.f == pytest.approx(1.18046237440255, rel=1e-11)


def test_norris_has_the_certified_line() -> None:
    found = straight_line(NORRIS[:, 1], NORRIS[:, 0])
    assert found.intercept == pytest.approx(-0.262323073774029, rel=1e-11)
    assert found.slope == pytest.approx(1.00211681802045, rel=1e-13)
    assert found.intercept_sd == pytest.approx(0.232818234301152, rel=1e-12)
    assert found.slope_sd == pytest.approx(0.429796848199937e-3, rel=1e-12)
    assert found.residual_sd == pytest.approx(0.884796396144373, rel=1e-12)
    assert found.r_squared == pytest.approx(0.999993745883712, rel=1e-14)
    assert found.freedom == 34


def test_the_typed_sets_are_those_of_the_files(shared_data: Path) -> None:
    lines = (shared_data / "spc/nist_strd/MICHELSO.DAT").read_text().splitlines()[25:]
    assert [float(line.split()[0]) for line in lines if line.strip()] == MICHELSON.tolist()
    lines = (shared_data / "spc/nist_linregress/Norris.dat").read_text().splitlines()[60:]
    assert [[float(word) for word in line.split()] for line in lines if line.strip()] == NORRIS.tolist()
    _, groups = certified_anova(shared_data / "spc/nist_anova/SiRstv.dat")
    assert [[float(word) for word in group] for group in groups] == SI_RSTV.tolist()


def test_the_typed_textbook_sets_are_those_of_the_files(shared_data: Path) -> None:
    import csv

    from appliance.spc.reference_data import GAUGE_STUDY, PISTON_RINGS

    with (shared_data / "spc/pistonrings.csv").open() as file:
        rings = [float(row["diameter"]) for row in csv.DictReader(file)]
    assert rings == PISTON_RINGS.ravel().tolist()
    with (shared_data / "spc/aiag_grr_10x3x3.csv").open() as file:
        rows = [
            (row["operator"], int(row["trial"]), int(row["part"]), float(row["value"])) for row in csv.DictReader(file)
        ]
    for operator, trial, part, value in rows:
        assert GAUGE_STUDY["ABC".index(operator), trial - 1, part - 1] == value
    assert len(rows) == GAUGE_STUDY.size


def test_large_values_that_cancel_leave_the_small_one() -> None:
    assert summary([0.0, 1e16, 1.0, -1e16]).mean == 0.25


def test_one_value_has_a_mean_and_no_deviation() -> None:
    found = summary([3.0])
    assert found.mean == 3.0
    assert np.isnan(found.sd)
    with pytest.raises(InvalidInput):
        summary([])
    with pytest.raises(InvalidInput, match="one x"):
        straight_line([1.0, 1.0, 1.0], [1.0, 2.0, 3.0])
