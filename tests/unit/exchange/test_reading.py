"""Files of results: every format gives the same figures, and what cannot be meant is refused with its place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import InvalidInput
from appliance.exchange.reading import read_results
from appliance.exchange.records import ImportOptions, Reading
from appliance.qc.decision import contradicts
from tests.results_samples import CSV, qif, results_json


def read(folder: Path, data: bytes | str, **options: Any) -> Reading:
    path = folder / "results"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_results(path, ImportOptions(**options))


def refused(folder: Path, data: bytes | str, **options: Any) -> str:
    with pytest.raises(InvalidInput) as error:
        read(folder, data, **options)
    assert error.value.message
    return error.value.code


def test_a_csv_is_read_by_its_columns_in_the_units_of_its_rows(tmp_path: Path) -> None:
    reading = read(tmp_path, CSV)
    first, second = reading.inspections
    assert reading.format == "csv"
    assert (first.serial, first.operator, first.instrument) == ("A1", "4711", "CMM 7")
    assert (first.measured_at, second.measured_at) == ("2026-02-03T08:05:00.000000Z", "2026-02-03T08:00:00.000000Z")
    bore, cone, top = first.rows
    assert (bore.key, bore.value, bore.u, bore.k, bore.lower, bore.upper, bore.verdict) == (
        "10", 10.02, 0.01, 2.0, 9.9, 10.1, "pass",
    )  # fmt: skip
    assert (cone.unit, cone.value, cone.u) == ("deg", 90.4, 0.1)
    assert (top.u, top.k, top.lower, top.upper) == (None, None, None, 0.05)
    inch = second.rows[0]
    assert (inch.unit, inch.value, inch.u) == ("mm", pytest.approx(10.16), pytest.approx(0.0127))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_announced_decimal_commas_are_read(tmp_path: Path, delimiter: str) -> None:
    text = CSV.replace(",", delimiter).replace(".", ",").replace("Z", "Z")
    assert read(tmp_path, "\ufeff" + text, decimal=",").inspections[0].rows == read(tmp_path, CSV).inspections[0].rows


def test_columns_may_be_called_as_the_source_calls_them(tmp_path: Path) -> None:
    text = "Id;Merkmal;Ist;Egal\nA1;Bohrung;10.02;x\n"
    columns = {"serial": "Id", "name": "Merkmal", "value": "Ist"}
    row = read(tmp_path, text, columns=columns, unit="mm").inspections[0].rows[0]
    assert (row.key, row.name, row.value, row.verdict) == ("Bohrung", "Bohrung", 10.02, None)


def test_limits_may_be_deviations_from_the_nominal_value(tmp_path: Path) -> None:
    text = "serial,name,nominal,lower,upper,value,unit\nA,bore,10,-0.1,0.2,10.02,mm\nA,form,,,0.05,0.01,mm\n"
    bore, form = read(tmp_path, text, limits="deviation").inspections[0].rows
    assert (bore.lower, bore.upper) == (9.9, 10.2)
    assert (form.lower, form.upper) == (None, 0.05)


def test_json_says_the_same_as_the_csv(tmp_path: Path) -> None:
    reading = read(tmp_path, results_json())
    assert reading.laboratory == "Metrology 2"
    assert reading.inspections[0].measured_at == "2026-02-03T08:05:00.000000Z"
    figures = [(row.key, row.unit, row.value, row.u, row.lower, row.upper) for row in reading.inspections[0].rows]
    assert figures == [
        (row.key, row.unit, row.value, row.u, row.lower, row.upper) for row in read(tmp_path, CSV).inspections[0].rows
    ]


@pytest.mark.parametrize("version", [2, 3])
def test_qif_gives_values_limits_and_identities_in_our_units(tmp_path: Path, version: int) -> None:
    reading = read(tmp_path, qif(version))
    (inspection,) = reading.inspections
    assert (reading.format, reading.laboratory) == ("qif", "Lab 9")
    assert (inspection.serial, inspection.operator, inspection.instrument) == ("A1", "4711", "CMM 77")
    assert inspection.measured_at == "2026-02-03T08:05:00.000000Z"
    first, second, cone, top = inspection.rows
    assert (first.key, first.name, first.zone, first.quantity) == ("Lab 9#20", "Bore", "BORE_1", "Diameter")
    assert (second.key, second.zone) == ("Lab 9#20:11", "BORE_2")
    assert (first.value, first.u) == (pytest.approx(0.395 * 25.4), pytest.approx(0.0254))
    assert (first.lower, first.upper) == (pytest.approx(0.385 * 25.4), pytest.approx(0.405 * 25.4))
    assert (cone.key, cone.unit, cone.value) == ("979a2ede-2278-4adb-a99e-1d81caafe7db", "deg", 90.4)
    assert (cone.u, cone.lower, cone.upper, cone.verdict) == (None, 89.0, 91.0, "pass")
    assert (top.lower, top.upper) == (None, pytest.approx(1.27))


def test_a_qif_without_units_is_refused_until_somebody_says_what_it_is_in(tmp_path: Path) -> None:
    assert refused(tmp_path, qif(units="")) == "results.no_unit"
    assert refused(tmp_path, qif(units=""), unit="in") == "results.no_unit"
    rows = read(tmp_path, qif(units=""), unit="in", angle_unit="deg").inspections[0].rows
    assert rows == read(tmp_path, qif()).inspections[0].rows


def test_serial_numbers_can_be_named_or_cut_out(tmp_path: Path) -> None:
    assert read(tmp_path, CSV, serial_pattern=r"A0*(\d+)").inspections[1].serial == "2"
    assert read(tmp_path, qif(serial=""), serials={"1": "B7"}).inspections[0].serial == "B7"
    assert refused(tmp_path, CSV, serial_pattern="A") == "results.pattern"
    assert refused(tmp_path, CSV, serial_pattern="(") == "results.pattern"
    assert refused(tmp_path, CSV, serial_pattern="X(.)") == "results.pattern"
    assert refused(tmp_path, CSV, serials={"3": "x"}) == "results.serial"


def test_a_pattern_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.foreign.limits._BASE_WALL_SECONDS", 3.0)
    text = f"serial,name,value,unit\n{'a' * 60}!,x,1,mm\n"
    assert read(tmp_path, text, serial_pattern="(a+)").inspections[0].serial == "a" * 60
    assert refused(tmp_path, text, serial_pattern="(a|a)*$") in ("foreign.deadline", "foreign.cpu")


_HEAD = "serial,key,lower,upper,value,unit,U,u,k,verdict,measured_at\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "results.empty"), (_HEAD, "results.empty"), ("serial,name\nA,x\n", "results.column"),
        ("name,value\nx,1\n", "results.column"), (CSV.replace("verdict", "verdikt"), "results.column"),
        (CSV.replace("nominal", "lower"), "results.column"), (CSV.replace("90.4", "90,4"), "results.fields"),
        (_HEAD + "A,1,,,nan,mm,,,,,\n", "results.not_finite"), (_HEAD + "A,1,,,1e999,mm,,,,,\n", "results.not_finite"),
        (_HEAD + "A,1,,,-inf,mm,,,,,\n", "results.not_finite"), (_HEAD + "A,1,,,1e308,ft,,,,,\n", "results.not_finite"),
        (_HEAD + 'A,1,,,"1,5",mm,,,,,\n', "results.decimal"), (_HEAD + "A,1,,,one,mm,,,,,\n", "results.number"),
        (_HEAD + "A,1,,,١,mm,,,,,\n", "results.number"), (_HEAD + "A,1,,,1,furlong,,,,,\n", "results.unit"),
        (_HEAD + "A,1,,,1,,,,,,\n", "results.no_unit"), (_HEAD + "A,1,2,1,1,mm,,,,,\n", "results.limits"),
        (_HEAD + "A,1,,,1,mm,0,,,,\n", "results.range"), (_HEAD + "A,1,,,1,mm,-1,,,,\n", "results.range"),
        (_HEAD + "A,1,,,1,mm,1,,0,,\n", "results.range"), (_HEAD + "A,1,,,1,mm,1,1,,,\n", "results.uncertainty"),
        (_HEAD + "A,1,,,1,mm,,,,maybe,\n", "results.verdict"), (_HEAD + "A,1,,,1,mm,,,,,yesterday\n", "results.time"),
        (_HEAD + "A,1,,,1,mm,,,,,2026-02-03T08:00:00\n", "results.time"),
        (_HEAD + ",1,,,1,mm,,,,,\n", "results.serial"),
        (_HEAD + "A,,,,1,mm,,,,,\n", "results.key"), (_HEAD + "A,1,,,1,mm,,,,,\n" * 2, "results.twice"),
        (_HEAD + f"A,{'x' * 121},,,1,mm,,,,,\n", "results.text"), (_HEAD + "A,a\x07,,,1,mm,,,,,\n", "results.text"),
        (_HEAD + 'A,"1,,,1,mm,,,,,\n', "results.csv"), ("serial,\0", "results.encoding"),
        (_HEAD + "A,1,,,1,mm,,,,,\n" * 50_001, "results.too_many"),
    ],
)  # fmt: skip
def test_a_csv_that_cannot_be_meant_is_refused_with_its_reason(tmp_path: Path, text: str, code: str) -> None:
    assert refused(tmp_path, text) == code


def test_a_csv_of_another_encoding_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, CSV.replace("Bore", "Böhrung").encode("latin-1")) == "results.encoding"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "json.syntax"), (b'{"a":1,"a":2}', "json.duplicate_name"), (b"[1]", "results.json"),
        (results_json(format="other"), "results.format"), (results_json(inspections=[]), "results.empty"),
        (results_json(inspection=[]), "results.name"), (results_json().replace(b"10.02", b"NaN"), "json.number"),
        (results_json().replace(b"10.02", b'"10.02"'), "results.number"),
        (results_json().replace(b"10.02", b"1e999"), "results.not_finite"),
        (results_json().replace(b"10.02", b"true"), "results.number"),
        (results_json(unit=""), "results.no_unit"), (results_json(unit="parsec"), "results.unit"),
        (results_json(inspections=[{"serial": "A", "characteristics": [3]}]), "results.json"),
        (results_json(inspections=[{"serial": 7, "characteristics": [{}]}]), "results.text"),
        (results_json(inspections=[{"serial": "A", "characteristics": [{"value": 1}]}]), "results.key"),
    ],
)  # fmt: skip
def test_json_that_cannot_be_meant_is_refused_with_its_reason(tmp_path: Path, data: bytes, code: str) -> None:
    assert refused(tmp_path, data) == code


_ENTITIES = b'<?xml version="1.0"?><!DOCTYPE q [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (qif()[:-30], "results.xml"), (_ENTITIES + b"<q>&b;</q>", "results.xml_dtd"),
        (b'<!DOCTYPE q SYSTEM "file:///etc/passwd"><q/>', "results.xml_dtd"), (b"<html/>", "results.qif"),
        (qif().replace(b"qif3", b"qif4"), "results.qif"),
        (qif().replace(b"0.0254<", b"0.3048<"), "results.unit_contradiction"),
        (qif().replace(b">20</Char", b">2000</Char"), "results.reference"),
        (qif().replace(b"<TargetValue>0.395</TargetValue>", b""), "results.limits"),
        (qif().replace(b">0.395</Value>", b">NaN</Value>"), "results.not_finite"),
        (qif().replace(b'Item id="21"', b'Item id="20"'), "results.qif_id"),
        (qif().replace(b"<Id>50</Id>", b"<Id>51</Id>"), "results.reference"),
        (qif().replace(b"<MaxValue>91</MaxValue>", b"<MaxValue>8</MaxValue>"), "results.limits"),
        (qif().replace(b"MeasuredCharacteristics", b"MeasuredNothing"), "results.empty"),
        (qif().replace(b"2026-02-03T09", b"soon"), "results.time"),
        (b'<?xml version="1.0" encoding="x-unknown"?><QIFDocument/>', "results.xml"),
    ],
)  # fmt: skip
def test_qif_that_cannot_be_meant_is_refused_with_its_reason(tmp_path: Path, data: bytes, code: str) -> None:
    assert refused(tmp_path, data) == code


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, CSV, format="xlsx") == "results.format"
    assert refused(tmp_path, CSV, format="json") == "json.syntax"


def test_real_plates_of_two_laboratories_come_with_all_their_characteristics(shared_data: Path) -> None:
    folder = shared_data / "cadscan_nist_mtc_plate"
    first = read_results(folder / "plate_FAIR_NIST_20parts.qif", ImportOptions(unit="mm", angle_unit="deg"))
    second = read_results(
        folder / "plate_incoming_MTC_20parts.qif",
        ImportOptions(serial_pattern=r"PLATE_RESULTS_A0*(\d+)_", serials={"20": "20"}),
    )
    numbers = [str(number) for number in range(1, 21)]
    assert [one.serial for one in first.inspections] == [one.serial for one in second.inspections] == numbers
    assert (first.row_count, second.row_count) == (760, 620)
    verdicts = [Counter(row.verdict for one in reading.inspections for row in one.rows) for reading in (first, second)]
    assert verdicts == [{"pass": 662, "fail": 98}, {"pass": 569, "fail": 51}]
    wrong = [
        sum(contradicts(row.verdict, "inconclusive", row.value, row.u, row.lower, row.upper) for row in one.rows)
        for reading in (first, second) for one in reading.inspections
    ]  # fmt: skip
    assert (sum(wrong[:20]), sum(wrong[20:])) == (0, 20)
    assert {row.u for reading in (first, second) for one in reading.inspections for row in one.rows} == {None}


@pytest.mark.parametrize(
    ("name", "inspections", "rows", "unit"),
    [
        ("WIDGET_QIF_RESULTS.QIF", 1, 42, ""), ("SheetMetal_QIF_Results_6_samples.QIF", 6, 228, ""),
        ("mitutoyo_statistics_capability_study_with_subgroups_sample.QIF", 30, 30, "in"),
    ],
)  # fmt: skip
def test_samples_of_the_standards_body_are_read(
    shared_data: Path, name: str, inspections: int, rows: int, unit: str
) -> None:
    reading = read_results(shared_data / "qif" / "samples" / name, ImportOptions(unit=unit))
    assert (len(reading.inspections), reading.row_count) == (inspections, rows)
