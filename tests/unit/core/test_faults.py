"""Points to die at: dead on the n-th time, and only where that is allowed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from appliance.core.faults import read_fault
from appliance.errors import Misconfigured

_PROGRAM = "from appliance.core.faults import point\nfor n in range(5):\n    print(n, flush=True)\n    point('a.b')\n"


def _run(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    return subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, env=kept | environment)


def test_the_process_dies_when_it_passes_the_point_for_the_third_time() -> None:
    died = _run(D2R_FAULT="a.b:3", D2R_ALLOW_FAULTS="1")
    assert died.returncode == -signal.SIGKILL
    assert died.stdout == "0\n1\n2\n"


@pytest.mark.parametrize("environment", [{}, {"D2R_FAULT": "other:1", "D2R_ALLOW_FAULTS": "1"}])
def test_other_points_are_passed(environment: dict[str, str]) -> None:
    assert _run(**environment).stdout == "0\n1\n2\n3\n4\n"


def test_a_fault_is_refused_where_faults_are_not_allowed() -> None:
    with pytest.raises(Misconfigured) as refused:
        read_fault({"D2R_FAULT": "a.b"})
    assert refused.value.code == "fault.not_allowed"
    assert _run(D2R_FAULT="a.b").returncode not in (0, -signal.SIGKILL)


def test_the_count_is_one_unless_it_is_given() -> None:
    allowed = {"D2R_ALLOW_FAULTS": "1"}
    assert read_fault({"D2R_FAULT": "a.b", **allowed}) == ("a.b", 1)
    assert read_fault({"D2R_FAULT": "a.b:7", **allowed}) == ("a.b", 7)
    assert read_fault(allowed) is None
    for text in ("a.b:0", "a.b:-1", "a.b:x"):
        with pytest.raises(Misconfigured):
            read_fault({"D2R_FAULT": text, **allowed})
