"""A workspace in which every table has rows, and what two appliances need to hand one over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

from appliance.alerts.channels import WEBHOOK, add_channel
from appliance.alerts.engine import look_for_alerts
from appliance.alerts.rules import set_rule
from appliance.audit.cosignature import cosign
from appliance.audit.database_log import DatabaseLog
from appliance.audit.epochs import open_epoch
from appliance.audit.erasure import erase, hold
from appliance.audit.recording import record
from appliance.cad.models import CadRevision
from appliance.config.settings import load_settings
from appliance.core.ids import new_id
from appliance.crypto.archive_key import ArchiveKey
from appliance.crypto.encoding import b64encode
from appliance.crypto.vkey import ALG_COSIGNATURE, Signer
from appliance.enrolment.keys import add_key
from appliance.identity.tickets import create_ticket
from appliance.ingest.service import begin
from appliance.inspections.models import InspectionRow, Replay, ScanChange
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import SCAN, CharacteristicSetRow, InstrumentSuspicion, ResultsFile
from appliance.measurements.recording import Finding, Occasion, key_of, record_measurements
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.devices import enrol_device
from appliance.plant.models import Asset, AssetEvent, Part
from appliance.plant.operators import person_of_badge
from appliance.plant.parts import create_part
from appliance.scans.models import Scan, ScanManifest
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.trends.models import ControlLimits, ReferenceArtefact
from appliance.twin.recording import Prepared, record_version
from appliance.twin.service import roll_back
from appliance.workspaces.archive.reading import check_archive
from appliance.workspaces.archive.statement import Statement
from appliance.workspaces.exporting import export_workspace
from appliance.workspaces.importing import Archive, import_workspace

OWNER = Principal("key_owner", "key", "owner", "owner")
WITNESS = Signer("auditor.example/w", ALG_COSIGNATURE, bytes(range(60, 92)))
SEEN_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ArchiveKey(bytes(range(32)))
AT = "2026-03-01T12:00:00.000000Z"


def fill(scope: WorkspaceScope, random: Random, things: int = 3) -> None:
    """Put something into every table, some of it ``things`` times; ``random`` decides contents."""
    erased = _people(scope)
    part = create_part(scope, f"housing {random.random()}")
    device = enrol_device(scope, f"cell {random.random()}")
    with scope.transaction():
        add_key(scope, device, b64encode(random.randbytes(32)), "key_owner")
    instrument = add_instrument(scope, f"S5 {random.random()}", b"mpe_mm = 0.03\n")
    with scope.transaction():
        InstrumentSuspicion.create(
            id=new_id("sus"), instrument_id=instrument.id, since=AT, evidence="[]", found_at=AT, lifted_at=AT,
            lifted_by="key_o", lifted_reason="the artefact was dropped",
        )  # fmt: skip
    assets = [create_asset(scope, f"asset {random.random()}", part=part) for _ in range(things)]
    revision, plan = definitions(scope, part, random)
    scans = [_scan(scope, asset.id, random, erased) for asset in assets]
    _discarded(scope, assets[0].id, random)
    with scope.transaction():
        ReferenceArtefact.create(asset_id=assets[0].id, reason="ball bar", created_at=AT, created_by="key_o")
        AssetEvent.create(
            id=new_id("evt"), asset_id=assets[0].id, kind="repair", happened_at=AT, reason="worn", created_at=AT,
            created_by="key_o",
        )  # fmt: skip
    rows = [_inspection(scope, scan, part, revision, plan, random) for scan in scans]
    _amended(scope, rows[0])
    _change(scope, scans, random)
    _results_file(scope, assets[0], random)
    with scope:
        [(characteristic,)] = scope.database.fetch("SELECT id FROM characteristic")
    with scope.transaction():
        ControlLimits.create(
            id=new_id("lim"), characteristic_id=characteristic, asset_id="", version=1, limits="{}", made_since=AT,
            made_until=AT, reason="in control", created_at=AT, created_by="key_o",
        )  # fmt: skip
    _twin(scope, rows, random)
    set_rule(scope, "every day", "missing_scans", {"interval_days": 1}, reason="as agreed")
    settings = replace(scope.settings, webhook_origins="https://hooks.plant.example")
    add_channel(replace(scope, settings=settings), "hall", WEBHOOK, "https://hooks.plant.example/d2r")
    look_for_alerts(scope, datetime.now(UTC) + timedelta(days=9))
    log = DatabaseLog.of(scope)
    note = log.checkpoint()
    log.add_anchor(bytes(note.adding(cosign(note.text, WITNESS, SEEN_AT))), [WITNESS.verifier])
    open_epoch(scope, "restored from a backup")
    begin(scope, 1000, manifest=None, metadata="", partial=True)
    create_ticket(scope)


def _people(scope: WorkspaceScope) -> str:
    """Somebody, somebody who is held, and somebody who was erased; returns the last one's id."""
    known, held, erased = (person_of_badge(scope, badge, name) for badge, name in PEOPLE)
    for person in (known, held, erased):
        with scope.transaction():
            record(scope, "operator.spoke", personal={"said": f"words of {person}"}, person=person)
    hold(scope, held, "a law suit")
    erase(scope, erased, legal_basis="GDPR Art. 17(1)(a)", approver=OWNER)
    return erased


