"""Rows of inspections and their replays: the truth about where each scan stands."""

from __future__ import annotations

from typing import Final

from peewee import FloatField, IntegerField, TextField

from appliance.db.models import WorkspaceModel

#: The way of a scan.  The first three stand on the scan itself; an inspection begins as ``stored``.
LINE: Final = ("received", "verified", "stored", "decoded", "aligned", "compared", "judged", "recorded")
#: States that nothing leaves.
FINAL: Final = ("recorded", "failed", "cancelled", "done")
PRIORITIES: Final = ("high", "normal", "low")


class InspectionRow(WorkspaceModel):
    """One inspection.  Times are RFC 3339, UTC; ``*_object`` are names in the object store.

    It rests on a scan, a CAD revision and a plan, or else on a file of results from elsewhere, whose inspections
    ``file_position`` counts from 1 on.

    ``instrument_id`` and ``measured_at`` are those of all of its measurements (written by ``measurements.recording``);
    ``laboratory`` is who measured what was not measured here.

    ``lease_token`` grows with every claim: who holds an older one writes nothing any more.
    """

    id = TextField(primary_key=True)
    scan_id = TextField(null=True)
    asset_id = TextField()
    part_id = TextField()
    cad_revision_id = TextField(null=True)
    characteristic_set_id = TextField(null=True)
    results_file_id = TextField(null=True)
    file_position = IntegerField(null=True)
    instrument_object = TextField(null=True)
    alignment_object = TextField(null=True)
    start_object = TextField(null=True)
    parameters = TextField()
    context = TextField()
    priority = TextField()
    amends_id = TextField(null=True)
    reason = TextField(default="")
    inspected_at = TextField()
    created_at = TextField()
    created_by = TextField()
    state = TextField()
    step = TextField(default="")
    progress = FloatField(default=0.0)
    attempts = IntegerField(default=0)
    cancel_requested = IntegerField(default=0)
    lease_token = IntegerField(default=0)
    lease_until = TextField(null=True)
    not_before = TextField(null=True)
    started_at = TextField(null=True)
    finished_at = TextField(null=True)
    engine = TextField(null=True)
    verdict = TextField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)
    error_hint = TextField(null=True)
    report_number = TextField(null=True)
    issued_at = TextField(null=True)
    log_index = IntegerField(null=True)
    result_object = TextField(null=True)
    envelope_object = TextField(null=True)
    envelope_sha256 = TextField(null=True)
    proof_object = TextField(null=True)
    pdf_object = TextField(null=True)
    tiles_object = TextField(null=True)
    field_object = TextField(null=True)
    instrument_id = TextField(null=True)
    measured_at = TextField(null=True)
    laboratory = TextField(default="")

    #: Whether that instrument moved; filled where rows are shown (``measurements.suspicion``).
    instrument_is_suspect: bool = False

    class Meta:
        table_name = "inspection"


class Replay(WorkspaceModel):
    """One recomputation of a verdict from its evidence, and what it found."""

    id = TextField(primary_key=True)
    inspection_id = TextField()
    state = TextField()
    requested_at = TextField()
    requested_by = TextField()
    lease_token = IntegerField(default=0)
    lease_until = TextField(null=True)
    attempts = IntegerField(default=0)
    finished_at = TextField(null=True)
    reproduced = IntegerField(null=True)
    same_engine = IntegerField(null=True)
    engine = TextField(null=True)
    differences = TextField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)

    class Meta:
        table_name = "replay"


class ScanChange(WorkspaceModel):
    """What changed from one stored scan of an asset to another: ``requested``, ``done``, ``failed`` or ``cancelled``.

    ``parameters`` and ``summary`` are JSON; ``*_object`` name the files of the result in the object store.
    """

    id = TextField(primary_key=True)
    asset_id = TextField()
    first_scan_id = TextField()
    second_scan_id = TextField()
    parameters = TextField()
    state = TextField()
    step = TextField(default="")
    progress = FloatField(default=0.0)
    requested_at = TextField()
    requested_by = TextField()
    attempts = IntegerField(default=0)
    cancel_requested = IntegerField(default=0)
    lease_token = IntegerField(default=0)
    lease_until = TextField(null=True)
    not_before = TextField(null=True)
    finished_at = TextField(null=True)
    engine = TextField(null=True)
    summary = TextField(null=True)
    result_object = TextField(null=True)
    result_sha256 = TextField(null=True)
    laz_object = TextField(null=True)
    ply_object = TextField(null=True)
    arrays_object = TextField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)
    error_hint = TextField(null=True)

    class Meta:
        table_name = "scan_change"
