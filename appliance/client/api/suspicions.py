"""Suspicions: instruments that moved, by which verdicts are suspect (docs/trends.md).

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from appliance.client.api.shared import SuspicionOut
from appliance.client.calls import Calls, quoted


class Suspicions:
    """Suspicions: instruments that moved, by which verdicts are suspect (docs/trends.md)."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list_instrument_suspicions(
        self, *, sort: Literal["id", "-id"] | None = None, standing: bool | None = None, at_most: int | None = None
    ) -> Iterator[SuspicionOut]:
        """Instruments that moved.

        Parameters
        ----------
        sort : order; '-' puts the greatest first, equal ones follow their making ('id')
        standing : those that stand, or those that were lifted
        at_most : how many to take; None: all
        """
        return self._calls.pages(
            f"{self._calls.workspace}/suspicions", at_most=at_most, query={"sort": sort, "standing": standing}
        )

    def lift_instrument_suspicion(self, suspicion_id: str, *, reason: str) -> SuspicionOut:
        """Explain what moved: verdicts are suspect no more.

        What is measured later is judged anew; where the artefact itself changed, freeze new limits for it.
        """
        record: SuspicionOut = self._calls.act(
            "POST", f"{self._calls.workspace}/suspicions/{quoted(suspicion_id)}/lift", body={"reason": reason}
        )
        return record
