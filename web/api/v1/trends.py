"""Trends: what degrades, what breaks its limits, how capable, who differs; charts, recall, what-if, instruments."""

from __future__ import annotations

from typing import Any, Final

from appliance.plant.assets import find_asset
from appliance.plant.events import list_repairs as repairs_of
from appliance.plant.models import AssetEvent
from appliance.plant.parts import find_part
from appliance.trends import degrading as ranking
from appliance.trends import instruments, laboratories, recall, what_if, what_if_revision
from appliance.trends.capability import capability_of
from appliance.trends.characteristics import find_characteristic
from appliance.trends.charts import ControlChart, control_chart, freeze_limits
from appliance.trends.comparing import comparison
from appliance.trends.models import ControlLimits, ReferenceArtefact
from appliance.trends.records import Comparison, Evidence, Ranking
from appliance.trends.repairs import repaired
from appliance.trends.violations import violations
from web.api.contract import EDITORS, READERS, Area, Call
from web.api.v1.trend_answers import (
    CapabilityOut,
    ChartOut,
    ComparisonOut,
    EvidenceOut,
    InstrumentStatesOut,
    LimitsOut,
    RankingOut,
    RecallOut,
    ReferenceOut,
    RepairOut,
    RepairsOut,
    ViolationsOut,
    WhatIfOut,
)
from web.api.v1.trend_questions import (
    CapabilityQuery,
    ChartQuery,
    ComparisonQuery,
    DegradingQuery,
    LimitsIn,
    RecallQuery,
    ReferenceIn,
    RepairIn,
    SeriesQuery,
    ViolationsQuery,
    WhatIfQuery,
    WhatIfRevisionQuery,
)
from web.api.v1.trend_what_if import WhatIfRevisionOut

_TRENDS: Final = "/workspaces/{slug}/trends"
_REPAIRS: Final = "/workspaces/{slug}/assets/{asset}/repairs"

trends = Area("trends", "Trends: questions about many measurements (docs/trends.md).")


def _asset(call: Call, key: str | None) -> str | None:
    return None if key is None else find_asset(call.scope, key).id


@trends.route(
    "GET", f"{_TRENDS}/degrading", roles=READERS, query=DegradingQuery, answer=RankingOut, summary="What degrades"
)
def list_degrading(call: Call) -> Ranking:
    asked = call.query
    part = None if asked.part is None else find_part(call.scope, asked.part).id
    where = {"asset": _asset(call, asked.asset), "part": part}
    return ranking.degrading(call.scope, **where, tested=asked.tested, limit=asked.limit)


@trends.route(
    "GET", f"{_TRENDS}/series", roles=READERS, query=SeriesQuery, answer=EvidenceOut, errors=(409,),
    summary="The trend of one characteristic of one asset, and when it will matter",
)  # fmt: skip
def get_trend(call: Call) -> Evidence:
    characteristic = find_characteristic(call.scope, call.query.characteristic)
    return ranking.evidence_of(call.scope, find_asset(call.scope, call.query.asset).id, characteristic.id)


@trends.route(
    "GET", f"{_TRENDS}/violations", roles=READERS, query=ViolationsQuery, answer=ViolationsOut,
    summary="Which limits are broken, how often",
)  # fmt: skip
def list_violations(call: Call) -> object:
    asked = call.query
    within: dict[str, Any] = {"since": asked.since, "until": asked.until, "limit": asked.limit}
    if asked.asset is not None:
        return {"items": violations(call.scope, "asset", find_asset(call.scope, asked.asset).id, **within)}
    return {"items": violations(call.scope, "part", find_part(call.scope, asked.part or "").id, **within)}


@trends.route(
    "GET", f"{_TRENDS}/capability", roles=READERS, query=CapabilityQuery, answer=CapabilityOut, errors=(409,),
    summary="Capability per period",
)  # fmt: skip
def list_capability(call: Call) -> object:
    asked = call.query
    asset = _asset(call, asked.asset)
    found = capability_of(call.scope, asked.characteristic, asked.grain, asked.since, asked.until, asset=asset)
    return {"items": found}


