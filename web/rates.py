"""How often a caller may ask: so many requests a minute, counted in Redis for all processes of the appliance.

A process draws allowances in blocks, a hundredth of the limit each, so that most requests ask nobody; a caller may
therefore be over its limit by what other processes had drawn before.  Where Redis does not serve, each process counts
for itself: nobody is refused because the counter is away.  Counters carry the workspace and the principal in their
names, and expire with their minute.

Wrong API keys are counted by the address that they come from; whoever shows a right one is never refused for them.

Source: draft-ietf-httpapi-ratelimit-headers (the fields); RFC 6585, 4 (429).
"""

from __future__ import annotations

import logging
import threading
import time
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Final, NamedTuple

from flask import Response, g, request
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage

from appliance.config.settings import Settings
from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.queue.connection import PAUSE_S, connect
from appliance.tenancy.records import Principal
from web.here import here

log = logging.getLogger(__name__)

WINDOW_S: Final = 60
EXCEEDED: Final = "rate.exceeded"
_BLOCKS: Final = 100
#: Allowances that a process remembers before it forgets those whose minute is over.
_MOST_REMEMBERED: Final = 10_000
_IPV6_PREFIX: Final = 64


class _Drawn(NamedTuple):
    """What a process may still give out to one caller, and what the counter had left for others."""

    left: int
    others: int
    ends_at: float


class Rates:
    """The counters of one process; safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        pool = connect(settings).connection_pool
        self._shared = RedisStorage("redis://", connection_pool=pool, key_prefix="d2r:rate", wrap_exceptions=True)
        self._own = MemoryStorage()
        self._shared_again_at = 0.0
        self._drawn: dict[str, _Drawn] = {}
        self._lock = threading.Lock()
        self._requests = RateLimitItemPerMinute(settings.requests_per_minute, namespace="requests")
        self._failures = RateLimitItemPerMinute(settings.failures_per_minute, namespace="failures")

    def admit(self, principal: Principal) -> None:
        """Count a request; what is left stands in the headers of its answer.

        Raises
        ------
        Denied : the caller asked too often
        """
        who = f"{principal.workspace_id or 'appliance'}:{principal.id}"
        drawn = self._spend(who) or self._add(
            who, self._draw(self._requests, who, max(1, self._requests.amount // _BLOCKS))
        )
        kept, seconds = here()[1], _seconds_to(drawn.ends_at)
        kept.rate = (self._requests.amount, max(0, drawn.left) + drawn.others, seconds)
        if drawn.left < 0:
            kept.retry_after_s = seconds
            raise _exceeded("This caller sends more requests than it may.")

    def count_failure(self) -> None:
        """Count a wrong API key of whoever sends the request.

        Raises
        ------
        Denied : too many came from there
        """
        drawn = self._draw(self._failures, _network(request.remote_addr), 1)
        if drawn.left < 0:
            g.retry_after_s = _seconds_to(drawn.ends_at)
            raise _exceeded("Too many wrong API keys came from this address.")

    def _draw(self, item: RateLimitItemPerMinute, who: str, block: int) -> _Drawn:
        """Take up to ``block`` from the counter and spend one; ``left`` is -1 where there was none."""
        key = item.key_for(who)
        counted, ends_at = self._counted(key, block)
        got = min(block, item.amount - (counted - block))
        return _Drawn(max(got, 0) - 1, max(0, item.amount - counted), ends_at)

    def _counted(self, key: str, amount: int) -> tuple[int, float]:
        if time.monotonic() >= self._shared_again_at:
            try:
                return self._shared.incr(key, WINDOW_S, amount=amount), float(self._shared.get_expiry(key))
            except (StorageError, OSError) as error:
                log.warning("rate.not_shared: Redis does not serve: %s", error)
                self._shared_again_at = time.monotonic() + PAUSE_S
        return self._own.incr(key, WINDOW_S, amount=amount), float(self._own.get_expiry(key))

    def _spend(self, who: str) -> _Drawn | None:
        """Spend one of what was drawn before; None where nothing is left of it."""
        with self._lock:
            known = self._drawn.get(who)
            if known is None or known.left < 1 or known.ends_at <= _now():
                return None
            self._drawn[who] = spent = _Drawn(known.left - 1, known.others, known.ends_at)
            return spent

    def _add(self, who: str, drawn: _Drawn) -> _Drawn:
        """Put what was drawn to what another thread drew meanwhile."""
        with self._lock:
            if len(self._drawn) >= _MOST_REMEMBERED:
                now = _now()
                self._drawn = {name: one for name, one in self._drawn.items() if one.ends_at > now}
            known = self._drawn.get(who)
            if known is not None and known.ends_at > _now():
                drawn = drawn._replace(left=drawn.left + max(0, known.left))
            self._drawn[who] = drawn
            return drawn


def say_rate(response: Response) -> Response:
    """Write on the answer what the caller may still ask, and when again where that is nothing."""
    kept = here()[1]
    if "rate" in kept:
        quota, remaining, seconds = kept.rate
        response.headers.add("RateLimit-Policy", f'"requests";q={quota};w={WINDOW_S}')
        response.headers.add("RateLimit", f'"requests";r={remaining};t={seconds}')
    if "retry_after_s" in kept:
        response.headers["Retry-After"] = str(kept.retry_after_s)
    return response


def _seconds_to(moment: float) -> int:
    return max(1, ceil(moment - _now()))


def _now() -> float:
    return utc_now().timestamp()


def _exceeded(message: str) -> Denied:
    return Denied(EXCEEDED, message, "Wait as long as 'Retry-After' says.")


def _network(address: str | None) -> str:
    """Where a request comes from; a host has a whole /64 of IPv6."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return "local"
    return str(found) if found.version == 4 else str(ip_network((found, _IPV6_PREFIX), strict=False))
