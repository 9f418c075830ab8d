"""The pages of a workspace: each asks the stations and names its template, or answers itself."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import Response, request

from appliance.alerts.models import ACKNOWLEDGED, CLOSED, OPEN
from appliance.alerts.rules import current_rules
from appliance.alerts.service import acknowledge_alert, list_alerts
from appliance.cad.revisions import get_revision
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.db.listing import LARGEST_PAGE, Listing
from appliance.errors import Conflict, NotFound
from appliance.exchange.service import get_results_file
from appliance.identity.tickets import create_ticket
from appliance.ingest import quarantine as quarantined
from appliance.inspections import service
from appliance.inspections.repository import count_by_state, latest_of_assets, list_inspections, list_replays
from appliance.measurements.suspicion import suspicion_of
from appliance.plant.assets import find_asset, list_assets
from appliance.plant.parts import find_part
from appliance.queue.outbox import last_seq
from appliance.reports.service import FILES, export_pack, stored_report
from appliance.reports.service import report_file as stored_file
from appliance.scans.models import QUARANTINED
from appliance.scans.service import find_scan, list_scans
from web.api.contract import Call
from web.api.downloads import file_answer, streamed
from web.console.showing import see
from web.live import live_url

Shown = tuple[str, dict[str, Any]]
_ROWS: Final = 50
_PACK: Final = "evidence.zip"


def assets(call: Call) -> Shown:
    """Every asset with its latest verdict."""
    found = list_assets(call.scope, _listing("id", "after"))
    latest = latest_of_assets(call.scope, [row.id for row in found[:_ROWS]])
    counts = count_by_state(call.scope)
    waiting = sum(counts.get(state, 0) for state in ("stored", "decoded", "aligned", "compared", "judged"))
    aside = len(list_scans(call.scope, Listing(limit=LARGEST_PAGE), state=QUARANTINED))
    shown = [(row, latest.get(row.id)) for row in found[:_ROWS]]
    more = found[_ROWS - 1].id if len(found) > _ROWS else None
    figures = {"waiting": waiting, "failed": counts.get("failed", 0), "quarantined": aside}
    return "assets.html", {"assets": shown, "more": more, "figures": figures, "seq": _seq(call)}


def asset(call: Call, asset: str) -> Shown:
    """One asset and its inspections, the newest first."""
    row = find_asset(call.scope, asset)
    part = find_part(call.scope, row.part_id) if row.part_id else None
    found = list_inspections(call.scope, _listing("-id", "before"), asset_id=row.id)
    more = found[_ROWS - 1].id if len(found) > _ROWS else None
    shown = {"asset": row, "part": part, "inspections": found[:_ROWS], "more": more, "seq": _seq(call)}
    return "asset.html", shown


def inspection(call: Call, inspection_id: str) -> Shown:
    """One inspection: verdict, characteristics, progress, what proves it."""
    row = service.get_inspection(call.scope, inspection_id)
    suspicion = suspicion_of(call.scope, row.instrument_id, row.measured_at)
    shown = {
        "inspection": row,
        "asset": find_asset(call.scope, row.asset_id),
        "scan": find_scan(call.scope, row.scan_id) if row.scan_id else None,
        "revision": get_revision(call.scope, row.cad_revision_id) if row.cad_revision_id else None,
        "file": get_results_file(call.scope, row.results_file_id) if row.results_file_id else None,
        "measurements": service.measurements_of(call.scope, row.id),
        "suspicion": suspicion,
        "seen": loads_strict(suspicion.evidence) if suspicion else [],
        "context": loads_strict(row.context),
        "replays": list_replays(call.scope, row.id),
        "seq": _seq(call),
    }
    return "inspection.html", shown


def report_file(call: Call, inspection_id: str, name: str) -> Response:
    """A file of the report; the PDF is shown, the others are kept."""
    if name not in FILES and name != _PACK:
        raise NotFound("report.file", "The report has no such file.")
    number = stored_report(call.scope, inspection_id).number.replace("/", "-")
    if name == _PACK:
        blocks, media_type = streamed(partial(export_pack, call.scope, inspection_id)), "application/zip"
    else:
        blocks, media_type = stored_file(call.scope, inspection_id, name), FILES[name][1]
    response = file_answer(blocks, f"{number}-{name}", media_type)
    if name == "report.pdf":
        response.headers["Content-Disposition"] = response.headers["Content-Disposition"].replace(
            "attachment", "inline", 1
        )
    return response


def quarantine(call: Call) -> Shown:
    """Scans that were put aside, and why."""
    found = list_scans(call.scope, Listing(limit=LARGEST_PAGE), state=QUARANTINED)
    known = {row.asset_id: find_asset(call.scope, row.asset_id) for row in found}
    shown = [(row, known[row.asset_id], loads_strict(row.manifest)) for row in found]
    return "quarantine.html", {"scans": shown, "seq": _seq(call)}


def act_on_inspection(call: Call, inspection_id: str, act: str) -> Response:
    """Cancel, retry or replay."""
    acts = {"cancel": service.cancel, "retry": service.retry, "replay": service.request_replay}
    if act not in acts:
        raise NotFound("console.act", "There is no such act.")
    acts[act](call.scope, inspection_id)
    return see(f"/console/{call.scope.slug}/inspections/{inspection_id}")


def act_on_scan(call: Call, scan_id: str, act: str) -> Response:
    """Look at a quarantined scan again, or discard it with a reason."""
    if act == "retry":
        quarantined.retry(call.scope, scan_id)
    elif act == "discard":
        reason = request.form.get("reason", "").strip()
        if not reason:
            raise Conflict("scan.reason", "A scan is discarded with a reason.", "Go back and say why.")
        quarantined.discard(call.scope, scan_id, reason)
    else:
        raise NotFound("console.act", "There is no such act.")
    return see(f"/console/{call.scope.slug}/quarantine")


def alerts(call: Call) -> Shown:
    """Alerts, those that nobody saw to first."""
    states = (OPEN, ACKNOWLEDGED, CLOSED)
    found = [one for state in states for one in list_alerts(call.scope, Listing("-id", limit=_ROWS), state=state)]
    names = {one.asset_id: find_asset(call.scope, one.asset_id).name for one in found if one.asset_id}
    return "alerts.html", {"alerts": found, "names": names, "rules": current_rules(call.scope), "seq": _seq(call)}


def act_on_alert(call: Call, alert_id: str, act: str) -> Response:
    """Acknowledge an alert with a reason."""
    if act != "acknowledge":
        raise NotFound("console.act", "There is no such act.")
    acknowledge_alert(call.scope, alert_id, request.form.get("reason", ""))
    return see(f"/console/{call.scope.slug}/alerts")


def live_ticket(call: Call) -> Response:
    """Where this page follows what happens, and what lets it in."""
    url = f"{live_url(call.site.settings, call.scope.slug)}?ticket={create_ticket(call.scope)}"
    return Response(canonical_bytes({"url": url}), content_type="application/json")


def _listing(sort: str, name: str) -> Listing:
    """The rows of a page of the console and one more, from behind the id in the query on."""
    last = request.args.get(name)
    return Listing(sort, (last,) if last else (), _ROWS + 1)


def _seq(call: Call) -> int:
    with call.scope:
        return last_seq()
