"""A small part, its plan and its scans, made once for all command tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from appliance.cli.main import run
from appliance.simulate.part import machined_housing
from appliance.simulate.series import CASES, INSTRUMENT, PLAN, Case, Series, file_from_part
from appliance.simulate.stl_file import write_part

POINTS = 220_000


@dataclass(frozen=True)
class Bench:
    """Files to inspect, and the truth about them."""

    folder: Path
    series: Series

    def scan(self, case: Case) -> Path:
        path = self.folder / f"{case.name}.e57"
        return path if path.exists() else self.series.write_scan(self.folder, case, POINTS)

    def truth(self, case: Case) -> Path:
        """The alignment that undoes the pose in the room."""
        path = self.folder / f"{case.name}.truth.json"
        path.write_text(json.dumps({"part_from_scanner": np.linalg.inv(file_from_part(case.seed)).tolist()}))
        return path


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    part = machined_housing(edge_mm=2.0)
    plan, instrument = folder / "housing.plan.toml", folder / "scanner.toml"
    plan.write_text(PLAN.replace("detect = 5", "detect = 9").replace("detect = 6", "detect = 9"))
    instrument.write_text(INSTRUMENT)
    return Bench(folder, Series(part, write_part(folder, "housing", part), plan, instrument))


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    return {case.name: replace(case) for case in CASES}


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys and log of the tests, not of the person who runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D2R_HOME", str(tmp_path_factory.mktemp("home") / "d2r"))
        yield


@pytest.fixture
def d2r(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line; returns exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call
