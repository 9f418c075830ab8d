"""Kernels are compiled by two processes, and whatever these leave out by the one that started them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.supervise.kernels import TOGETHER, WARM

#: Two small stations, one in each group; what was in the cache before and after this process loaded them itself.
PROGRAM = """
import sys
from pathlib import Path
from appliance.supervise import kernels

folder = Path(sys.argv[1])
kernels.WARM, kernels.TOGETHER = ("appliance.scans.warm", "appliance.scans.export.warm"), {"appliance.scans.warm"}
sys.executable, warm, held = sys.argv[2], kernels._warm, []
kernels.os.cpu_count = lambda: 2


def counted(names):
    held.append(len(list(folder.rglob("*.nbc"))))
    warm(names)
    held.append(len(list(folder.rglob("*.nbc"))))


kernels._warm = counted
kernels.warm_up()
print(*held, (folder / kernels.STAMP).exists())
"""


@pytest.mark.slow
@pytest.mark.parametrize("helper", [sys.executable, "/bin/false"])
def test_the_cache_is_full_with_helpers_and_without(tmp_path: Path, helper: str) -> None:
    folder = tmp_path / "kernels"
    folder.mkdir(mode=0o755)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", PROGRAM, str(folder), helper]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    before, after, stamped = done.stdout.split()
    assert stamped == "True"
    assert int(after) > 4
    assert int(before) == (int(after) if helper == sys.executable else 0)


def test_every_module_of_a_group_is_one_that_is_warmed() -> None:
    assert set(WARM) > TOGETHER
