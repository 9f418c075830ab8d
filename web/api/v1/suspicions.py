"""Suspicions against instruments that moved: which stand, and how one is explained."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from appliance.measurements.models import InstrumentSuspicion
from appliance.measurements.suspicion import lift_suspicion, list_suspicions
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.forms import SORT, Body, JsonList, Out, Page, PageQuery, Reason
from web.api.paging import page

_SUSPICIONS: Final = "/workspaces/{slug}/suspicions"

suspicions = Area("suspicions", "Suspicions: instruments that moved, by which verdicts are suspect (docs/trends.md).")


class SuspicionPageQuery(PageQuery):
    """Which suspicions."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    standing: bool | None = Field(None, description="Those that stand, or those that were lifted.")


class SuspicionOut(Out):
    """A revision of an instrument that moved; what it measured after ``since`` is suspect (empty: everything)."""

    id: str
    instrument_id: str
    instrument: str
    revision: int
    since: str
    evidence: JsonList
    found_at: str
    lifted_at: str | None
    lifted_by: str | None
    lifted_reason: str | None


class LiftIn(Body):
    """What explains the signal."""

    reason: Reason


@suspicions.route(
    "GET", _SUSPICIONS, roles=READERS, query=SuspicionPageQuery, answer=Page[SuspicionOut],
    summary="Instruments that moved",
)  # fmt: skip
def list_instrument_suspicions(call: Call) -> Any:
    return page(call, lambda listing: list_suspicions(call.scope, listing, standing=call.query.standing))


@suspicions.route(
    "POST", f"{_SUSPICIONS}/{{suspicion_id}}/lift", roles=EDITORS, body=LiftIn, answer=SuspicionOut, errors=(409,),
    summary="Explain what moved: verdicts are suspect no more",
)  # fmt: skip
def lift_instrument_suspicion(call: Call, suspicion_id: str) -> InstrumentSuspicion:
    """What is measured later is judged anew; where the artefact itself changed, freeze new limits for it."""
    return lift_suspicion(call.scope, suspicion_id, call.body.reason)
