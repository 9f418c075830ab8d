"""What Prometheus may ask: requests as they are answered, and the state of the appliance when it is asked.

The only importer of prometheus_client.  State is read at most once in ``_KEPT_S``: asking often costs nothing.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import Counter as Counting
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from appliance import __version__
from appliance.errors import D2RError
from appliance.inspections.repository import count_by_state
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

_KEPT_S: Final = 5.0
#: The library's variable: where several processes count together.
_TOGETHER: Final = "PROMETHEUS_MULTIPROC_DIR"
#: Upper edges of the histogram of answers, in seconds.
_EDGES_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The counters of one web process, or of all where they count together, and what is read from the appliance."""

    def __init__(self, site: Site) -> None:
        own, self._state = CollectorRegistry(), CollectorRegistry()
        labels = ("endpoint", "method", "status")
        self._requests = Counter("d2r_http_requests", "Answered requests.", labels, registry=own)
        self._seconds = Histogram(
            "d2r_http_request_seconds", "Time to the head of the answer.", ("endpoint",), buckets=_EDGES_S,
            registry=own,
        )  # fmt: skip
        #: What the library looks up by labels at every use.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._counted = own
        if os.environ.get(_TOGETHER):
            self._counted = CollectorRegistry()
            MultiProcessCollector(self._counted)  # type: ignore[no-untyped-call]
        self._state.register(_State(site))

    def count(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = self._known.get((endpoint, method, status))
        if known is None:
            known = self._requests.labels(endpoint, method, str(status)), self._seconds.labels(endpoint)
            self._known[(endpoint, method, status)] = known
        known[0].inc()
        known[1].observe(seconds)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self._counted) + generate_latest(self._state)


class _State(Collector):
    """Gauges that are read from the appliance itself."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._read: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at > _KEPT_S:
                self._read, self._read_at = list(self._measure()), time.monotonic()
            yield from self._read

    def _measure(self) -> Iterator[Metric]:
        yield _gauge("d2r_info", "The version of the appliance.", ("version",), [((__version__,), 1)])
        free = shutil.disk_usage(self._site.settings.data).free
        yield _gauge("d2r_free_bytes", "Free space of the data folder.", (), [((), free)])
        depth = self._site.queue.depth()
        yield _gauge("d2r_redis_up", "Whether Redis answers.", (), [((), float(depth is not None))])
        waiting = [((priority,), count) for priority, count in (depth or {}).items()]
        yield _gauge("d2r_queue_jobs", "Jobs that wait.", ("priority",), waiting)
        counted = [((state,), count) for state, count in self._inspections().items()]
        yield _gauge("d2r_inspections", "Inspections of all workspaces.", ("state",), counted)

    def _inspections(self) -> dict[str, int]:
        """Over all workspaces together: who watches the machine need not know who works on it."""
        counts: Counting[str] = Counting()
        try:
            for workspace in self._site.workspaces():
                counts.update(count_by_state(self._site.system_scope(workspace.id)))
        except D2RError as error:
            log.warning("inspections are not counted: %s [%s]", error, error.code)
        return counts


def _gauge(
    name: str, meaning: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for labelled, value in values:
        family.add_metric(labelled, value)
    return family
