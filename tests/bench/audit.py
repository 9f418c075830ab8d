"""The audit log in the database: appends, proofs, checkpoints and full validation at a million entries.

    python -m tests.bench.audit [--entries N] [--singles N]

A bulk append is one transaction.  A single append is one entry with its own commit and fsync (synchronous=FULL), which
is what a caller's transaction costs at least; ``record`` adds who acted and, for a person, the sealed opening.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import Entry
from appliance.audit.recording import record
from appliance.config.settings import load_settings
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entries(count: int) -> Iterator[Entry]:
    """Entries as a verdict makes them, about 500 bytes each."""
    by = {"id": "key_01j0000000000000000000000", "kind": "key", "role": "device"}
    for number in range(count):
        subjects = {"scan": f"{number:064x}", "cad": f"{number % 97:064x}"}
        yield Entry("inspection.judged", MOMENT, subjects, {"by": by, "inspection": f"ins_{number:026d}"})


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def milliseconds(calls: list[Callable[[], object]]) -> str:
    """Median and worst of many calls."""
    times = sorted(timed(call) for call in calls)
    return f"{1e3 * statistics.median(times):.1f} ms median, {1e3 * times[-1]:.1f} ms worst of {len(times)}"


def machine() -> str:
    """Processor and memory."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(models)} x {models[0].partition(': ')[2]}, Python {platform.python_version()}"


def fsync_ms(folder: Path) -> float:
    """What one durable write of 4 KiB costs here."""
    descriptor = os.open(folder / "probe", os.O_WRONLY | os.O_CREAT)
    times = []
    for _ in range(200):
        os.write(descriptor, bytes(4096))
        times.append(timed(lambda: os.fsync(descriptor)))
    os.close(descriptor)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--singles", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(Path(folder) / "data", {"D2R_NAME": "plant.example/7"})
        with Site.open(settings, create=True) as site:
            workspace = site.create_workspace("line-1", "Line 1", SYSTEM)
            user = Principal("usr_1", "user", "Max", "owner")
            measure(site, workspace.id, user, options.entries, options.singles)


def measure(site: Site, workspace_id: str, user: Principal, count: int, singles: int) -> None:
    """Fill the log of a workspace and ask it everything."""
    scope = site.system_scope(workspace_id)
    log = DatabaseLog.of(scope)
    print(f"{machine()}; fsync of 4 KiB {fsync_ms(site.settings.data):.2f} ms")
    seconds = timed(lambda: log.append_many(entries(count)))
    print(f"bulk append          {count / seconds:10,.0f} entries/s   ({count:,} in one transaction, {seconds:.1f} s)")
    seconds = timed(log.checkpoint)
    print(f"first checkpoint     {seconds:10.2f} s   (validates everything, then signs)")
    more = list(entries(singles))
    seconds = timed(lambda: [log.append(one) for one in more])
    print(f"single append        {singles / seconds:10,.0f} entries/s   (a transaction and its fsync each)")
    with scope.transaction():
        seconds = timed(lambda: [log.append(one) for one in more])
    print(f"joined append        {singles / seconds:10,.0f} entries/s   (one by one in one caller's transaction)")
    for principal, name in ((SYSTEM, "record()"), (user, "record() by a person")):
        seconds = timed(lambda p=principal: [record(scope, "scan.received", by=p) for _ in range(singles)])  # type: ignore[misc]
        print(f"{name:20} {singles / seconds:10,.0f} entries/s   (a transaction and its fsync each)")
    size = log.size
    seconds = timed(log.checkpoint)
    print(f"next checkpoint      {1e3 * seconds:10.1f} ms  (validates {4 * singles:,} new entries, then signs)")
    places = [size * step // 60 for step in range(60)]
    print(f"proof of one record   {milliseconds([lambda at=at: log.proof_file(at) for at in places])}")  # type: ignore[misc]
    print(f"update for a witness  {milliseconds([lambda at=at: log.update_since(at) for at in places])}")  # type: ignore[misc]
    seconds = timed(log.validate)
    print(f"full validation      {seconds:10.2f} s   ({size:,} entries, {1e6 * seconds / size:.2f} us each)")
    stored = site.databases.path(workspace_id).stat().st_size
    print(f"database             {stored / 1e6:10,.0f} MB  ({stored / size:.0f} bytes an entry)")


if __name__ == "__main__":
    main()
