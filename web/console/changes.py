"""Pages of changes between two scans of an asset: asked for, followed, tried again, shown from above, fetched."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from appliance.audit.finding import index_of
from appliance.core.canonical import loads_strict
from appliance.db.listing import LARGEST_PAGE, Listing
from appliance.errors import NotFound
from appliance.inspections.change import RESULT
from appliance.inspections.change_arrays import arrays_of, can_be_drawn
from appliance.inspections.models import FINAL, ScanChange
from appliance.inspections.scan_changes import (
    COLUMN_OF,
    cancel_change,
    change_file,
    get_change,
    list_changes,
    request_change,
    retry_change,
    summary_of,
)
from appliance.plant.assets import find_asset
from appliance.queue.outbox import last_seq
from appliance.scans.models import Scan
from appliance.scans.service import find_scan, list_scans
from web.api.contract import Call
from web.api.downloads import file_answer, small_answer
from web.api.intake import BYTES
from web.console.change_form import UNITS, asked_parameters
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_ROWS: Final = 50
_STORED: Final = "stored"


def changes(call: Call, asset: str) -> Shown:
    """The changes of an asset, the newest first, and the form that asks for one more.

    The query may name the scans that the form shall offer first: ``first`` and ``second``.
    """
    row = find_asset(call.scope, asset)
    before = (request.args["before"],) if "before" in request.args else ()
    found = list_changes(call.scope, Listing("-id", before, _ROWS + 1), asset_id=row.id)
    ids = {one for change in found[:_ROWS] for one in (change.first_scan_id, change.second_scan_id)}
    scans = _offered(call, row.id)
    first, second = _pair([one.id for one, _ in scans])
    shown = {
        "asset": row, "changes": [(one, summary_of(one)) for one in found[:_ROWS]],
        "compared": {one: find_scan(call.scope, one) for one in ids},
        "more": found[_ROWS - 1].id if len(found) > _ROWS else None, "scans": scans, "most": LARGEST_PAGE,
        "first": first, "second": second, "units": UNITS,
        "seq": _seq(call),
    }  # fmt: skip
    return "changes.html", shown


def ask_for_change(call: Call, asset: str) -> Response:
    """Ask what changed between two scans of an asset."""
    row, first = find_asset(call.scope, asset), find_scan(call.scope, request.form.get("first", ""))
    if first.asset_id != row.id:
        raise NotFound("scan.unknown", f"'{row.name}' has no such scan.")
    made = request_change(call.scope, first.id, request.form.get("second", ""), asked_parameters(request.form))
    return see(f"/console/{call.scope.slug}/changes/{made.id}")


def change(call: Call, change_id: str) -> Shown:
    """One change: its scans, how far it is or what was found, its files and its place in the log."""
    row = get_change(call.scope, change_id)
    summary = summary_of(row)
    compared = (("Before", row.first_scan_id), ("After", row.second_scan_id))
    scans = [(word, find_scan(call.scope, one)) for word, one in compared]
    shown = {
        "change": row, "asset": find_asset(call.scope, row.asset_id), "summary": summary,
        "asked": loads_strict(row.parameters), "units": UNITS, "files": tuple(COLUMN_OF), "span": None,
        "scans": [(word, one, _name(one)) for word, one in scans],
        "place": _place(call, row), "seq": _seq(call),
    }  # fmt: skip
    if summary is not None and row.state == "done" and can_be_drawn(summary["change"]["cores"]):
        shown["span"] = _span(summary)
    return "change.html", shown


def change_picture(call: Call, change_id: str) -> Response:
    """What changed, from above, as PNG."""
    from appliance.reports.change_view import png_of_change

    found = arrays_of(call.scope, change_id)
    summary = summary_of(get_change(call.scope, change_id))
    return small_answer(png_of_change(found, _span(summary or {})), "image/png")


def file_of_change(call: Call, change_id: str, name: str) -> Response:
    """A file of the result, to keep."""
    if name not in COLUMN_OF:
        raise NotFound("change.file", "A change has no such file.")
    media_type = "application/json" if name == RESULT else BYTES
    return file_answer(change_file(call.scope, change_id, name), f"{change_id}-{name}", media_type)


def act_on_change(call: Call, change_id: str, act: str) -> Response:
    """Cancel, or try again."""
    acts = {"cancel": cancel_change, "retry": retry_change}
    if act not in acts:
        raise NotFound("console.act", "There is no such act.")
    acts[act](call.scope, change_id)
    return see(f"/console/{call.scope.slug}/changes/{change_id}")


def _offered(call: Call, asset_id: str) -> list[tuple[Scan, str]]:
    """The latest stored scans of an asset, and those that the query names, with their names."""
    found = list_scans(call.scope, Listing("-id", limit=LARGEST_PAGE), asset_id=asset_id, state=_STORED)
    known = {one.id for one in found}
    named = [request.args.get(name, "") for name in ("first", "second")]
    older = [find_scan(call.scope, one) for one in dict.fromkeys(named) if one and one not in known]
    return [(one, _name(one)) for one in (*found, *older) if one.asset_id == asset_id and one.state == _STORED]


def _pair(ids: list[str]) -> tuple[str, str]:
    """Which of these scans (newest first) the form shows: those of the query, else the newest and the one before."""
    first, second = request.args.get("first", ""), request.args.get("second", "")
    second = second or next((one for one in ids if one != first), "")
    older = ids[ids.index(second) + 1 :] if second in ids else []
    return first or next((one for one in (*older, *ids) if one != second), ""), second


def _name(scan: Scan) -> str:
    """What whoever sent a scan called it."""
    return str(loads_strict(scan.manifest).get("name") or scan.format.upper())


def _place(call: Call, row: ScanChange) -> int | None:
    """The entry of the log about its end; None as long as there is none."""
    if row.state not in FINAL:
        return None
    return index_of(call.scope, f"change.{row.state}", row.finished_at, change=row.id)


def _span(summary: dict[str, Any]) -> float:
    from appliance.reports.change_view import span_of

    return span_of(summary["change"])


def _seq(call: Call) -> int:
    with call.scope:
        return last_seq()
