"""The picture's scale shows the limit that fails, the histogram says what its ends hold, and nothing breaks a line."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance.inspections.records import Inspection
from appliance.qc.records import FAIL, Characteristic
from appliance.reports.sections.scale import Scale
from appliance.reports.sheet import printable
from tests.sample_inspection import sample_inspection
from tests.sample_report import issue_sample
from tests.services import require


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    return sample_inspection(tmp_path_factory.mktemp("scale"))


def with_limits(inspection: Inspection, name: str, lower: float | None, upper: float | None) -> Inspection:
    """The inspection with other limits for one characteristic, in its plan and in its verdict."""

    def changed(item: Characteristic) -> Characteristic:
        return replace(item, lower_mm=lower, upper_mm=upper) if item.name == name else item

    plan = replace(inspection.plan, characteristics=tuple(map(changed, inspection.plan.characteristics)))
    results = tuple(replace(r, characteristic=changed(r.characteristic)) for r in inspection.verdict.results)
    return replace(inspection, plan=plan, verdict=replace(inspection.verdict, results=results))


def without_failures(inspection: Inspection) -> Inspection:
    results = tuple(r for r in inspection.verdict.results if r.decision != FAIL)
    return replace(inspection, verdict=replace(inspection.verdict, results=results))


def text_of(pdf: Path) -> str:
    require("pdftotext", shutil.which("pdftotext") is not None, "install poppler-utils")
    return subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout


def test_the_scale_ends_at_the_widest_limit_where_failing_limits_are_not_much_narrower(inspection: Inspection) -> None:
    scale = Scale.of(inspection)
    assert (scale.span_mm, scale.tied_to) == (0.15, "")
    assert scale.limits_mm == (-0.15, -0.1, -0.05, 0.05, 0.08, 0.15)
    assert scale.missed_mm == (-0.1,)


def test_a_narrow_limit_that_fails_is_not_grey_beside_a_wide_one(inspection: Inspection) -> None:
    wide = with_limits(inspection, "Plate profile", -1.5, 1.5)
    scale = Scale.of(wide)
    assert (scale.span_mm, scale.tied_to) == (0.2, "Boss top wear")
    assert "twice the limit that 'Boss top wear' does not meet" in scale.note
    grey, missed, beyond = scale.colours(np.array([0.0, -0.1, -0.21])).astype(int)
    assert np.abs(grey - missed).max() > 60
    assert np.abs(grey - beyond).max() > 160


def test_wide_limits_set_the_scale_where_nothing_fails(inspection: Inspection) -> None:
    scale = Scale.of(without_failures(with_limits(inspection, "Plate profile", -1.5, 1.5)))
    assert (scale.span_mm, scale.tied_to, scale.missed_mm) == (1.5, "", ())


def test_a_failing_limit_of_zero_narrows_nothing(inspection: Inspection) -> None:
    scale = Scale.of(with_limits(inspection, "Boss top wear", 0.0, None))
    assert (scale.span_mm, scale.missed_mm) == (0.15, (0.0,))


def test_the_report_names_what_the_ends_of_the_histogram_hold(inspection: Inspection, tmp_path: Path) -> None:
    counts = np.array([70, 0, 5, 9, 31])
    edges = np.array([-0.5, -0.3, -0.1, 0.1, 0.3, 0.5])
    histogram = replace(inspection.histogram, counts=counts, edges_mm=edges)
    shown = text_of(issue_sample(tmp_path, replace(inspection, histogram=histogram)).issued.pdf)
    assert "70 points ≤ −0.300, 31 points ≥ +0.300" in shown


def test_a_temperature_that_nobody_stated_is_a_warning(inspection: Inspection, tmp_path: Path) -> None:
    assert inspection.instrument is not None
    silent = replace(inspection, instrument=replace(inspection.instrument, temperature_c=None))
    corrected = replace(silent, instrument=replace(inspection.instrument, temperature_corrected=True))
    warning = "The temperature of the part was not stated"
    for name, subject, warned in (("a", inspection, False), ("b", silent, True), ("c", corrected, False)):
        assert (warning in text_of(issue_sample(tmp_path / name, subject).issued.pdf)) is warned


def test_control_characters_are_spelled_out_in_a_line() -> None:
    assert printable("scan\n1\t\x07\u2028.e57", "text") == "scan<U+000A>1<U+0009><U+0007><U+2028>.e57"


def test_a_file_name_with_a_line_break_is_printed_without_a_complaint(
    inspection: Inspection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evidence = dict(inspection.evidence)
    evidence["scan"] = Path(shutil.copy(evidence["scan"], tmp_path / "plate\n0042.ply"))
    issued = issue_sample(tmp_path / "out", replace(inspection, evidence=evidence)).issued
    assert "plate<U+000A>0042.ply" in text_of(issued.pdf)
    assert not [record for record in caplog.records if record.name.startswith("fpdf")]
