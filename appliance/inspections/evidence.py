"""Evidence on its way into the line: sealed objects become the files that a request names.

The files are plain and live in the job's scratch folder (0700) for as long as the job runs.  Each is compared with
the hash that its row pins while it is written; the stations hash what they read once more.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from appliance.cad.models import CadRevision
from appliance.core.canonical import loads_strict
from appliance.inspections.models import InspectionRow
from appliance.inspections.request import InspectionRequest
from appliance.measurements.models import CharacteristicSetRow, ResultsFile
from appliance.measurements.plan import read_plan
from appliance.objects.sealed import ObjectStore
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
#: Alignment modes in which nothing is fitted.
_NOT_FITTED: Final = ("supplied", "shared_frame")


def lay_out(scope: WorkspaceScope, row: InspectionRow, folder: Path) -> InspectionRequest:
    """Write everything that the inspection rests on into ``folder`` and name it in a request.

    Raises
    ------
    Modified : an object is not what its row pins
    Unavailable : the disk is full
    """
    with scope:
        scan = Scan.get_by_id(row.scan_id)
        revision = CadRevision.get_by_id(row.cad_revision_id)
        plan = CharacteristicSetRow.get_by_id(row.characteristic_set_id)
    store = ObjectStore.of(scope)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    parameters = loads_strict(row.parameters)
    scan_path = folder / scan_file_name(scan)
    copy_scan(scope, scan, scan_path)
    files = {
        "cad": (revision.object, f"cad-{_safe(revision.label)}.{revision.format}"),
        "zones": (revision.zones_object, "zones.toml"),
        "characteristics": (plan.object, "plan.toml"),
        "instrument": (row.instrument_object, "instrument.toml"),
        "alignment": (row.alignment_object, "alignment.json"),
        "start": (row.start_object, "start.json"),
    }
    paths = {role: _copied(store, name, folder / role / file) for role, (name, file) in files.items() if name}
    return InspectionRequest(
        scan=scan_path,
        cad=paths["cad"],
        characteristics=paths["characteristics"],
        inspected_at=datetime.fromisoformat(row.inspected_at),
        supplied=paths.get("alignment"),
        fit="alignment" not in paths and _fits(parameters, paths["characteristics"].read_bytes()),
        start=paths.get("start"),
        scan_unit=parameters.get("scan_unit"),
        cad_unit=revision.unit,
        zones=paths.get("zones"),
        instrument=paths.get("instrument"),
    )


def evidence_of(scope: WorkspaceScope, row: InspectionRow, folder: Path) -> dict[str, Path]:
    """Write the files that a verdict rests on into ``folder``, by their roles; raises as ``lay_out`` does."""
    if row.results_file_id is None:
        return lay_out(scope, row, folder).evidence()
    with scope:
        file = ResultsFile.get_by_id(row.results_file_id)
    return results_evidence(scope, file, folder)


def results_evidence(scope: WorkspaceScope, file: ResultsFile, folder: Path) -> dict[str, Path]:
    """Write a file of results from elsewhere into ``folder``, as it came; raises as ``lay_out`` does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"results": _copied(ObjectStore.of(scope), file.object, folder / "results" / _safe(file.name))}


def scan_file_name(scan: Scan) -> str:
    """A name for the scan's file: what the device called it, made safe, else its id."""
    stated = loads_strict(scan.manifest).get("name") if scan.manifest else None
    suffix = f".{scan.format}"
    stem = _safe(str(stated).removesuffix(suffix)) if stated else scan.id
    return f"{stem}{suffix}"


def _fits(parameters: dict[str, Any], plan: bytes) -> bool:
    """Whether the scan is fitted: what was asked for, else what the plan's alignment mode calls for."""
    asked = parameters.get("fit")
    if asked is not None:
        return bool(asked)
    return read_plan(plan, diagonal_mm=1.0).characteristics.alignment not in _NOT_FITTED


def _copied(store: ObjectStore, name: str, path: Path) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    store.copy_to(name, path)
    return path


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).lstrip(".")[:80] or "unnamed"
