"""Inspection plans as plants write them: CSV, TOML, and every way to get them wrong."""

from __future__ import annotations

import pytest

from appliance.errors import InvalidInput
from appliance.measurements.instrument_file import read_instrument
from appliance.measurements.plan import read_plan

HEADER = "name,zone,quantity,lower_mm,upper_mm,coverage"


def csv(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows]).encode()


def test_a_row_becomes_a_characteristic() -> None:
    plan = read_plan(csv("flat top,top,mean,-0.1,0.1,0.9"), diagonal_mm=200.0)
    item = plan.characteristics.characteristics[0]
    assert (item.name, item.zone, item.quantity) == ("flat top", "top", "mean")
    assert (item.lower_mm, item.upper_mm, item.coverage) == (-0.1, 0.1, 0.9)


def test_a_blank_limit_is_no_limit_and_a_zero_is_one() -> None:
    rows = csv("a,top,max,,0.1,0.9", "b,top,min,0,,0.9")
    a, b = read_plan(rows, diagonal_mm=200.0).characteristics.characteristics
    assert (a.lower_mm, a.upper_mm) == (None, 0.1)
    assert (b.lower_mm, b.upper_mm) == (0.0, None)


def test_what_is_left_open_is_filled_and_said() -> None:
    plan = read_plan(csv("a,top,max,,0.1,"), diagonal_mm=200.0)
    item = plan.characteristics.characteristics[0]
    assert item.detect_mm == 20.0
    assert item.cell_mm == 4.0
    assert item.coverage == 0.95
    assert len(plan.notes) == 2


def test_optional_columns_are_read() -> None:
    header = HEADER + ",detect_mm,edge_mm,u_instrument_mm,alignment"
    plan = read_plan(csv("a,top,p99,-1,1,0.5,5,0.5,0.01,best_fit_all", header=header), diagonal_mm=1.0)
    item = plan.characteristics.characteristics[0]
    assert (item.detect_mm, item.edge_mm, item.u_instrument_mm) == (5.0, 0.5, 0.01)
    assert plan.characteristics.alignment == "best_fit_all"


def test_a_toml_plan_says_datums_and_units() -> None:
    text = b"""
    name = "housing"
    version = "C"
    alignment = "datum"
    datums = ["A", "B", "C"]
    [[characteristic]]
    name = "bore"
    zone = "bore_wall"
    quantity = "profile"
    lower = -50
    upper = 50
    unit = "um"
    coverage = 0.8
    detect = 4000
    """
    plan = read_plan(text, diagonal_mm=100.0).characteristics
    item = plan.characteristics[0]
    assert (item.lower_mm, item.upper_mm, item.detect_mm) == (pytest.approx(-0.05), pytest.approx(0.05), 4.0)
    assert (plan.name, plan.version, plan.datums) == ("housing", "C", ("A", "B", "C"))


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (csv(), "plan.empty", "no characteristics"),
        (b"", "plan.empty", "empty"),
        (b"\xff\xfe", "plan.encoding", "UTF-8"),
        (csv("a,top,mean,-1,1,0.9", header=HEADER.replace("zone", "zon")), "plan.unknown_name", "zone"),
        (csv("a,top,mean,-1,1,0.9", header=HEADER.replace(",coverage", "")), "plan.column", "coverage"),
        (csv("a,top,median,-1,1,0.9"), "plan.unknown_name", "median"),
        (csv("a,top,mean,1,-1,0.9"), "plan.limits", "not below"),
        (csv("a,top,mean,,,0.9"), "plan.limits", "no limit"),
        (csv("a,top,profile,,1,0.9"), "plan.limits", "both limits"),
        (csv("a,top,mean,-1,1,90"), "plan.coverage", "90"),
        (csv("a,top,mean,-1,1,0"), "plan.coverage", "share"),
        (csv('a,top,mean,"-0,1",1,0.9'), "plan.number", "point"),
        (csv("a,top,mean,nan,1,0.9"), "plan.number", "finite"),
        (csv("a,top,mean,-1,1,0.9", "a,top,max,-1,1,0.9"), "plan.repeated_name", "'a'"),
        (csv("a,top,mean,-1,1"), "plan.row", "Row 1"),
        (csv("a,top,mean,-1,1,0.9,7"), "plan.row", "Row 1"),
        (csv(",top,mean,-1,1,0.9"), "plan.missing", "name"),
        (b"name;zone;quantity\na;b;mean", "plan.separator", "commas"),
        (csv("a,t,max,,1,1,0", header=HEADER + ",detect_mm"), "plan.range", "greater than zero"),
        (csv("a,t,max,,1,1,datum", "b,t,max,,1,1,supplied", header=HEADER + ",alignment"), "plan.alignment", "several"),
        (csv("a,t,max,,1,1,datum", header=HEADER + ",alignment"), "plan.datums", "names none"),
        (b"[[characteristic]\n", "plan.syntax", "TOML"),
        (b"datum = 1\n", "plan.unknown_name", "datums"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(content: bytes, code: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_plan(content, diagonal_mm=100.0)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_an_instrument_states_its_uncertainty_by_mpe_or_by_certificate() -> None:
    by_mpe = read_instrument(b'maker = "A"\nmpe_mm = 0.03\ndue_on = 2027-01-15\n')
    assert by_mpe.u_cal_mm == pytest.approx(0.03 / 3**0.5)
    assert by_mpe.due_on == "2027-01-15"
    assert read_instrument(b"expanded_uncertainty_mm = 0.03\nk = 3\n").u_cal_mm == pytest.approx(0.01)


@pytest.mark.parametrize(
    "content",
    [b"", b"mpe_mm = 0.1\nexpanded_uncertainty_mm = 0.1", b"mpe_mm = -1", b"mpe = 1", b"mpe_mm = 1\ndue_on = 'soon'",
     b"mpe_mm = 1\ntemperature_corrected = 1", b"mpe_mm =", b"\xff"],
)  # fmt: skip
def test_an_instrument_file_that_says_too_little_or_too_much_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_instrument(content)
