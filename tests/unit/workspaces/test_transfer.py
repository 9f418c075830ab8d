"""A workspace that moves: everything is there afterwards, means what it meant, and is proven as it was."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from appliance.audit.book import Book
from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.audit.judgement import judge_log
from appliance.audit.openings import Erased, disclose
from appliance.audit.persons import persons, profile_of
from appliance.audit.proof import parse_proof, verify_proof
from appliance.audit.verify import Finding
from appliance.db.migrations import steps
from appliance.errors import Conflict, InvalidInput, NotFound, NotProvable
from appliance.ingest.quarantine import discard, remove_discarded
from appliance.inspections.carry import carry
from appliance.inspections.models import InspectionRow
from appliance.inspections.service import create_inspection
from appliance.isolation.stage import filled
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset, list_assets
from appliance.plant.operators import person_of_badge
from appliance.queue.outbox import Event
from appliance.reports.issuing import issue
from appliance.reports.service import export_pack, report_file, stored_report
from appliance.reports.verification import verify_path
from appliance.scans.models import Scan
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.archive.contents import NOT_CARRIED, TABLES
from appliance.workspaces.archive.reading import check_archive
from appliance.workspaces.archive.sealing import SealedSource
from appliance.workspaces.destruction import destroy
from appliance.workspaces.exporting import export_workspace
from appliance.workspaces.importing import Archive, import_workspace
from appliance.workspaces.service import suspend
from tests.full_workspace import KEY, OWNER, PEOPLE, WITNESS, Handed, fill, hand_out, new_site, take_in
from tests.line_samples import known_part, sample_files, stored_scan

#: What an export and an import add to a workspace: entries, and what is signed of them.
GROWING = {"audit_entry", "audit_checkpoint", "audit_epoch"}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Site]:
    """Another appliance."""
    with new_site(tmp_path / "there", "elsewhere.example/2") as site:
        yield site


@pytest.fixture
def full(site: Site) -> WorkspaceScope:
    scope = site.scope(OWNER, "main")
    fill(scope, Random(7))
    return scope


@pytest.fixture
def handed(site: Site, full: WorkspaceScope, tmp_path: Path) -> Handed:
    return hand_out(site, "main", tmp_path)


def control_entries(site: Site, kind: str) -> list[dict[str, object]]:
    log = DatabaseLog.of_control(site)
    entries = [json.loads(log.entry(index)) for index in range(log.size)]
    return [entry["facts"] for entry in entries if entry["kind"] == kind]


def columns_of(scope: WorkspaceScope) -> dict[str, set[str]]:
    """Every table of the workspace's database with its columns."""
    with scope.database.session() as engine:
        if scope.settings.database_file.exists():
            sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            found = engine.fetch(sql)
        else:
            tables = engine.fetch("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
            found = [(name, one[1]) for (name,) in tables for one in engine.fetch(f"PRAGMA table_info({name})")]
    columns: dict[str, set[str]] = {}
    for table, column in found:
        columns.setdefault(table, set()).add(column)
    return columns


def test_every_column_of_the_schema_is_carried_or_stays_behind_for_a_reason(scope: WorkspaceScope) -> None:
    carried = {table.name: {column.name for column in table.columns} for table in TABLES}
    left = {name for name in NOT_CARRIED if "." not in name}
    for table, columns in columns_of(scope).items():
        if table in left:
            assert table not in carried
            continue
        behind = {name.partition(".")[2] for name in NOT_CARRIED if name.startswith(f"{table}.")}
        assert carried.pop(table) == columns - behind, table
    assert carried == {}


def test_everything_is_there_again_and_exports_the_same(
    site: Site, there: Site, handed: Handed, tmp_path: Path
) -> None:
    contents = handed.statement.contents
    assert [name for name, one in contents.tables.items() if not one.count] == []
    take_in(there, handed, site)
    again = hand_out(there, "main", tmp_path, "again").statement.contents
    same = {name: one for name, one in contents.tables.items() if name not in GROWING}
    assert {name: again.tables[name] for name in same} == same
    assert again.objects == contents.objects
    assert again.tables["audit_entry"].count == contents.tables["audit_entry"].count + 3


def test_rows_may_refer_to_rows_that_come_later(
    site: Site, there: Site, full: WorkspaceScope, handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.workspaces.bringing._VALUES_A_STATEMENT", 1)
    with take_in(there, handed, site):
        amended = [(row.id, row.amends_id) for row in InspectionRow.select() if row.amends_id]
    assert len(amended) == 1
    assert amended[0][0] < amended[0][1]


def test_objects_are_sealed_anew_under_other_names_and_read_the_same(
    site: Site, there: Site, full: WorkspaceScope, handed: Handed
) -> None:
    scope = take_in(there, handed, site)
    assert scope.data_key != full.data_key
    here, moved = ObjectStore.of(full), ObjectStore.of(scope)
    names = set(moved.names())
    assert len(names) == handed.statement.contents.objects.count
    assert not names & set(here.names())
    for name in names:
        moved.check(name)
    with full:
        rows = {row.id: row for row in InspectionRow.select()}
    with scope:
        for row in InspectionRow.select():
            assert moved.read(row.pdf_object) == here.read(rows[row.id].pdf_object)
            assert row.amends_id == rows[row.id].amends_id
            assert row.start_object is None


def test_the_log_verifies_goes_on_and_says_where_it_came_from(
    site: Site, there: Site, full: WorkspaceScope, handed: Handed
) -> None:
    source, log = DatabaseLog.of(full), DatabaseLog.of(take_in(there, handed, site))
    assert log.promises.origins()[:2] == source.promises.origins()
    assert log.validate().origin == f"elsewhere.example/2/{log.first_origin.rpartition('/')[2]}/epoch-3"
    assert [log.entry(index) for index in range(source.size)] == [source.entry(index) for index in range(source.size)]
    kinds = [read_entry(log.entry(index)).kind for index in range(source.size - 1, log.size)]
    assert kinds == ["workspace.exported", "log.epoch", "workspace.imported"]
    assert log.is_signed()
    assert judge_log(log, [WITNESS.verifier], [bytes(source.checkpoint())]).finding is Finding.UNMODIFIED


def test_personal_data_opens_again_and_what_was_erased_stays_erased(
    site: Site, there: Site, full: WorkspaceScope, handed: Handed
) -> None:
    scope = take_in(there, handed, site)
    assert persons(scope) == persons(full)
    spoken = [
        index for index in range(DatabaseLog.of(full).size)
        if read_entry(DatabaseLog.of(full).entry(index)).kind == "operator.spoke"
    ]  # fmt: skip
    for index in spoken:
        assert disclose(scope, index) == disclose(full, index)
    assert isinstance(disclose(scope, spoken[2])["said"], Erased)
    for (badge, name), person in zip(PEOPLE[:2], persons(full), strict=False):
        assert profile_of(scope, person.id) == {"badge": badge, "name": name}
        assert person_of_badge(scope, badge) == person.id
    assert person_of_badge(scope, PEOPLE[2][0]) not in {person.id for person in persons(full)}


def test_events_keep_their_order(site: Site, there: Site, full: WorkspaceScope, handed: Handed) -> None:
    def events(scope: WorkspaceScope) -> list[tuple[str, str]]:
        with scope:
            return [(event.kind, event.body) for event in Event.select().order_by(Event.seq)]

    scope = take_in(there, handed, site)
    assert events(scope) == events(full)
    create_asset(scope, "press-9")
    assert events(scope)[-1][0] == "asset.created"


def test_both_appliances_write_down_what_left_and_what_came(site: Site, there: Site, handed: Handed) -> None:
    scope = take_in(there, handed, site)
    [left], [done] = control_entries(site, "workspace.exported"), control_entries(site, "workspace.export_finished")
    assert (left["reason"], left["slug"], left["export"]) == ("a move", "main", handed.statement.export)
    assert done["objects"] == handed.statement.contents.objects.count
    [came] = control_entries(there, "workspace.imported")
    assert (came["workspace"], came["reason"], came["export"]) == (scope.workspace_id, "a move", left["export"])
    assert came["from"] == handed.statement.came.origin


def test_a_workspace_is_exported_while_it_is_suspended_and_not_once_it_is_destroyed(
    site: Site, there: Site, scope: WorkspaceScope, tmp_path: Path
) -> None:
    create_asset(scope, "press-9")
    suspend(site, "main", "the contract ended", OWNER)
    handed = hand_out(site, "main", tmp_path)
    destroy(site, "main", "the contract ended", "main", OWNER)
    with pytest.raises(Conflict, match="is destroyed"):
        hand_out(site, "main", tmp_path)
    with pytest.raises(NotFound):
        hand_out(site, "nowhere", tmp_path)
    assert [one.name for one in list_assets(take_in(there, handed, site))] == ["press-9"]


def test_the_head_says_what_stays_behind(site: Site, full: WorkspaceScope, handed: Handed, tmp_path: Path) -> None:
    head, _ = check_archive(handed.file, KEY, site.keys.own_keys(), tmp_path)
    assert head.left_behind == {"upload": 1}


def test_it_wants_a_reason(site: Site, there: Site, handed: Handed) -> None:
    with pytest.raises(InvalidInput):
        export_workspace(site, "main", KEY.lock, "  ", OWNER, _Nowhere())
    with pytest.raises(InvalidInput):
        import_workspace(there, Archive(handed.file, KEY, site.keys.own_keys()), "", OWNER)


class _Nowhere:
    def write(self, data: bytes) -> object:
        raise AssertionError("nothing is written")


def test_an_archive_is_imported_once(site: Site, there: Site, handed: Handed) -> None:
    take_in(there, handed, site)
    with pytest.raises(Conflict, match="imported already, as 'main'"):
        take_in(there, handed, site, "other")
    with pytest.raises(Conflict, match="There is a workspace 'main'"):
        take_in(site, handed, site)
    assert [one.slug for one in there.workspaces()] == ["main"]


def test_a_workspace_comes_back_beside_itself_under_another_name(
    site: Site, full: WorkspaceScope, handed: Handed
) -> None:
    copy = take_in(site, handed, site, "restored")
    assert [one.name for one in list_assets(copy)] == [one.name for one in list_assets(full)]
    assert DatabaseLog.of(copy).validate().size == handed.statement.came.size + 2
    assert DatabaseLog.of(full).validate().size == handed.statement.came.size


def test_only_an_appliance_that_is_trusted_can_have_written_it(there: Site, handed: Handed) -> None:
    for keys in ((), there.keys.own_keys()):
        with pytest.raises(NotProvable):
            import_workspace(there, Archive(handed.file, KEY, keys), "a move", OWNER)
    assert there.all_workspaces() == ()


def test_api_keys_stay_behind(site: Site, there: Site, handed: Handed) -> None:
    scope = take_in(there, handed, site)
    with there.control_session() as control:
        assert control.fetch("SELECT COUNT(*) FROM api_key WHERE workspace_id = ?", scope.workspace_id) == [(0,)]
    assert Book.of_workspace(scope).principal == SYSTEM


def test_an_export_is_of_one_moment_whatever_is_done_meanwhile(site: Site, there: Site, tmp_path: Path) -> None:
    """Every asset comes with its entry and its event, and every entry and event with its asset."""
    scope, done = site.scope(OWNER, "main"), threading.Event()

    def work(name: str) -> None:
        for number in itertools.count():
            if done.is_set():
                return
            create_asset(scope, f"{name} {number}")

    writers = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    handed = [hand_out(site, "main", tmp_path, f"archive-{number}") for number in range(3)]
    done.set()
    for writer in writers:
        writer.join()
    sizes = [one.statement.contents.tables["asset"].count for one in handed]
    assert sizes == sorted(sizes)
    for number, one in enumerate(handed):
        moved = take_in(there, one, site, f"moved-{number}")
        log = DatabaseLog.of(moved)
        entries = [read_entry(log.entry(index)) for index in range(log.size)]
        assert sum(entry.kind == "asset.created" for entry in entries) == sizes[number]
        with moved:
            assert Event.select().where(Event.kind == "asset.created").count() == sizes[number]


def test_what_is_discarded_meanwhile_is_still_in_the_archive_and_goes_afterwards(
    site: Site, full: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full.transaction():
        scan = Scan.select().where(Scan.state == "stored").first()
        Scan.update(state="quarantined").where(Scan.id == scan.id).execute()
    store, discarded = ObjectStore.of(full), []

    class Sink(BytesIO):
        def write(self, data: Any) -> int:
            if not discarded:  # rows are read, objects are not
                discarded.append(discard(full, scan.id, "a hand before the lens"))
            return super().write(data)

    sink = Sink()
    exported = export_workspace(site, "main", KEY.lock, "a move", OWNER, sink)
    assert discarded[0].state == "discarded"
    assert store.exists(scan.object)
    (tmp_path / "archive").write_bytes(sink.getvalue())
    _, statement = check_archive(tmp_path / "archive", KEY, site.keys.own_keys(), tmp_path)
    assert statement.contents.objects.count == exported.objects
    assert remove_discarded(full) == 1
    assert not store.exists(scan.object)


def test_an_archive_of_an_older_program_is_taken_in_with_what_came_later_at_its_default(
    site: Site, there: Site, scope: WorkspaceScope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_asset(scope, "press-9", serial="0001", location="Hall 3")
    older = tuple(
        replace(table, columns=tuple(column for column in table.columns if column.name not in ("serial", "location")))
        for table in TABLES
        if table.name != "replay"
    )
    with monkeypatch.context() as then:
        for module in ("exporting", "archive.head"):
            then.setattr(f"appliance.workspaces.{module}.TABLES", older)
        then.setattr("appliance.workspaces.archive.head.steps", lambda kind: steps(kind)[:-1])
        sink = BytesIO()
        export_workspace(site, "main", KEY.lock, "a move", OWNER, sink)
    (tmp_path / "archive").write_bytes(sink.getvalue())
    archive = Archive(tmp_path / "archive", KEY, site.keys.own_keys())
    import_workspace(there, archive, "a move", OWNER)
    [asset] = list_assets(there.scope(OWNER, "main"))
    assert (asset.name, asset.serial, asset.location) == ("press-9", "", "")


def test_reports_verify_as_before_and_what_was_under_way_goes_on(site: Site, there: Site, tmp_path: Path) -> None:
    scope, sample = site.scope(OWNER, "main"), sample_files(tmp_path, points=40_000)
    scan = stored_scan(scope, sample, known_part(scope, sample))
    pose = ObjectStore.of(scope).put_file(sample.alignment).name
    done, waiting = (create_inspection(scope, scan.id, alignment_object=pose) for _ in range(2))
    assert carry(scope, done.id, issue) == "recorded"
    moved = take_in(there, hand_out(site, "main", tmp_path), site)
    for name in ("evidence.zip", "report.json", "report.tlog-proof", "report.pdf"):
        for place, folder in ((scope, tmp_path / "then"), (moved, tmp_path / "now")):
            folder.mkdir(exist_ok=True)
            with (folder / name).open("wb") as sink:
                if name == "evidence.zip":
                    export_pack(place, done.id, sink)
                else:
                    sink.writelines(report_file(place, done.id, name))
    before, after = tmp_path / "then", tmp_path / "now"
    for name in ("report.json", "report.pdf", "evidence.zip"):
        found = [verify_path(folder / name, site.keys.own_keys()) for folder in (before, after)]
        assert replace(found[1], path=found[0].path) == found[0]
    with pytest.raises(NotProvable):
        verify_path(after / "report.pdf", there.keys.own_keys())
    proof = parse_proof(DatabaseLog.of(moved).proof_file(stored_report(moved, done.id).log_index))
    assert verify_proof(proof, proof.extra, there.keys.own_keys()).size > proof.index
    assert carry(moved, waiting.id, issue) == "recorded"
    (tmp_path / "new.pdf").write_bytes(b"".join(report_file(moved, waiting.id, "report.pdf")))
    assert verify_path(tmp_path / "new.pdf", there.keys.own_keys())


def test_an_archive_holds_nothing_of_another_workspace(site: Site, scope: WorkspaceScope, tmp_path: Path) -> None:
    site.create_workspace("other", "Other", OWNER)
    other = site.scope(OWNER, "other")
    stage = filled(site, scope, other, OWNER)
    create_asset(scope, "one of our own")

    def plain(slug: str) -> str:
        path = hand_out(site, slug, tmp_path, slug).file
        with path.open("rb") as file:
            return SealedSource(file, KEY).read(1 << 30).decode("latin-1")

    assert stage.betrays(plain("other"))
    own = plain("main")
    assert "one of our own" in own
    assert not stage.shows(own)
    assert not any(name in own for name in stage.ids)
