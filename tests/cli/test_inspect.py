"""``d2r inspect`` as a user runs it: exit codes, files, the contract of result.json, and wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CONTRACT = {
    "points", "triangles", "deviation_mm", "outliers", "alignment", "characteristics", "verdict", "hashes", "engine",
    "timings_s",
}  # fmt: skip
FIGURES = {"count", "mean", "std", "min", "max", "p1", "p5", "p25", "p50", "p75", "p95", "p99"}
ROW = {"name", "zone", "quantity", "value_mm", "u_mm", "U_mm", "k", "lower_mm", "upper_mm", "coverage", "decision"}
FILES = {
    "result.json", "deviation.laz", "deviation.ply", "report.pdf", "report.json", "report.tlog-proof", "evidence.zip",
    "points.d2rt",
}  # fmt: skip


@pytest.fixture(scope="module")
def inspected(bench, cases, tmp_path_factory):
    """Inspect a case once; returns (exit code, result, folder)."""
    from appliance.cli.main import run

    done: dict[str, tuple[int, dict, Path]] = {}

    def inspect(name: str) -> tuple[int, dict, Path]:
        if name not in done:
            out = tmp_path_factory.mktemp(name)
            code = run(
                ["inspect", str(bench.scan(cases[name])), "--cad", str(bench.series.cad), "--characteristics",
                 str(bench.series.plan), "--instrument", str(bench.series.instrument), "--align", "--out", str(out)]
            )  # fmt: skip
            done[name] = code, json.loads((out / "result.json").read_text()), out
        return done[name]

    return inspect


def decisions(result: dict) -> dict[str, str]:
    return {row["name"]: row["decision"] for row in result["characteristics"]}


def test_a_new_part_passes_and_leaves_every_file(inspected) -> None:
    code, result, folder = inspected("scan-1")
    assert (code, result["verdict"]) == (0, "pass")
    assert {path.name for path in folder.iterdir()} == FILES


def test_the_contract_for_scripts_is_kept(inspected) -> None:
    _, result, _ = inspected("scan-1")
    assert set(result) >= CONTRACT
    assert set(result["deviation_mm"]) == FIGURES
    assert all(set(row) >= ROW for row in result["characteristics"])
    assert set(result["alignment"]) >= {
        "part_from_scanner",
        "residual_rms_mm",
        "ambiguous",
        "mode",
        "best_distinct_ratio",
    }
    assert result["deviation_mm"]["count"] + result["outliers"] == result["points"]
    assert {"scan_sha256", "cad_sha256", "characteristics_sha256"} <= set(result["hashes"])


def test_the_alignment_finds_the_true_pose(inspected, bench, cases) -> None:
    _, result, _ = inspected("scan-1")
    truth = np.array(json.loads(bench.truth(cases["scan-1"]).read_text())["part_from_scanner"])
    found = np.array(result["alignment"]["part_from_scanner"])
    corners = np.array([[0, 0, 0, 1], [160, 0, 0, 1], [0, 100, 42, 1], [160, 100, 0, 1]], dtype=float).T
    room = np.linalg.inv(truth) @ corners
    assert np.abs((found @ room - corners)[:3]).max() < 0.005


def test_strays_are_counted_as_outliers_and_nothing_else_is(inspected) -> None:
    _, result, _ = inspected("scan-1")
    assert 35 <= result["outliers"] <= 60


def test_wear_is_measured_where_it_is_and_how_deep(inspected) -> None:
    _, result, _ = inspected("scan-3")
    row = next(row for row in result["characteristics"] if row["name"] == "Pad wear")
    assert row["value_mm"] == pytest.approx(-0.11, abs=row["U_mm"])
    assert row["minimum_at_mm"][0] > 140.0


def test_a_dent_fails_at_its_place(inspected) -> None:
    code, result, _ = inspected("scan-4")
    assert (code, decisions(result)["Top profile"]) == (1, "fail")
    row = next(row for row in result["characteristics"] if row["name"] == "Top profile")
    assert row["minimum_mm"] < -0.4
    assert row["minimum_at_mm"] == pytest.approx([36.0, 74.0, 24.0], abs=2.0)


def test_a_bore_that_was_not_scanned_is_not_measured(inspected) -> None:
    code, result, _ = inspected("scan-5")
    assert (code, result["verdict"]) == (2, "not_measured")
    assert decisions(result)["Bore floor height"] == "not_measured"


def test_flat_faces_alone_leave_the_alignment_ambiguous(inspected) -> None:
    code, result, _ = inspected("scan-6")
    assert (code, result["verdict"], result["alignment"]["ambiguous"]) == (2, "inconclusive", True)


def test_the_supplied_truth_gives_the_same_values_as_the_fit(inspected, bench, cases, d2r, tmp_path) -> None:
    _, fitted, _ = inspected("scan-3")
    code, out, _ = d2r(
        "inspect", bench.scan(cases["scan-3"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--alignment", bench.truth(cases["scan-3"]), "--out", tmp_path, "--json",
    )  # fmt: skip
    supplied = json.loads(out)
    assert code == 2
    for a, b in zip(fitted["characteristics"], supplied["characteristics"], strict=True):
        assert a["value_mm"] == pytest.approx(b["value_mm"], abs=0.005)
        assert any("asks for the alignment 'reference_zones'" in reason for reason in b["reasons"])


def test_without_an_instrument_nothing_passes(bench, cases, d2r, tmp_path) -> None:
    code, out, _ = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--align", "--out", tmp_path, "--json",
    )  # fmt: skip
    result = json.loads(out)
    assert (code, result["verdict"]) == (2, "inconclusive")
    assert all("uncertainty is not stated" in row["reasons"][0] for row in result["characteristics"])


def test_an_overdue_calibration_is_named_and_nothing_passes(bench, cases, d2r, tmp_path) -> None:
    overdue = tmp_path / "overdue.toml"
    overdue.write_text(bench.series.instrument.read_text().replace("2036-01-15", "2026-02-01"))
    code, out, _ = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--align", "--instrument", overdue, "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 2
    assert "due on 2026-02-01" in json.loads(out)["characteristics"][0]["reasons"][0]


def test_a_table_shows_what_was_found(inspected, bench, cases, d2r, tmp_path) -> None:
    code, out, err = d2r(
        "inspect", bench.scan(cases["scan-4"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--instrument", bench.series.instrument, "--align", "--out", tmp_path,
    )  # fmt: skip
    assert code == 1
    assert "Top profile" in out
    assert "FAIL" in out
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument"),
        (["nothing.e57", "--cad", "x"], "does not exist"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{plan}"], "--out"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{plan}", "--out", "{out}", "--units", "parsec"], "parsec"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{plan}", "--out", "{out}", "--align", "--alignment",
          "{plan}"], "exclude each other"),
        (["{cad}", "--cad", "{cad}", "--characteristics", "{plan}", "--out", "{out}"], ""),
        (["{scan}", "--cad", "{scan}", "--characteristics", "{plan}", "--out", "{out}"], ""),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{cad}", "--out", "{out}"], "UTF-8"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{badzone}", "--out", "{out}"], "Did you mean 'bore_wall'"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{plan}", "--out", "{out}", "--alignment", "{mirror}"],
         "alignment.matrix.mirror"),
        (["{scan}", "--cad", "{cad}", "--characteristics", "{plan}", "--out", "{plan}"], ""),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_code_three(bench, cases, d2r, tmp_path, arguments, says) -> None:
    badzone, mirror = tmp_path / "badzone.csv", tmp_path / "mirror.json"
    badzone.write_text("name,zone,quantity,lower_mm,upper_mm,coverage\na,bore_wal,mean,-1,1,0.5\n")
    mirror.write_text("[[-1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]")
    names = {"scan": bench.scan(cases["scan-1"]), "cad": bench.series.cad, "plan": bench.series.plan,
             "out": tmp_path / "out", "badzone": badzone, "mirror": mirror}  # fmt: skip
    code, out, err = d2r("inspect", *(argument.format(**names) for argument in arguments))
    assert (code, out) == (3, "")
    assert err.startswith("d2r: ")
    assert err.count("\n") == 1
    assert says in err


def test_an_error_that_nobody_foresaw_is_one_line_and_code_three(bench, cases, d2r, tmp_path, monkeypatch) -> None:
    import appliance.inspections.pipeline as pipeline

    def broken(*arguments, **options):
        raise ZeroDivisionError("nobody\nforesaw this")

    monkeypatch.setattr(pipeline, "read_cad", broken)
    code, out, err = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--out", tmp_path,
    )  # fmt: skip
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "ZeroDivisionError" in err


def test_help_imports_neither_the_engine_nor_numpy() -> None:
    program = (
        "import sys; from appliance.cli.main import run; code = run(['--help']);"
        "heavy = {'numpy', 'numba', 'scipy', 'rich', 'fpdf', 'nacl', 'cryptography'} & set(sys.modules);"
        "sys.exit(code or bool(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_the_clouds_are_bound_to_the_signed_result(inspected, d2r, tmp_path) -> None:
    import shutil

    _, result, folder = inspected("scan-1")
    assert set(result["clouds_sha256"]) == {"deviation.laz", "deviation.ply", "points.d2rt"}
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    assert d2r("verify", copy)[0] == 0
    data = bytearray((copy / "deviation.laz").read_bytes())
    data[len(data) // 2] ^= 1
    (copy / "deviation.laz").write_bytes(data)
    code, out, _ = d2r("verify", copy)
    assert code == 1
    assert "deviation.laz" in out
    (copy / "deviation.laz").unlink()
    assert d2r("verify", copy)[0] == 2


def test_zones_of_the_plan_itself_are_judged(bench, cases, d2r, tmp_path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "[zones.corner]\nbox = { lower = [112, 2, 20], upper = [150, 40, 30] }\n"
        '[[characteristic]]\nname = "c"\nzone = "corner"\nquantity = "mean"\nlower = -0.1\nupper = 0.1\n'
        "coverage = 0.8\ndetect = 9\nu_instrument = 0.01\n"
    )
    code, out, _ = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", plan,
        "--alignment", bench.truth(cases["scan-1"]), "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0
    (row,) = json.loads(out)["characteristics"]
    assert row["zone_area_mm2"] == pytest.approx(38 * 38, rel=0.02)


def test_a_reader_that_leaves_early_is_no_verdict(bench, cases, tmp_path) -> None:
    program = Path(sys.executable).with_name("d2r")
    process = subprocess.Popen([str(program), "keys", "show"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    process.stdout.close()
    assert process.wait() == 3


def test_a_failed_run_leaves_no_cloud_and_no_part_of_an_older_one(bench, cases, d2r, tmp_path, monkeypatch) -> None:
    import appliance.inspections.pipeline as pipeline

    def broken(*arguments, **options):
        raise MemoryError("nobody foresaw this")

    (tmp_path / "report.pdf").write_text("old")
    monkeypatch.setattr(pipeline, "verdict_of", broken)
    code, _, _ = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--alignment", bench.truth(cases["scan-1"]), "--out", tmp_path,
    )  # fmt: skip
    assert code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_unit_is_suspected_aloud(bench, cases, d2r, tmp_path) -> None:
    code, out, _ = d2r(
        "inspect", bench.scan(cases["scan-1"]), "--cad", bench.series.cad, "--characteristics", bench.series.plan,
        "--scan-units", "in", "--out", tmp_path, "--json",
    )  # fmt: skip
    result = json.loads(out)
    assert code == 2
    assert any("--scan-units" in note for note in result["notes"])
