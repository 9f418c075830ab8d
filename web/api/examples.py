"""Examples in the document: one plant, told in the same words wherever a field appears.

An example of a model is put together from its fields, so a new model has one as soon as it is there.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_MOMENT: Final = "2026-11-27T08:00:00.000000Z"
_LATER: Final = "2026-11-27T08:00:14.250000Z"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_LOCK: Final = "V0EW92M-9K0RFKV-FSWM008-6TJ2HS3-54KH2X1-YVFKXJC-GYGXMK4-WW77C37"
_FILE: Final = "res_01jdp3k0w8e6x4t2m9a5r7y1zc"
_VKEY: Final = "scanner-8.example+69145e14+AerGqHx9/o/joE3VyUskvnvgdr7Hll50wlIvIaZUT7bQ"

#: Name of a field or parameter -> what stands there; ``Model.field`` where one model means something else by it.
WORDS: Final[Json] = {
    "asset": "press-07", "asset_id": "ast_01jdp3k0w8e6x4t2m9a5r7y1zc", "added_at": _MOMENT,
    "added_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc", "amends_id": None, "attempts": 1, "badge": "4711",
    "body": {"inspection": "ins_01jdp3k0w8e6x4t2m9a5r7y1zc", "state": "recorded"}, "captured_at": _MOMENT,
    "calibrated_on": "2026-01-15", "cad_revision": "cad_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "cad_revision_id": "cad_01jdp3k0w8e6x4t2m9a5r7y1zc", "certificate": "DK-2026-0815",
    "characteristic_set": "chs_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "characteristic_set_id": "chs_01jdp3k0w8e6x4t2m9a5r7y1zc", "characteristics": 12, "clock_skew_s": 0,
    "code": "asset.unknown", "condition": "active", "confirm": "main", "conformance_probability": 0.998,
    "context": {"engine": "0.1.0"}, "corrections": {"asset": "press-07"}, "coverage": 0.97,
    "coverage_required": 0.9, "created_at": _MOMENT, "created_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "current_cad_revision_id": "cad_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "current_characteristic_set_id": "chs_01jdp3k0w8e6x4t2m9a5r7y1zc", "decision": "pass", "destroyed_at": None,
    "detail": "There is no asset 'press-08'.", "device": "scanner-8", "device_id": "dev_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "diagonal_mm": 312.5, "due_on": "2027-01-15", "encoding": "identity", "engine": "0.1.0", "enrolled_at": _MOMENT,
    "enrolled_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "entry": {"action": "asset.create", "at": _MOMENT, "target": "ast_01jdp3k0w8e6x4t2m9a5r7y1zc"},
    "envelope_sha256": _SHA256, "error_code": None, "error_hint": None, "error_message": None, "expanded_mm": 0.016,
    "expires_at": _LATER, "expires_in_s": 30, "field": "name", "files": ["report.pdf", "report.json"],
    "findings": [], "finding": "UNMODIFIED", "finished_at": _LATER, "fit": True, "format": "e57", "held": [],
    "hint": "Look at the list of assets.", "id": "01jdp3k0w8e6x4t2m9a5r7y1zc", "index": "41",
    "inspection_id": "ins_01jdp3k0w8e6x4t2m9a5r7y1zc", "instrument": "S5-0042", "issued_at": _LATER, "k": 2.0,
    "key": "d2r_7f3k9a", "kind": "inspection.recorded", "label": "cell 7", "last": 1024, "last_used_at": _LATER,
    "leaf_sha256": _SHA256, "length_bytes": 104857600, "limit": 100, "location": "Hall 2", "lock": _LOCK,
    "log_index": 41, "lower_mm": -0.1, "manifest": {"asset": "press-07", "format": "e57"}, "message": "Field required",
    "metadata": {"line": "3"}, "name": "press-07", "new": 1000, "next": None, "notes": [], "number": "R-2026-000041",
    "offset_bytes": 52428800, "old": 500, "parameters": {"fit": True}, "part": "housing",
    "part_id": "prt_01jdp3k0w8e6x4t2m9a5r7y1zc", "person_id": "psn_01jdp3k0w8e6x4t2m9a5r7y1zc", "prefix": "d2r_7f3k9a",
    "priority": "normal", "profile": {"badge": "4711", "name": "A. Miller"}, "progress": 1.0, "proof": [_SHA256],
    "quantity": "profile", "reason": "Measured again after repair", "reason_code": None,
    "receipt": {"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []},
    "received_at": _LATER, "records": 3, "replay_id": "rpl_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "report_number": "R-2026-000041", "reproduced": True, "request_id": "req_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "requested_at": _MOMENT, "requested_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc", "revision": 3,
    "revision_id": "cad_01jdp3k0w8e6x4t2m9a5r7y1zc", "role": "operator", "same_engine": True,
    "scan": "scn_01jdp3k0w8e6x4t2m9a5r7y1zc", "scan_id": "scn_01jdp3k0w8e6x4t2m9a5r7y1zc", "seq": 1024,
    "serial": "4711-0042", "set_id": "chs_01jdp3k0w8e6x4t2m9a5r7y1zc", "sha256": _SHA256, "since": 1000,
    "size": 1000, "size_bytes": 104857600, "sizes": [500, 1000], "slug": "main", "started_at": _MOMENT,
    "state": "recorded", "statement_sha256": _SHA256, "status": 404, "step": "recorded", "stored_bytes": 104857600,
    "stored_sha256": _SHA256, "suspended_at": None, "ticket": "tkt_5H2kQ9", "time": _LATER, "title": "Not Found",
    "token": "d2r_7f3k9a_...", "triangles": 118204, "type": "urn:d2r-appliance:problem:asset.unknown", "u_mm": 0.008,
    "unit": "mm", "updated_at": _LATER, "upload_id": "upl_01jdp3k0w8e6x4t2m9a5r7y1zc", "upper_mm": 0.1,
    "url": "ws://appliance:8471/api/v1/workspaces/main/live", "value_mm": 0.042, "verdict": "pass", "version": 2,
    "authorization_endpoint": "https://sso.plant.example/auth", "client_id": "d2r", "client_secret": None,
    "groups_claim": "groups", "issuer": "https://sso.plant.example", "jwks_uri": "https://sso.plant.example/jwks",
    "login_claim": "preferred_username", "name_claim": "name",
    "redirect_uri": "https://d2r.plant.example/console/login/oidc/back",
    "sign_on_url": "https://sso.plant.example/saml/sso", "logout_url": "https://sso.plant.example/saml/slo",
    "certificates": [], "id_attribute": "", "groups_attribute": "groups", "login_attribute": "uid",
    "name_attribute": "displayName", "is_unsolicited_allowed": False, "is_new_key": False,
    "entity_id": "https://d2r.plant.example/console/login/saml/metadata",
    "consumer_url": "https://d2r.plant.example/console/login/saml/response", "response": "PHNhbWxwOlJlc3BvbnNl...",
    "attributes": {"groups": ["inspectors"]}, "metadata_xml": "<md:EntityDescriptor ...",
    "token_endpoint": "https://sso.plant.example/token", "agent": "Firefox 145",
    "appliance_role": None, "began_at": _MOMENT,
    "bind_dn": "cn=d2r,ou=services,dc=plant,dc=example",
    "ca_pem": "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----", "changed_at": _MOMENT,
    "changed_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc", "disabled_at": None,
    "dn": "cn=Ann Lee,ou=people,dc=plant,dc=example",
    "group": "cn=Inspectors,ou=groups,dc=plant,dc=example", "group_base": "ou=groups,dc=plant,dc=example",
    "group_role": "grp_01jdp3k0w8e6x4t2m9a5r7y1zc", "groups": ["cn=Inspectors,ou=groups,dc=plant,dc=example"],
    "invitation": "inv_01jdp3k0w8e6x4t2m9a5r7y1zc", "last_login_at": _LATER,
    "link": "https://d2r.plant.example/console/invitation?token=...", "login": "ann", "method": "ldap",
    "password": None,
    "peer": "10.0.0.7", "principal_id": "usr_01jdp3k0w8e6x4t2m9a5r7y1zc", "seen_at": _LATER,
    "session": "ses_01jdp3k0w8e6x4t2m9a5r7y1zc", "source": "ldap", "subject": "21aed252-600f-42ba-a680-3b7ba6dd0907",
    "tls": "TLSv1.3", "urls": ["ldaps://dc1.plant.example"], "user": "usr_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "user_base": "ou=people,dc=plant,dc=example", "user_filter": "", "user_id": None, "was_counted": True,
    "workspace_roles": {"main": "operator"}, "workspaces": {"wsp_01jdp3k0w8e6x4t2m9a5r7y1zc": "operator"},
    "appliance": None, "DirectoryIn.kind": "openldap", "DirectoryOut.kind": "openldap", "UserOut.name": "Ann Lee",
    "InvitationIn.name": "Ann Lee", "InvitationOut.name": "Ann Lee", "InvitationMade.name": "Ann Lee",
    "Examined.name": "Ann Lee", "Examined.url": "ldaps://dc1.plant.example",
    "scopes": ["scans:read", "uploads:write"], "rotated_at": None, "overlap_minutes": 60,
    "KeyIn.expires_at": "2036-11-27T00:00:00Z", "RotationIn.expires_at": None,
    "access_token": "eyJhbGciOiJFZDI1NTE5Ii...", "refresh_token": "d2t_7f3k9a_...", "token_type": "Bearer",
    "grant": "tgr_01jdp3k0w8e6x4t2m9a5r7y1zc", "grant_id": "tgr_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "holder_id": "key_01jdp3k0w8e6x4t2m9a5r7y1zc", "idle_at": _LATER, "ExchangeIn.scopes": None, "ended": 2,
    "legal_basis": "GDPR Art. 17(1)(a)",
    "ErasedOut.entry": 41,
    "personal": "pat_01jdp3k0w8e6x4t2m9a5r7y1zc", "kid": "UCqrdukzTZiT6v4hDHuhGFNvN2GXNIK8RVR_5mhjocI",
    "PersonalOut.user_id": "usr_01jdp3k0w8e6x4t2m9a5r7y1zc", "PersonalOut.label": "nightly report",
    "workspace_id": "wsp_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "vkey": _VKEY, "witness": "audit.example/1+3f1c9a5e", "workspace": "main", "zone": "pad",
    "zone_names": ["pad", "bore"], "zones_sha256": "", "revoked_at": None, "revoked_by": None, "held_at": None,
    "hold_reason": None, "erased_at": None, "erased_entry": None,
    "EntryOut.index": 41, "ReasonIn.reason": "Line 3 is rebuilt", "ScanOut.reason": None, "UploadOut.kind": "whole",
    "UploadOut.state": "open", "ScanOut.state": "stored", "Found.state": "stored", "InspectionOut.reason": "",
    "LookupIn.sha256": [_SHA256], "WhoAmI.kind": "api-key", "JudgementOut.since": _MOMENT,
    "JudgementOut.reason": "Every entry and every promise holds.", "WorkspaceOut.name": "Main",
    "WorkspaceIn.name": "Main", "PartIn.name": "bracket", "PartOut.name": "bracket", "DeviceIn.name": "scanner-8",
    "DeviceOut.name": "scanner-8", "CadOut.format": "step", "CadOut.label": "B", "InstrumentOut.name": "S5-0042",
    "ReplayOut.state": "done", "OperatorIn.name": "A. Miller", "MeasurementOut.name": "Pad wear",
    "Parameters.scan_unit": "mm", "characteristic": "cha_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "characteristic_id": "cha_01jdp3k0w8e6x4t2m9a5r7y1zc", "disagrees": False, "expanded": 0.016, "lower": -0.1,
    "upper": 0.1, "u": 0.008, "value": 0.042, "instrument_id": "itm_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "operator_id": "psn_01jdp3k0w8e6x4t2m9a5r7y1zc", "recorded_at": _LATER, "source_decision": None,
    "superseded_by": None, "MeasurementRecord.source": "scan", "MeasurementRecord.name": "Pad wear",
    "measured_at": _MOMENT, "amends": "res_01jdp3k0w8e6x4t2m9a5r7y1zc", "angle_unit": "deg",
    "columns": '{"value": "Measured"}', "create": False, "decimal": ".", "disagreements": 1, "file_id": _FILE,
    "ResultsFileOut.inspections": 20, "laboratory": "Metrology 2", "limits": "absolute",
    "ResultsFileOut.measurements": 760, "PlanOut.measurements": 760,
    "results_file_id": None, "serial_pattern": "", "serials": "", "received_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "options": {"unit": "mm"}, "CheckQuery.format": "qif", "ImportQuery.format": "qif",
    "ImportQuery.name": "plates.qif",
    "CheckQuery.name": "plates.qif", "ResultsFileOut.format": "qif", "ResultsFileOut.name": "plates.qif",
    "ResultsFileOut.reason": "", "PlanOut.format": "qif", "ImportQuery.reason": "The probe was worn",
    "happened_at": _MOMENT, "made_since": _MOMENT, "made_until": _LATER, "earliest": _MOMENT,
    "DueOut.latest": _LATER, "last_good_at": _MOMENT, "suspect_since": _MOMENT, "points_are": "day", "by": "asset",
    "LimitsIn.since": _MOMENT, "LimitsIn.until": _LATER, "EvidenceOut.since": _MOMENT, "EvidenceOut.until": _LATER,
    "EvidenceOut.finding": "degrades", "PeriodOut.since": _MOMENT, "PeriodOut.until": _LATER, "DueOut.at": _MOMENT,
    "DueOut.state": "expected", "BreakOut.at": _MOMENT, "BreakOut.kind": "repair", "PeriodOut.method": "normal",
    "PeriodOut.reason": "nothing speaks against normal values", "SignalOut.rule": "beyond", "SignalOut.at": 30,
    "SignalOut.reason": "beyond 3 standard errors: point 30 is at +4.20", "ChartOut.reason": "in control",
    "LimitsIn.reason": "in control", "LimitsOut.reason": "in control", "RepairIn.reason": "new guide",
    "RepairOut.reason": "new guide", "ReferenceIn.reason": "ball bar", "ReferenceOut.reason": "ball bar",
    "ComparisonOut.finding": "They differ in their means (p = 0.003).", "InstrumentStateOut.state": "steady",
    "change_id": "chg_01jdp3k0w8e6x4t2m9a5r7y1zc", "ChangeIn.first": "scn_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "ChangeIn.second": "scn_01jdp3k0w8e6x4t2m9a5r7y1zd",
    "first_scan_id": "scn_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "second_scan_id": "scn_01jdp3k0w8e6x4t2m9a5r7y1zd", "cores_mm": 2.0, "scales_mm": [5.0, 10.0], "radius_mm": 2.0,
    "depth_mm": 20.0, "registration_mm": 0.01, "align": True, "robust": False, "upwards": False, "scan_unit": "mm",
    "ScanChangeOut.parameters": {"align": True}, "ScanChangeOut.state": "done", "result_sha256": _SHA256,
    "summary": {"spacing_mm": 0.5, "change": {"cores": 5120, "compared": 5100, "significant": 312}},
    "instrument_is_suspect": False, "standing": True, "suspicion_id": "sus_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "SuspicionOut.since": _MOMENT, "SuspicionOut.evidence": [], "found_at": _LATER, "lifted_at": None,
    "lifted_by": None, "lifted_reason": None, "LiftIn.reason": "The artefact was dropped", "suspicion": None,
    "values": 80, "is_same_geometry": False, "NotComparedOut.reason": "missing", "plan_version": 2,
    "NotComparedOut.message": "The revision's plan has no characteristic of this name.",
    "MeasuredAgainstOut.label": "A", "plan_is": "of the latest inspection against the revision",
    "WhatIfRevisionOut.label": "B",
    "note": "Values are as they were measured; only the limits are those of revision 'B'.",
    "measured_against": "cad_01jdp3k0w8e6x4t2m9a5r7y1zc", "JudgedCharacteristicOut.name": "Pad wear",
    "NotComparedOut.name": "Bore", "ChangeOut.before": "pass", "ChangeOut.after": "inconclusive", "ChangeOut.count": 12,
    "ReferenceIn.asset": "ball-bar-1", "ReferenceOut.asset_id": "ast_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "across_revisions": False, "against": "twv_01jdp3k0w8e6x4t2m9a5r7y1zc", "cells": 64359, "changed": 118,
    "changed_area_mm2": 96.4, "changing_area_mm2": 96.4, "compared": 61204, "content_sha256": _SHA256,
    "counting": True, "coverage_after": 0.96, "coverage_before": 0.97, "false_discovery_rate": 0.05,
    "fastest_fall": -0.031, "fastest_rise": None, "field_sha256": _SHA256, "followed": 61204, "falling": 118,
    "highest_mm": None, "lowest_mm": -0.213, "mean_mm": -0.002, "no_counterpart": 0, "only_after": 12,
    "only_before": 40, "parent_id": "twv_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "recorded_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc", "restores_id": None, "rising": 0, "superseded_at": None,
    "unknown": 0, "unseen": 3103, "version_id": "twv_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "RollBackIn.version": "twv_01jdp3k0w8e6x4t2m9a5r7y1zc", "RollBackIn.reason": "The wrong part was scanned",
    "VersionOut.number": 7, "VersionOut.reason": "", "MapOut.versions": 24, "area_mm2": 51200.0,
    "alert_id": "alr_01jdp3k0w8e6x4t2m9a5r7y1zc", "rule_id": "rul_01jdp3k0w8e6x4t2m9a5r7y1zc", "rule": "weekly",
    "RuleIn.name": "weekly", "RuleOut.name": "weekly", "RuleIn.kind": "missing_scans",
    "RuleOut.kind": "missing_scans", "AlertOut.kind": "missing_scans", "settings": {"interval_days": 7.0},
    "enabled": True, "is_current": True, "RuleIn.reason": "As agreed with the plant",
    "RuleOut.reason": "As agreed with the plant", "AlertOut.state": "acknowledged",
    "AlertOut.title": "press-07 was not scanned since 2026-11-12; every 7 days are due, the last on 2026-11-19",
    "evidence": {"due_at": "2026-11-19T08:00:00Z", "interval_days": 7.0, "last_scan_at": "2026-11-12T08:00:00.000000Z"},
    "raised_at": _MOMENT, "acknowledged_at": _LATER, "acknowledged_by": "key_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "acknowledge_reason": "In repair until May", "channel_id": "chn_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "channel": "chn_01jdp3k0w8e6x4t2m9a5r7y1zc", "alert": "alr_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "target": "https://hooks.plant.example/d2r", "removed_at": None, "removed_by": None,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "event": "alert.raised", "not_before": _MOMENT,
    "last_answer": "204", "ChannelIn.name": "shift lead", "ChannelOut.name": "shift lead",
    "ChannelMade.name": "shift lead", "ChannelIn.kind": "webhook", "ChannelOut.kind": "webhook",
    "ChannelMade.kind": "webhook", "DeliveryOut.state": "delivered", "AcknowledgeIn.reason": "In repair until May",
    "closed_at": None, "closed_because": None,
    "EnrolledOut.certificates": "-", "ApplicationIn.certificate": "-", "marked": 3, "replaced_at": None,
    "stolen_since": None,
    "suspect_reason": None, "TheftIn.since": _MOMENT, "DeviceKeyOut.expires_at": None, "SuspectOut.state": "stored",
    "DeviceKeyOut.id": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc", "device_key_id": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "DeviceKeyOut.reason": "",
    "code_id": "cod_01jdp3k0w8e6x4t2m9a5r7y1zc", "confirmation": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    "device_key": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc", "device_name": "scanner-8", "failures": 0,
    "host": "appliance.example:8470", "minutes": 15, "nonce": "b8hFm2Yw", "old_until": _LATER,
    "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "DeviceCodeIn.reason": "",
    "DeviceCodeOut.reason": "", "DeviceCodeMade.reason": "", "DeviceCodeMade.code": "K7QM-2XR9-B4T6",
    "DeviceCodeIn.device": "scanner-8", "ApplicationIn.code": "K7QM", "ApplicationIn.name": "scanner-8",
    "EnrolledOut.code": "K7QM", "EnrolledOut.name": "scanner-8", "EnrolledOut.appliance": _VKEY,
    "EnrolledOut.device": "dev_01jdp3k0w8e6x4t2m9a5r7y1zc", "EnrolledOut.key": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "ProofIn.key": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc", "RenewedOut.key": "dky_01jdp3k0w8e6x4t2m9a5r7y1zc",
    "DeviceTokenMade.token": "d2rd_01jdp3k0w8e6x4t2m9a5r7y1zc_...",
    "signature": "5HoF1Wj8rPqQ0m8b3oL2lXzv0S7Tz0o7Q3m3Hk2c0n8=",
    "new_signature": "5HoF1Wj8rPqQ0m8b3oL2lXzv0S7Tz0o7Q3m3Hk2c0n8=",
}  # fmt: skip

_PLAN: Final = "name,zone,quantity,lower_mm,upper_mm,coverage\nskin,all,profile,-0.1,0.1,0.9\n"
_STATEMENT: Final = (
    'serial = "4711"\ncertificate = "DK-2026-0815"\ncalibrated_on = 2026-01-15\ndue_on = 2027-01-15\nmpe_mm = 0.03\n'
)
_RESULTS: Final = (
    '{"format": "d2r-results/1", "unit": "mm", "inspections": [{"serial": "4711-0042", "characteristics": '
    '[{"key": "20", "name": "Bore", "value": 10.02, "U": 0.01, "lower": 9.9, "upper": 10.1, "verdict": "pass"}]}]}'
)
_TABLE: Final = "serial,key,name,lower,upper,value,unit,U,k,verdict\n4711-0042,20,Bore,9.9,10.1,10.02,mm,0.01,2,pass\n"
#: Name of a route -> media type -> a file that it takes.
FILES: Final[dict[str, dict[str, str]]] = {
    "characteristics.add_characteristic_set": {"text/csv": _PLAN, "text/plain": _PLAN},
    "results_files.check_results_file": {"application/json": _RESULTS, "text/csv": _TABLE},
    "results_files.import_results": {"application/json": _RESULTS, "text/csv": _TABLE},
    "instruments.add_instrument": {"application/toml": _STATEMENT, "text/plain": _STATEMENT},
}


def example_of(schema: Json, schemas: Json, name: str = "", model: str = "") -> Any:
    """An example of what a schema describes.

    Parameters
    ----------
    schemas : the components that it may refer to
    name, model : of the field that it stands in, where it does
    """
    for known in (f"{model}.{name}", name):
        if known in WORDS and "$ref" not in schema and "$ref" not in schema.get("items", {}):
            return WORDS[known]
    if "$ref" in schema:
        inner = schema["$ref"].rpartition("/")[2]
        fields = schemas[inner].get("properties", {})
        return {field: example_of(one, schemas, field, inner) for field, one in fields.items()}
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if "default" in schema or "enum" in schema:
        return schema.get("default", schema.get("enum", [None])[0])
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), schemas)]
    return {"integer": 1, "number": 0.5, "boolean": False, "object": {}}.get(schema.get("type", ""), "text")


def problem_example(status: int, phrase: str) -> Json:
    """A problem of a status, as short as one can be."""
    code = "asset.unknown" if status == 404 else f"http.{status}"
    detail = WORDS["detail"] if status == 404 else f"{phrase}."
    return {
        "type": f"urn:d2r-appliance:problem:{code}",
        "title": phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": WORDS["request_id"],
    }
