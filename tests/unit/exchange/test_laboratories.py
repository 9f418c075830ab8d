"""Who measured is kept with each inspection, in every format, and laboratories are compared by what they measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from appliance.core.canonical import loads_strict
from appliance.errors import InvalidInput
from appliance.exchange.carrying import carry_results
from appliance.exchange.reading import read_results
from appliance.exchange.records import ImportOptions
from appliance.exchange.service import get_results_file, receive_results
from appliance.inspections.repository import list_inspections
from appliance.measurements.recording import supersede_measurements
from appliance.reports.service import report_file
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends import laboratories
from appliance.trends.laboratories import laboratories_compared
from tests.results_samples import qif, results_json

SAID = ImportOptions(part="plate", create=True, unit="mm", measured_at="2026-02-03T08:00:00Z")
HEAD = "serial,name,value,U,lower,upper,laboratory\n"


def laboratories_of(folder: Path, data: str | bytes, options: ImportOptions = SAID) -> tuple[list[str], str]:
    """Those of the inspections, and what the file is said to be from."""
    path = folder / "results"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    reading = read_results(path, options)
    return [one.laboratory for one in reading.inspections], reading.laboratory


def test_two_laboratories_that_measured_one_item_make_two_inspections(tmp_path: Path) -> None:
    text = f"{HEAD}A,bore,10,0.1,9,11,NIST\nA,form,1,0.1,,2,NIST\nA,bore,10,0.1,9,11,MTC\nB,bore,10,0.1,9,11,\n"
    assert laboratories_of(tmp_path, text) == (["NIST", "MTC", ""], "MTC, NIST")
    assert laboratories_of(tmp_path, text, replace(SAID, laboratory="one")) == (["one"] * 3, "one")


def test_an_inspection_in_json_says_otherwise_than_its_file(tmp_path: Path) -> None:
    rows = [{"name": "bore", "value": 10.0}]
    own = [{"serial": "A", "characteristics": rows, "laboratory": "MTC"}, {"serial": "B", "characteristics": rows}]
    assert laboratories_of(tmp_path, results_json(inspections=own))[0] == ["MTC", "Metrology 2"]


def test_results_of_a_qif_document_say_otherwise_than_the_document(tmp_path: Path) -> None:
    document = qif()
    assert laboratories_of(tmp_path, document)[0] == ["Lab 9"]
    traced = "<InspectionTraceability><InspectingOrganization><Name>MTC</Name></InspectingOrganization>"
    text = document.decode() if isinstance(document, bytes) else document
    assert "<InspectionTraceability>" in text
    assert laboratories_of(tmp_path, text.replace("<InspectionTraceability>", traced, 1))[0] == ["MTC"]


def test_it_is_kept_with_the_inspection_and_its_signed_result(scope: WorkspaceScope, tmp_path: Path) -> None:
    path = tmp_path / "plates.csv"
    path.write_text(f"{HEAD}A,bore,10,0.1,9,11,NIST\nA,bore,10,0.1,9,11,MTC\n")
    row = receive_results(scope, path, SAID)
    assert carry_results(scope, row.id) == "recorded"
    assert get_results_file(scope, row.id).laboratory == "MTC, NIST"
    for laboratory in ("NIST", "MTC"):
        [one] = list_inspections(scope, laboratory=laboratory)
        result = loads_strict(b"".join(report_file(scope, one.id, "result.json")))
        assert result["results_file"]["laboratory"] == laboratory


def test_laboratories_are_compared_as_machines_are(
    scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    values = {"NIST": rng.normal(10.0, 0.01, 20), "MTC": rng.normal(10.02, 0.03, 20)}
    lines = [f"{n},bore,{x!r},0.01,9,11,{who}" for who, all_ in values.items() for n, x in enumerate(all_.tolist())]
    path = tmp_path / "plates.csv"
    path.write_text(HEAD + "\n".join([*lines, "99,bore,50,0.01,9,11,"]))
    row = receive_results(scope, path, SAID)
    assert carry_results(scope, row.id) == "recorded"
    found = laboratories_compared(scope, "bore")
    assert found.p == pytest.approx(stats.ttest_ind(*values.values(), equal_var=False).pvalue, rel=1e-9)
    assert {one.name: (one.measured, one.mean) for one in found.groups} == {
        who: (20, pytest.approx(all_.mean(), rel=1e-12)) for who, all_ in values.items()
    }
    assert {one.name: one.sd for one in found.groups} == {
        who: pytest.approx(all_.std(ddof=1), rel=1e-9) for who, all_ in values.items()
    }
    assert "differ" in found.finding
    assert laboratories_compared(scope, "bore", since="2026-03-01T00:00:00Z").groups == ()
    with scope.transaction():
        gone = [one.id for one in list_inspections(scope, laboratory="MTC")]
        supersede_measurements(scope, gone, gone[0])
    assert laboratories_compared(scope, "bore").finding.startswith("Nothing can be told")
    monkeypatch.setattr(laboratories, "MOST_VALUES", 19)
    with pytest.raises(InvalidInput, match="More than 19"):
        laboratories_compared(scope, "bore")