PEOPLE = (("4711", "Max Muster"), ("4712", "Erika Musterfrau"), ("4713", "Otto Normal"))


def definitions(scope: WorkspaceScope, part: Part, random: Random) -> tuple[str, str]:
    """A CAD revision and a characteristic set of a part; returns their ids."""
    cad, zones, plan = (_object(scope, random) for _ in range(3))
    made: dict[str, Any] = {"created_at": AT, "created_by": "key_o", "part_id": part.id}
    with scope.transaction():
        revision = CadRevision.create(
            id=new_id("cad"), label="B", sha256=cad[1], object=cad[0], format="stl", unit="mm", zones_sha256=zones[1],
            zones_object=zones[0], zone_names="[]", triangles=12, diagonal_mm=random.random() * 1000, findings="[]",
            **made,
        )  # fmt: skip
        row = CharacteristicSetRow.create(
            id=new_id("set"), version=1, sha256=plan[1], object=plan[0], characteristics=1, notes="[]", **made
        )
        Part.update(current_cad_revision_id=revision.id).where(Part.id == part.id).execute()
    return revision.id, row.id


def _object(scope: WorkspaceScope, random: Random, size: int = 2000) -> tuple[str, str]:
    stored = ObjectStore.of(scope).put_bytes(random.randbytes(random.randint(0, size)) + b"end")
    return stored.name, stored.sha256


def _scan(scope: WorkspaceScope, asset_id: str, random: Random, person: str | None = None, **more: Any) -> Scan:
    name, sha256 = _object(scope, random, 40_000)
    columns = {
        "encoding": "identity", "sha256": sha256, "size_bytes": 7, "stored_sha256": sha256, "stored_bytes": 7,
        "object": name, "format": "e57", "captured_at": AT, "received_at": AT, "received_by": "key_d",
        "manifest": '{"name":"Schräge Prüfung ✓"}', "receipt": "", "state": "stored", "clock_skew_s": -400,
        "suspect_since": AT, "suspect_reason": "hall 9",
    }  # fmt: skip
    with scope.transaction():
        scan: Scan = Scan.create(id=new_id("scn"), asset_id=asset_id, operator_person_id=person, **columns | more)
        ScanManifest.create(
            id=new_id("man"), scan_id=scan.id, sha256=sha256, manifest="{}", receipt="r", added_at=AT, added_by="x"
        )
    return scan


def stored_scan_of(scope: WorkspaceScope, asset_id: str, random: Random | None = None) -> Scan:
    """A scan of an asset, of bytes that nobody reads."""
    return _scan(scope, asset_id, random or Random())


def _discarded(scope: WorkspaceScope, asset_id: str, random: Random) -> None:
    """A scan that was given up, whose object is gone."""
    scan = _scan(scope, asset_id, random, state="discarded", removed_at=AT, reason="a hand before the lens")
    ObjectStore.of(scope).delete(scan.object)


def _inspection(
    scope: WorkspaceScope, scan: Scan, part: Part, revision: str, plan: str, random: Random
) -> InspectionRow:
    names = ("instrument", "alignment", "result", "proof", "pdf", "tiles", "field")
    objects = {f"{name}_object": _object(scope, random)[0] for name in names}
    envelope, envelope_sha256 = _object(scope, random)
    with scope.transaction():
        row: InspectionRow = InspectionRow.create(
            id=new_id("ins"), scan_id=scan.id, asset_id=scan.asset_id, part_id=part.id, cad_revision_id=revision,
            characteristic_set_id=plan, parameters="{}", context="{}", priority="normal", inspected_at=AT,
            created_at=AT, created_by="x", state="recorded", progress=random.random(), verdict="pass", log_index=3,
            envelope_object=envelope, envelope_sha256=envelope_sha256, **objects,
        )  # fmt: skip
        finding = Finding(
            key_of("wear", "all", "mean"), "wear", "all", "mean", "mm", random.gauss(0, 1e-3), 1e-17, None, None, 0.3,
            "pass", 1.0, 0.9, source_decision="fail",
        )  # fmt: skip
        record_measurements(scope, Occasion(row.id, part.id, scan.asset_id, "0001", SCAN, AT, revision), [finding])
        Replay.create(
            id=new_id("rpl"), inspection_id=row.id, state="done", requested_at=AT, requested_by="x", reproduced=1
        )
    return row


