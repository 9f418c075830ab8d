"""Waiting for announcements: woken by Redis, and by the clock where Redis is away.

What is announced is a number at most, and it may be lost: whoever wakes reads the outbox, which is the truth.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from redis.exceptions import RedisError

from appliance.config.settings import Settings
from appliance.queue.connection import connect, events_channel

log = logging.getLogger(__name__)

#: A Redis that is away is asked again after this time.
_RETRY_S: Final = 2.0


class Announcements:
    """The announcements of one workspace; for one thread."""

    def __init__(self, settings: Settings, workspace_id: str) -> None:
        self._client: Any = connect(settings, answer_timeout_s=None)
        self._channel = events_channel(workspace_id)
        self._pubsub: Any = None
        self._away_until = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether Redis would wake the waiter."""
        return self._pubsub is not None

    def wait(self, timeout_s: float) -> bool:
        """Return at the next announcement, True, or after ``timeout_s``, False; a Redis that is away raises nothing."""
        if self._pubsub is None and not self._subscribe():
            time.sleep(timeout_s)
            return False
        try:
            message = self._pubsub.get_message(ignore_subscribe_messages=True, timeout=timeout_s)
        except (RedisError, OSError, ValueError) as error:
            self._drop(error)
            return False
        return message is not None

    def close(self) -> None:
        """Drop the connection."""
        if self._pubsub is not None:
            self._pubsub.close()
        self._client.close()

    def _subscribe(self) -> bool:
        if time.monotonic() < self._away_until:
            return False
        pubsub = self._client.pubsub()
        try:
            pubsub.subscribe(self._channel)
        except (RedisError, OSError) as error:
            pubsub.close()
            self._drop(error)
            return False
        self._pubsub = pubsub
        return True

    def _drop(self, error: Exception) -> None:
        log.warning("announcements of %s are not heard: %s", self._channel, error)
        self._pubsub, self._away_until = None, time.monotonic() + _RETRY_S
