"""What an archive carries of a workspace's database: every table, column by column, with the meaning of each value.

Neither backend shows in it.  Values that hold only under the data key of one workspace are said in the archive as what
they stand for: an object by the SHA-256 of its plain bytes, a wrapped key by the key, a badge's keyed hash by the
badge.  Whatever is not carried stands in ``NOT_CARRIED`` with the reason; a table or column of the schema that is in
neither fails a test, so that nobody adds one and forgets it here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

#: ``object``: name of a sealed object; ``wrapped``: sealed under the data key; ``badge``: keyed hash of a badge.
Kind: TypeAlias = Literal["text", "integer", "real", "bytes", "object", "wrapped", "badge"]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes
    ----------
    context : of a wrapped value: what it is bound to, with the columns of its row in braces
    sha256 : of an object: the column with the hash of its content, where there is one
    gone_when : of an object: the column that is not null since the object was deleted
    """

    name: str
    kind: Kind = "text"
    context: str = ""
    sha256: str = ""
    gone_when: str = ""


@dataclass(frozen=True)
class Table:
    """One table, read in the order of ``key``.

    ``later`` : a column that refers to another row of this table, and is filled when all of them are there
    """

    name: str
    key: str
    columns: tuple[Column, ...]
    later: str = ""


def _table(name: str, columns: str, *more: Column, key: str = "id", later: str = "") -> Table:
    """``columns`` are names, with their kind behind a colon where it is not text; ``more`` follow them."""
    plain = (column.partition(":") for column in columns.split())
    return Table(name, key, (*(Column(one, kind or "text") for one, _, kind in plain), *more), later)  # type: ignore[arg-type]