def _change(scope: WorkspaceScope, scans: list[Scan], random: Random) -> None:
    """What changed between the first scan and the last."""
    names = {f"{name}_object": _object(scope, random)[0] for name in ("laz", "ply", "arrays")}
    result, sha256 = _object(scope, random)
    with scope.transaction():
        ScanChange.create(
            id=new_id("chg"), asset_id=scans[0].asset_id, first_scan_id=scans[0].id, second_scan_id=scans[-1].id,
            parameters="{}", state="done", progress=random.random(), requested_at=AT, requested_by="key_o",
            summary="{}", result_object=result, result_sha256=sha256, **names,
        )  # fmt: skip


def _amended(scope: WorkspaceScope, original: InspectionRow) -> None:
    """An inspection that amends another one, and whose id sorts before that one's: under a clock that was set back."""
    columns = {name: getattr(original, name) for name in original._meta.fields}
    with scope.transaction():
        InspectionRow.create(**columns | {"id": "ins_00" + original.id[6:], "amends_id": original.id, "reason": "typo"})


def _results_file(scope: WorkspaceScope, asset: Asset, random: Random) -> None:
    """A file of results from elsewhere, its correction, and the inspection that rests on it."""
    for first in (None, "res_0"):
        name, sha256 = _object(scope, random)
        columns = {"name": "plates.qif", "size_bytes": 7, "format": "qif", "options": "{}", "state": "recorded"}
        with scope.transaction():
            ResultsFile.create(
                id="res_0" if first is None else "res_00", sha256=sha256, object=name, received_at=AT,
                received_by="key_d", amends_id=first, **columns,
            )  # fmt: skip
    with scope.transaction():
        InspectionRow.create(
            id=new_id("ins"), asset_id=asset.id, part_id=asset.part_id, results_file_id="res_0", file_position=1,
            parameters="{}", context="{}", priority="normal", inspected_at=AT, created_at=AT, created_by="x",
            state="recorded", verdict="inconclusive", pdf_object=_object(scope, random)[0],
        )  # fmt: skip


def _twin(scope: WorkspaceScope, rows: list[InspectionRow], random: Random) -> None:
    """Versions of the twins of some assets, and a roll-back, so that every column is filled."""
    for row in rows:
        (field, field_sha256), (skin, skin_sha256) = _object(scope, random), _object(scope, random)
        prepared = Prepared(4, random.random(), "c" * 64, "z" * 64, field_sha256, field, skin_sha256, skin)
        with scope.transaction():
            first = record_version(scope, row, prepared, AT, [row.id])
            record_version(scope, row, prepared, AT.replace("2026", "2027"), [row.id])
        roll_back(scope, row.asset_id, first.id, "the wrong part was scanned")


@dataclass(frozen=True)
class Handed:
    """An archive, and what its exporter signed about it."""

    file: Path
    statement: Statement


def new_site(folder: Path, name: str, **how: Any) -> Site:
    """Another appliance, with a master key and signing keys of its own."""
    return Site.open(load_settings(folder, {"D2R_NAME": name}), create=True, **how)


def hand_out(site: Site, slug: str, folder: Path, name: str = "archive") -> Handed:
    """Export a workspace into ``folder``."""
    sink = BytesIO()
    export_workspace(site, slug, KEY.lock, "a move", OWNER, sink)
    file = folder / f"{name}.d2rw"
    file.write_bytes(sink.getvalue())
    working = folder / f"{name}-checked"
    working.mkdir()
    return Handed(file, check_archive(file, KEY, site.keys.own_keys(), working)[1])


def take_in(site: Site, handed: Handed, exporter: Site, slug: str | None = None) -> WorkspaceScope:
    """Import an archive that ``exporter`` wrote; returns the scope of the new workspace."""
    archive = Archive(handed.file, KEY, exporter.keys.own_keys())
    return site.scope(SYSTEM, import_workspace(site, archive, "a move", OWNER, slug).slug)
