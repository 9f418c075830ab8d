"""What a request pays before its work begins: authentication, the scope of its workspace, one commit."""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from appliance.config.settings import load_settings
from appliance.identity.api_keys import authenticate, create_api_key
from appliance.plant.models import Part
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

WORKSPACES = 20
THREADS = 16


def median_ms(work: Callable[[], None], count: int = 1000) -> tuple[float, float]:
    """Median and 95th percentile of ``count`` calls, in ms."""
    seconds = []
    for _ in range(count):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1e3, sorted(seconds)[int(0.95 * count)] * 1e3


def request(site: Site, token: str, slug: str) -> None:
    """What every request does first."""
    with site.scope(authenticate(site, token), slug):
        pass


def threaded_ms(site: Site, tokens: dict[str, str]) -> float:
    """Wall time a request, with 16 threads that change workspace every time."""
    slugs, each = list(tokens), 200

    def work(first: int) -> None:
        for n in range(each):
            slug = slugs[(first + n) % len(slugs)]
            request(site, tokens[slug], slug)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begin) / (THREADS * each) * 1e3


def writers_s(site: Site, slug: str) -> tuple[float, int]:
    """Seconds that 800 writers take who start at once, and how many failed."""
    scope, failed = site.scope(SYSTEM, slug), []

    def write(n: int) -> None:
        try:
            with scope.transaction():
                insert(f"w{n}")
        except Exception as error:  # noqa: BLE001  a failure of any kind counts
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(800)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin, len(failed)


def insert(name: str) -> None:
    Part.create(id=name, name=name, created_at="", created_by="", updated_at="")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Site.open(load_settings(Path(folder) / "d", {}), create=True) as site,
    ):
        tokens = {}
        for n in range(WORKSPACES):
            site.create_workspace(f"w{n}", "W", SYSTEM)
            tokens[f"w{n}"] = create_api_key(site, f"w{n}", "operator", "bench", SYSTEM)[1]
        scope, counter = site.scope(SYSTEM, "w0"), iter(range(10**6))

        def enter() -> None:
            with scope:
                pass

        def commit() -> None:
            with scope.transaction():
                insert(f"c{next(counter)}")

        for name, work in (
            ("authenticate and enter", lambda: request(site, tokens["w0"], "w0")),
            ("enter and leave a scope", enter),
            ("commit one row", commit),
        ):
            median, high = median_ms(work)
            print(f"{name:<28} median {median:.3f} ms, 95th percentile {high:.3f} ms")
        print(f"{THREADS} threads, {WORKSPACES} workspaces     {threaded_ms(site, tokens):.3f} ms a request")
        seconds, failed = writers_s(site, "w0")
        print(f"800 concurrent writers       {seconds:.2f} s, {failed} failed")


if __name__ == "__main__":
    main()
