"""An authenticated read of one scan record against a bare Flask route, at 50 clients, on both backends.

    python tests/bench/reads.py [seconds a round, default 4]

Each server is gunicorn (gthread, two processes of eight threads, as ``d2r up`` has them) on this machine, asked in
turns by the same 50 clients over connections that stay open; the clients share the processors with it.  Bars: P95 at
most twice that of the bare route; what scope and authentication add to one request of a single client, less than 2 ms
in the median.  Beside them: the processor time of a request, which other work on the machine disturbs less, in the web
server, in PostgreSQL, and in the clients.
"""

from __future__ import annotations

import http.client
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.line_samples import known_part, sample_files, stored_scan
from tests.postgresql_cluster import cluster

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, PROCESSES, THREADS, ROUNDS = 50, 2, 8, 3
BARE = """
import flask
bare = flask.Flask("bare")
bare.add_url_rule("/", view_func=lambda: {"id": "scn_1", "state": "stored"})
"""


@contextmanager
def serving(folder: Path, application: str, **environ: str) -> Iterator[int]:
    """Gunicorn over an application; gives its port."""
    log = folder / "gunicorn.log"
    command = [sys.executable, "-m", "gunicorn", application, "--bind", "127.0.0.1:0", "--worker-class", "gthread"]
    command += ["--workers", str(PROCESSES), "--threads", str(THREADS), "--keep-alive", "30"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}", **environ}
    with log.open("wb") as sink:
        server = subprocess.Popen(command, cwd=folder, env=environment, stderr=sink)
    try:
        until = time.monotonic() + 60
        while log.read_text().count("Booting worker") < PROCESSES and time.monotonic() < until:
            time.sleep(0.05)
        yield int(log.read_text().partition("http://127.0.0.1:")[2].split(" ")[0])
    finally:
        server.terminate()
        server.wait(20)


def asked(port: int, path: str, headers: dict[str, str], clients: int, seconds: float) -> list[float]:
    """Milliseconds of every request that ``clients`` made in ``seconds``, the first of each left out."""
    until, found, lock = time.monotonic() + seconds, [], threading.Lock()

    def ask() -> None:
        connection, own = http.client.HTTPConnection("127.0.0.1", port, timeout=30), []
        while time.monotonic() < until:
            begin = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            own.append((time.perf_counter() - begin) * 1e3)
            if answer.status != 200:
                raise SystemExit(f"{path} answers {answer.status}")
        with lock:
            found.extend(own[1:])

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def spent() -> dict[str, float]:
    """Milliseconds of processor time until now, of the web servers and the PostgreSQL of this process and of itself."""
    known: dict[int, tuple[int, str, float]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command, fields = (place / "cmdline").read_text(), (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        kind = "web" if "gunicorn" in command else "postgres" if "postgres" in command else "clients"
        milliseconds = (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")
        known[int(place.name)] = int(fields[1]), kind, milliseconds
    found: dict[str, float] = {}
    for number, (_, kind, milliseconds) in known.items():
        while number not in (0, os.getpid()):
            number = known[number][0] if number in known else 0
        if number:
            found[kind] = found.get(kind, 0.0) + milliseconds
    return found


def cost(port: int, path: str, headers: dict[str, str], seconds: float) -> dict[str, float]:
    """Milliseconds of processor time of one request."""
    before = spent()
    count = len(asked(port, path, headers, CLIENTS, seconds)) + CLIENTS
    return {name: (now - before[name]) / count for name, now in spent().items()}


def told(costs: dict[str, float]) -> str:
    return " + ".join(f"{one:.2f} {name}" for name, one in costs.items() if one > 0.005)


def p95(milliseconds: list[float]) -> float:
    return sorted(milliseconds)[int(0.95 * len(milliseconds))]


def founded(folder: Path, url: str | None) -> tuple[str, str]:
    """An appliance with one scan; returns the path of its record and a key."""
    settings = load_settings(folder / "data", {"D2R_FREE_SPACE_FLOOR_BYTES": "0"})
    with Site.open(settings, create=True, administrator_url=url) as site:
        site.create_workspace("main", "Main", SYSTEM)
        scope = site.scope(SYSTEM, "main")
        (folder / "samples").mkdir()
        files = sample_files(folder / "samples")
        scan = stored_scan(scope, files, known_part(scope, files))
        return f"/api/v1/workspaces/main/scans/{scan.id}", create_api_key(site, "main", "operator", "bench", SYSTEM)[1]


def compared(name: str, url: str | None, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        (Path(two) / "bare_app.py").write_text(BARE)
        path, token = founded(Path(one), url)
        own = {"Authorization": f"Bearer {token}"}
        data = {"D2R_DATA": str(Path(one) / "data"), "D2R_FREE_SPACE_FLOOR_BYTES": "0"}
        data["D2R_REQUESTS_PER_MINUTE"] = str(1 << 30)
        with serving(Path(two), "bare_app:bare") as bare, serving(Path(one), "web.app:create_app()", **data) as full:
            asked(bare, "/", {}, 4, 1.0)
            asked(full, path, own, 4, 1.0)
            ratios = []
            for _ in range(ROUNDS):
                plain, guarded = asked(bare, "/", {}, CLIENTS, seconds), asked(full, path, own, CLIENTS, seconds)
                ratios.append(p95(guarded) / p95(plain))
                print(
                    f"{name:<11} bare P95 {p95(plain):6.1f} ms, {len(plain) / seconds:5.0f}/s   "
                    f"scan record P95 {p95(guarded):6.1f} ms, {len(guarded) / seconds:5.0f}/s   ratio {ratios[-1]:.2f}"
                )
            more = statistics.median(asked(full, path, own, 1, seconds))
            more -= statistics.median(asked(bare, "/", {}, 1, seconds))
            of_bare, of_full = cost(bare, "/", {}, seconds), cost(full, path, own, seconds)
        print(f"{name:<11} ratio {statistics.median(ratios):.2f} (bar 2); one client: {more:+.2f} ms, median (bar 2)")
        ratio = sum(of_full.values()) / sum(of_bare.values())
        print(
            f"{name:<11} processor, ms a request: bare {told(of_bare)}; scan record {told(of_full)}; ratio {ratio:.2f}"
        )


def main(seconds: float) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}; {CLIENTS} clients, {PROCESSES} processes of {THREADS} threads")
    compared("SQLite", None, seconds)
    compared("PostgreSQL", cluster().new_database(), seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0)