@trends.route(
    "GET", f"{_TRENDS}/comparison", roles=READERS, query=ComparisonQuery, answer=ComparisonOut, errors=(409,),
    summary="Whether assets, instruments, operators, revisions or laboratories differ",
)  # fmt: skip
def compare(call: Call) -> Comparison:
    asked = call.query
    if asked.by == laboratories.BY:
        return laboratories.laboratories_compared(
            call.scope, asked.characteristic, since=asked.since, until=asked.until
        )
    return comparison(call.scope, asked.characteristic, asked.by, since=asked.since, until=asked.until)


@trends.route(
    "GET", f"{_TRENDS}/chart", roles=READERS, query=ChartQuery, answer=ChartOut, errors=(409,),
    summary="The control chart of a characteristic",
)  # fmt: skip
def get_chart(call: Call) -> ControlChart:
    asked = call.query
    within = {"since": asked.since or "", "until": asked.until or "9999"}
    return control_chart(call.scope, asked.characteristic, asset=_asset(call, asked.asset), **within)


@trends.route(
    "POST", f"{_TRENDS}/limits", roles=EDITORS, body=LimitsIn, answer=LimitsOut, status=201, errors=(409,),
    once="workspace", summary="Freeze control limits as the next version",
)  # fmt: skip
def freeze(call: Call) -> ControlLimits:
    asked = call.body
    asset = _asset(call, asked.asset)
    return freeze_limits(call.scope, asked.characteristic, asked.since, asked.until, asked.reason, asset=asset)


@trends.route(
    "GET", f"{_TRENDS}/recall", roles=READERS, query=RecallQuery, answer=RecallOut,
    summary="Every verdict that depends on an instrument, a revision, a person, a time",
)  # fmt: skip
def list_recalled(call: Call) -> object:
    asked = call.query
    found = recall.recalled(
        call.scope, instrument=asked.instrument, cad_revision=asked.cad_revision, operator=asked.person_id,
        asset=_asset(call, asked.asset), since=asked.since or "", until=asked.until or "9999", after=asked.after,
        limit=asked.limit,
    )  # fmt: skip
    return {"items": found}


@trends.route(
    "GET", f"{_TRENDS}/what-if", roles=READERS, query=WhatIfQuery, answer=WhatIfOut, errors=(409,),
    summary="History judged by proposed limits",
)  # fmt: skip
def ask_what_if(call: Call) -> what_if.Rejudged:
    asked = call.query
    within = {"since": asked.since or "", "until": asked.until or "9999"}
    asset = _asset(call, asked.asset)
    return what_if.judged_again(call.scope, asked.characteristic, asked.lower, asked.upper, asset=asset, **within)


@trends.route(
    "GET", f"{_TRENDS}/what-if/revision", roles=READERS, query=WhatIfRevisionQuery, answer=WhatIfRevisionOut,
    errors=(409,), summary="History judged by the limits of another CAD revision",
)  # fmt: skip
def ask_what_if_revision(call: Call) -> what_if_revision.RejudgedByRevision:
    asked = call.query
    return what_if_revision.judged_by_revision(
        call.scope, asked.cad_revision, characteristic_set=asked.characteristic_set,
        against=asked.measured_against, characteristic=asked.characteristic, asset=_asset(call, asked.asset),
        since=asked.since or "", until=asked.until or "9999",
    )  # fmt: skip


@trends.route(
    "GET", f"{_TRENDS}/instruments", roles=READERS, answer=InstrumentStatesOut,
    summary="What reference artefacts say of the instruments",
)  # fmt: skip
def list_instrument_states(call: Call) -> object:
    return {"items": instruments.instrument_states(call.scope)}


@trends.route(
    "POST", f"{_TRENDS}/references", roles=EDITORS, body=ReferenceIn, answer=ReferenceOut, status=201, errors=(409,),
    once="workspace", summary="Declare a reference artefact",
)  # fmt: skip
def declare_reference(call: Call) -> ReferenceArtefact:
    return instruments.declare_reference(call.scope, call.body.asset, call.body.reason)


@trends.route("GET", _REPAIRS, roles=READERS, answer=RepairsOut, summary="Repairs of an asset")
def list_repairs(call: Call, asset: str) -> object:
    return {"items": repairs_of(call.scope, asset)}


@trends.route(
    "POST", _REPAIRS, roles=EDITORS, body=RepairIn, answer=RepairOut, status=201, once="workspace",
    summary="Record a repair: its trends begin anew",
)  # fmt: skip
def record_repair(call: Call, asset: str) -> AssetEvent:
    return repaired(call.scope, asset, call.body.happened_at, call.body.reason)
