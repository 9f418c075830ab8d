"""The first step of an inspection, which needs nothing of the others: it can begin while these are being loaded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from appliance.inspections.request import InspectionRequest
from appliance.inspections.steps import NoWatcher, Steps, Watcher
from appliance.scans.reading import read_scan
from appliance.scans.records import PointCloud


@dataclass(frozen=True)
class Begun:
    """An inspection whose scan is being read."""

    request: InspectionRequest
    steps: Steps
    scan: Future[PointCloud]


@contextmanager
def begin(request: InspectionRequest, watcher: Watcher | None = None) -> Iterator[Begun]:
    """Read the scan in a thread of its own, which has ended when the block ends."""
    steps = Steps(watcher or NoWatcher())
    with ThreadPoolExecutor(1) as beside:
        yield Begun(request, steps, beside.submit(_read_scan, request, steps))


def _read_scan(request: InspectionRequest, steps: Steps) -> PointCloud:
    with steps.step("read scan") as progress:
        return read_scan(request.scan, unit=request.scan_unit, progress=progress)