#: In the order in which they are written: what others refer to comes first.
TABLES: Final = (
    _table("part", "id name current_cad_revision_id current_characteristic_set_id created_at created_by updated_at"),
    _table("asset", "id name part_id serial location metadata created_at created_by updated_at"),
    _table("asset_event", "id asset_id kind happened_at reason created_at created_by"),
    _table("device", "id name vkey enrolled_at enrolled_by revoked_at revoked_by"),
    _table(
        "device_key",
        "id device_id public_key enrolled_at enrolled_by replaced_at expires_at revoked_at revoked_by reason "
        "stolen_since last_used_at",
    ),
    _table("operator", "id badge_mac:badge person_id created_at"),
    _table(
        "instrument",
        "id name revision:integer serial certificate calibrated_on due_on statement_sha256 created_at created_by",
        Column("statement_object", "object", sha256="statement_sha256"),
    ),
    _table("instrument_suspicion", "id instrument_id since evidence found_at lifted_at lifted_by lifted_reason"),
    _table(
        "cad_revision",
        "id part_id label sha256 format unit zones_sha256 zone_names triangles:integer diagonal_mm:real findings "
        "created_at created_by",
        Column("object", "object", sha256="sha256"),
        Column("zones_object", "object", sha256="zones_sha256"),
    ),
    _table(
        "characteristic_set",
        "id part_id version:integer sha256 characteristics:integer notes created_at created_by",
        Column("object", "object", sha256="sha256"),
    ),
    _table(
        "scan",
        "id sha256 size_bytes:integer encoding stored_sha256 stored_bytes:integer format asset_id device_id "
        "operator_person_id captured_at received_at received_by clock_skew_s:integer manifest manifest_envelope "
        "receipt state reason_code reason removed_at suspect_since suspect_reason",
        Column("object", "object", sha256="stored_sha256", gone_when="removed_at"),
    ),
    _table("scan_manifest", "id scan_id sha256 manifest manifest_envelope receipt added_at added_by"),
    _table(
        "results_file",
        "id name sha256 size_bytes:integer format options laboratory notes inspections:integer measurements:integer "
        "amends_id reason received_at received_by state attempts:integer lease_token:integer lease_until not_before "
        "finished_at error_code error_message error_hint",
        Column("object", "object", sha256="sha256"),
        later="amends_id",
    ),
    _table(
        "inspection",
        "id scan_id asset_id part_id cad_revision_id characteristic_set_id results_file_id file_position:integer "
        "instrument_object:object "
        "alignment_object:object start_object:object parameters context priority amends_id reason inspected_at "
        "created_at created_by state step progress:real attempts:integer cancel_requested:integer lease_token:integer "
        "lease_until not_before started_at finished_at engine verdict error_code error_message error_hint "
        "report_number issued_at log_index:integer result_object:object envelope_sha256 proof_object:object "
        "pdf_object:object tiles_object:object field_object:object instrument_id measured_at laboratory",
        Column("envelope_object", "object", sha256="envelope_sha256"),
        later="amends_id",
    ),
    _table(
        "scan_change",
        "id asset_id first_scan_id second_scan_id parameters state step progress:real requested_at requested_by "
        "attempts:integer cancel_requested:integer lease_token:integer lease_until not_before finished_at engine "
        "summary result_sha256 laz_object:object ply_object:object arrays_object:object error_code error_message "
        "error_hint",
        Column("result_object", "object", sha256="result_sha256"),
    ),
    _table("characteristic", "id part_id key name zone quantity unit created_at"),
    _table(
        "measurement",
        "id inspection_id position:integer characteristic_id part_id asset_id serial cad_revision_id instrument_id "
        "operator_id source name zone quantity unit value:real u:real expanded:real k:real lower:real upper:real "
        "coverage:real coverage_required:real conformance_probability:real decision source_decision disagrees:integer "
        "measured_at recorded_at superseded_by",
    ),
    _table(
        "control_limits",
        "id characteristic_id asset_id version:integer limits made_since made_until reason created_at created_by",
    ),
    _table("reference_artefact", "asset_id reason created_at created_by", key="asset_id"),
    _table(
        "twin_version",
        "id asset_id number:integer parent_id parent_sha256 part_id cad_revision_id cad_sha256 inspection_id "
        "envelope_sha256 verdict amends_id restores_id reason measured_at recorded_at recorded_by cells:integer "
        "coverage:real cells_sha256 zones_sha256 field_sha256 skin_sha256 content_sha256 superseded_by "
        "superseded_at",
        Column("field_object", "object", sha256="field_sha256"),
        Column("skin_object", "object", sha256="skin_sha256"),
    ),
    _table(
        "replay",
        "id inspection_id state requested_at requested_by lease_token:integer lease_until attempts:integer finished_at "
        "reproduced:integer same_engine:integer engine differences error_code error_message",
    ),
    _table(
        "alert_rule",
        "id name version:integer kind settings enabled:integer is_current:integer reason created_at created_by",
    ),
    _table(
        "alert",
        "id rule_id rule kind cause state title evidence asset_id characteristic_id instrument_id raised_at updated_at "
        "acknowledged_at acknowledged_by acknowledge_reason closed_at closed_because",
    ),
    _table(
        "alert_channel",
        "id name kind target created_at created_by removed_at removed_by",
        Column("secret", "wrapped", context="alert channel {id}"),
    ),
    _table(
        "alert_delivery",
        "id channel_id alert_id event body state attempts:integer not_before last_answer created_at finished_at",
    ),
    _table(
        "person",
        "id profile:bytes records:integer created_at held_at hold_reason erased_at erased_entry:integer",
        Column("wrapped_key", "wrapped", context="person {id}"),
    ),
    _table(
        "personal_opening",
        "place:bytes erased_entry:integer tag:bytes sealed:bytes",
        Column("holder", "wrapped", context="holder of an opening"),
        key="place",
    ),
    _table("personal_secret", "name", Column("wrapped", "wrapped", context="{name}"), key="name"),
    _table("outbox", "at kind body", key="seq"),
    _table("audit_entry", "position:integer entry:bytes", key="position"),
    _table("audit_checkpoint", "number:integer size:integer note:bytes signed_at", key="number"),
    _table("audit_anchor", "number:integer size:integer note:bytes added_at", key="number"),
    _table("audit_epoch", "number:integer size:integer base:bytes opened_at", key="number"),
)

#: Tables, and columns as ``table.column``, that stay behind -> why.
NOT_CARRIED: Final[Mapping[str, str]] = {
    "schema_migration": "belongs to the database that is restored into",
    "writer": "the lock of writers in PostgreSQL",
    "change_stamp": "tells processes of one appliance what they may still remember",
    "audit_node": "computed from the entries",
    "audit_entry.leaf": "computed from the entry",
    "outbox.seq": "events keep their order and are numbered by the database that they are in",
    "rollup_state": "computed from the measurements, like all roll-ups: where it is missing they are built anew",
    "rollup_slot": "as rollup_state",
    "rollup_owner": "as rollup_state",
    "rollup": "as rollup_state",
    "rollup_quantile": "as rollup_state",
    "rollup_line": "as rollup_state",
    "rollup_condition": "as rollup_state",
    "twin_projection": "computed from the skins of versions",
    "upload": "bytes that nobody has acknowledged as a scan: the device sends them again",
    "upload_part": "as upload",
    "alert_mark": "where a rule goes on looking: it begins anew",
    "device_code": "lets a device into this appliance for minutes",
    "device_token": "opens this appliance to a device for minutes; the device's key gets another",
    "live_ticket": "opens a connection to this appliance for seconds",
    "answered_request": "answers under keyed hashes of this workspace, kept for a day",
}
