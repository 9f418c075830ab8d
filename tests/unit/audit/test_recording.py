"""Recording: who, when and what, in the transaction of what happened; a person can be forgotten, a proof cannot."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from peewee import DatabaseError

from appliance.audit.book import Book
from appliance.audit.database_log import DatabaseLog
from appliance.audit.disclosure import disclosed_for, verify_disclosed
from appliance.audit.entry import LoggedEntry, read_entry
from appliance.audit.erasure import erase, hold, release
from appliance.audit.openings import Erased, disclose
from appliance.audit.personal import Opening, commitment
from appliance.audit.persons import change_profile, create_person, find_person, persons, profile_of
from appliance.audit.proof import parse_proof, verify_proof
from appliance.audit.recording import record
from appliance.config.settings import load_settings
from appliance.errors import Conflict, InvalidInput, Modified, NotFound
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.audit_books import MOMENT, SIGNER, connect, open_book

NAME = "Erika Mustermann-Überlingen"
KEY = Principal("key_1", "key", "press line", "device", "wsp_1")
USER = Principal("usr_9", "user", "Max Probst", "supervisor", "wsp_1")


class Clock:
    """A clock that tests set."""

    now = MOMENT

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Book:
    return open_book(tmp_path / "a.db", clock)


def read(book: Book, index: int) -> LoggedEntry:
    return read_entry(book.log.entry(index))


def bytes_of(path: Path) -> bytes:
    return b"".join(path.with_name(path.name + end).read_bytes() for end in ("", "-wal"))


def test_an_entry_says_who_acted(book: Book) -> None:
    assert record(book, "scan.received", {"scan": "a" * 64}, {"bytes": 7}) == 0
    assert record(book, "key.revoked", by=KEY) == 1
    first, second = read(book, 0), read(book, 1)
    assert first.facts == {"by": {"id": "system", "kind": "system", "role": "system"}, "bytes": 7}
    assert first.subjects == {"scan": "a" * 64}
    assert second.facts == {"by": {"id": "key_1", "kind": "key", "role": "device"}}


def test_no_id_of_a_person_stands_in_an_entry(book: Book) -> None:
    index = record(book, "report.released", by=USER)
    data = book.log.entry(index)
    assert USER.id.encode() not in data
    assert USER.label.encode() not in data
    assert read(book, index).facts["by"] == {"kind": "user", "role": "supervisor"}
    assert disclose(book, index)["by"].value == USER.id  # type: ignore[union-attr]
    assert profile_of(book, USER.id) == {"name": USER.label}
    record(book, "report.released", by=USER)
    assert [one.records for one in persons(book)] == [2]


def test_a_clock_that_steps_back_never_reorders_the_log(book: Book, clock: Clock) -> None:
    record(book, "scan.received")
    clock.now = MOMENT - timedelta(hours=1, milliseconds=1)
    record(book, "scan.received")
    clock.now = MOMENT + timedelta(seconds=1)
    record(book, "scan.received")
    entries = [read(book, index) for index in range(3)]
    assert [one.time for one in entries] == ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:00:01Z"]
    assert [one.facts.get("clock_behind_s") for one in entries] == [None, 3601, None]


def test_what_the_caller_takes_back_was_never_recorded(book: Book) -> None:
    person = create_person(book, {"name": NAME})

    def fail() -> None:
        with book.rows.transaction():
            record(book, "scan.received", personal={"operator": NAME}, person=person)
            raise InvalidInput("test", "The caller changes its mind.")

    with pytest.raises(InvalidInput):
        fail()
    assert book.log.size == 0
    assert find_person(book, person).records == 0  # type: ignore[union-attr]
    index = record(book, "scan.received", personal={"operator": NAME}, person=person)
    assert disclose(book, index)["operator"].value == NAME  # type: ignore[union-attr]


def test_personal_values_are_commitments_that_can_be_opened(book: Book) -> None:
    person = create_person(book, {"name": NAME})
    indices = [record(book, "scan.received", personal={"operator": NAME, "badge": "17"}, person=person) for _ in "ab"]
    first, second = (read(book, index).personal for index in indices)
    assert first.keys() == {"operator", "badge"}
    assert first["operator"] != second["operator"], "a salt serves once"
    opened = disclose(book, indices[1])
    assert {name: commitment(one) for name, one in opened.items() if isinstance(one, Opening)} == dict(second)


def test_nothing_about_a_person_stands_in_the_clear(book: Book, tmp_path: Path) -> None:
    person = create_person(book, {"name": NAME})
    index = record(book, "scan.received", personal={"operator": NAME}, person=person)
    opening = disclose(book, index)["operator"]
    assert isinstance(opening, Opening)
    data = bytes_of(tmp_path / "a.db")
    assert NAME.encode() not in data
    assert opening.salt not in data
    assert opening.salt.hex().encode() not in data
    [row] = connect(tmp_path / "a.db").execute("SELECT * FROM personal_opening").fetchall()
    assert person.encode() not in b"".join(one for one in row if isinstance(one, bytes))


@pytest.mark.parametrize(
    ("facts", "personal", "person"),
    [
        ({"by": "me"}, {}, None),
        ({"clock_behind_s": 1}, {}, None),
        ({}, {"by": "me"}, "per_1"),
        ({}, {"operator": NAME}, None),
        ({"value": 0.5}, {}, None),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    book: Book, facts: dict[str, object], personal: dict[str, str], person: str | None
) -> None:
    with pytest.raises(InvalidInput):
        record(book, "scan.received", facts=facts, personal=personal, person=person)
    assert book.log.size == 0


def test_values_about_nobody_are_refused(book: Book) -> None:
    with pytest.raises(NotFound):
        record(book, "scan.received", personal={"operator": NAME}, person="per_unknown")
    assert book.log.size == 0


def test_an_erased_person_is_forgotten_and_every_proof_still_holds(book: Book, tmp_path: Path, clock: Clock) -> None:
    person, other = (create_person(book, {"name": name}) for name in (NAME, "Eva"))
    record(book, "scan.received", personal={"operator": NAME}, person=person)
    record(book, "scan.received", personal={"operator": "Eva"}, person=other)
    record(book, "scan.received", personal={"operator": NAME}, person=person)
    opening, proof = disclose(book, 0)["operator"], book.log.proof_file(0)
    assert isinstance(opening, Opening)
    wrapped = connect(tmp_path / "a.db").execute("SELECT wrapped_key FROM person WHERE id = ?", (person,)).fetchone()[0]
    rows = [row[0] for row in connect(tmp_path / "a.db").execute("SELECT sealed FROM personal_opening")]
    clock.now = MOMENT + timedelta(days=3)

    entry = erase(book, person, legal_basis="GDPR Art. 17(1)(a)", approver=USER)

    said = read(book, entry)
    assert (said.kind, said.facts["records"], said.facts["legal_basis"]) == (
        "person.erased",
        [0, 2],
        "GDPR Art. 17(1)(a)",
    )
    assert disclose(book, entry)["by"].value == USER.id  # type: ignore[union-attr]
    for index in (0, 2):
        assert disclose(book, index) == {"operator": Erased("operator", "2026-03-04T12:00:00Z", entry)}
        assert str(disclose(book, index)["operator"]) == f"erased on 2026-03-04T12:00:00Z, entry {entry}"
    assert disclose(book, 1)["operator"].value == "Eva"  # type: ignore[union-attr]
    data = bytes_of(tmp_path / "a.db")
    assert wrapped not in data, "the key is gone from the file and its write-ahead log"
    assert [one in data for one in rows] == [False, True, False]
    with pytest.raises(NotFound, match=f"entry {entry} of the log"):
        profile_of(book, person)
    assert book.log.validate().size == 4
    assert verify_proof(parse_proof(proof), book.log.entry(0), [SIGNER.verifier]).size == 3
    assert verify_proof(parse_proof(book.log.proof_file(0)), book.log.entry(0), [SIGNER.verifier]).size == 4


def test_an_erased_person_gets_no_new_entries_and_is_not_erased_twice(book: Book) -> None:
    person = create_person(book, {"name": NAME})
    erase(book, person, legal_basis="GDPR Art. 17", approver=USER)
    with pytest.raises(NotFound):
        record(book, "scan.received", personal={"operator": NAME}, person=person)
    with pytest.raises(NotFound):
        change_profile(book, person, {"name": NAME})
    with pytest.raises(Conflict):
        erase(book, person, legal_basis="GDPR Art. 17", approver=USER)
    with pytest.raises(Conflict):
        create_person(book, {"name": NAME}, person)
    assert find_person(book, person).erased_entry == 0  # type: ignore[union-attr]


def test_a_legal_hold_blocks_erasure_until_it_is_released(book: Book) -> None:
    person = create_person(book, {"name": NAME})
    assert read(book, hold(book, person, "court order 12/26")).kind == "person.held"
    for attempt in (lambda: erase(book, person, legal_basis="GDPR", approver=USER), lambda: hold(book, person, "two")):
        with pytest.raises(Conflict, match="court order 12/26"):
            attempt()
    assert profile_of(book, person) == {"name": NAME}
    assert read(book, release(book, person, "lifted")).kind == "person.released"
    with pytest.raises(Conflict):
        release(book, person, "lifted")
    assert read(book, erase(book, person, legal_basis="GDPR", approver=USER)).facts["records"] == [0, 1]


def test_an_erasure_names_its_basis_and_nobody_approves_their_own(book: Book) -> None:
    person = create_person(book, {"name": NAME}, USER.id)
    with pytest.raises(InvalidInput):
        erase(book, person, legal_basis=" ", approver=KEY)
    with pytest.raises(Conflict):
        erase(book, person, legal_basis="GDPR", approver=USER)
    with pytest.raises(NotFound):
        erase(book, "per_unknown", legal_basis="GDPR", approver=USER)
    with pytest.raises(InvalidInput):
        hold(book, person, "")


def test_an_erasure_of_many_entries_is_said_in_several(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.audit.erasure._INDICES_AN_ENTRY", 2)
    person = create_person(book, {"name": NAME})
    for _ in range(5):
        record(book, "scan.received", personal={"operator": NAME}, person=person)
    first = erase(book, person, legal_basis="GDPR", approver=KEY)
    said = [read(book, first + part).facts for part in range(3)]
    assert [(one["records"], one["part"], one["parts"]) for one in said] == [
        ([0, 1], 1, 3),
        ([2, 3], 2, 3),
        ([4], 3, 3),
    ]


def test_a_disclosure_opens_a_commitment_to_whoever_gets_it_and_is_logged(book: Book) -> None:
    person = create_person(book, {"name": NAME})
    index = record(book, "scan.received", personal={"operator": NAME, "badge": "17"}, person=person)
    disclosed = disclosed_for(book, index, "audit of supplier 12")
    assert verify_disclosed(book.log.entry(index), disclosed) == {"operator": NAME, "badge": "17"}
    said = read(book, book.log.size - 1)
    assert (said.kind, said.facts["purpose"]) == ("person.disclosed", "audit of supplier 12")
    assert (said.facts["entry"], said.facts["fields"]) == (index, ["badge", "operator"])
    operator = disclosed["operator"]
    for change in ({"value": "Eva"}, {"salt": "00" * 32}, {"salt": "00"}, {"salt": "xy"}):
        with pytest.raises(Modified):
            verify_disclosed(book.log.entry(index), {"operator": {**operator, **change}})
    with pytest.raises(Modified):
        verify_disclosed(book.log.entry(index), {"reviewer": operator})
    with pytest.raises(InvalidInput):
        disclosed_for(book, index, " ")
    entry = erase(book, person, legal_basis="GDPR", approver=KEY)
    disclosed = disclosed_for(book, index, "audit of supplier 12")
    assert disclosed["operator"]["entry"] == entry
    assert verify_disclosed(book.log.entry(index), disclosed) == {}


def test_an_opening_that_is_gone_without_an_erasure_is_a_finding(book: Book, tmp_path: Path) -> None:
    person = create_person(book, {"name": NAME})
    record(book, "scan.received", personal={"operator": NAME}, person=person)
    connect(tmp_path / "a.db").execute("DELETE FROM personal_opening")
    with pytest.raises(Modified, match="without an erasure"):
        disclose(book, 0)
    with pytest.raises(Modified, match="without an erasure"):
        erase(book, person, legal_basis="GDPR", approver=KEY)


def test_an_opening_moved_to_another_entry_is_a_finding(book: Book, tmp_path: Path) -> None:
    person = create_person(book, {"name": NAME})
    for value in "ab":
        record(book, "scan.received", personal={"operator": value}, person=person)
    other = connect(tmp_path / "a.db")
    (first, a), (second, b) = other.execute("SELECT place, sealed FROM personal_opening ORDER BY rowid").fetchall()
    other.executemany("UPDATE personal_opening SET sealed = ? WHERE place = ?", [(b, first), (a, second)])
    with pytest.raises(Modified):
        disclose(book, 0)


def test_the_logs_of_an_appliance_are_kept_apart_and_called_by_its_name(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "data", {"D2R_NAME": "plant.example/7"})
    with Site.open(settings, create=True) as site:
        made = [site.create_workspace(slug, slug.title(), SYSTEM) for slug in ("line-1", "line-2")]
        scopes = [site.scope(Principal("usr_1", "user", "Max", "owner"), one.slug) for one in made]
        with scopes[0].transaction():
            person = create_person(scopes[0], {"name": NAME})
            record(scopes[0], "scan.received", personal={"operator": NAME}, person=person)
        record(site, "workspace.created", facts={"workspace": made[0].id}, by=USER)
        logs = [DatabaseLog.of_control(site), *map(DatabaseLog.of, scopes)]
        names = ["control", made[0].id, made[1].id]
        assert [log.origin for log in logs] == [f"plant.example/7/{name}" for name in names]
        assert [log.size for log in logs] == [1, 1, 0]
        assert disclose(site, 0)["by"].value == USER.id  # type: ignore[union-attr]
        assert disclose(scopes[0], 0)["operator"].value == NAME  # type: ignore[union-attr]
        with scopes[0].transaction(), pytest.raises(RuntimeError, match="committed"):
            logs[1].checkpoint()
        erase(scopes[0], person, legal_basis="GDPR", approver=SYSTEM)
        assert isinstance(disclose(scopes[0], 0)["operator"], Erased)
        if site.settings.control_db.exists():
            assert NAME.encode() not in bytes_of(site.databases.path(made[0].id))
        for log in logs[:2]:
            state = verify_proof(parse_proof(log.proof_file(0)), log.entry(0), site.keys.own_keys())
            assert state.origin == log.origin


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TRIGGER audit_entry_no_delete",
        "PRAGMA recursive_triggers=OFF",
        "PRAGMA writable_schema=ON",
        "ALTER TABLE audit_entry RENAME TO other",
        "DELETE FROM audit_entry",
        "UPDATE audit_entry SET leaf = zeroblob(32)",
        "REPLACE INTO audit_entry VALUES (0, x'7b7d', zeroblob(32))",
        "DELETE FROM audit_checkpoint",
    ],
)
def test_the_running_appliance_cannot_take_the_protection_off(tmp_path: Path, sql: str) -> None:
    with Site.open(load_settings(tmp_path / "data", {"D2R_NAME": "plant.example/7"}), create=True) as site:
        site.create_workspace("line-1", "Line 1", SYSTEM)
        scope = site.scope(SYSTEM, "line-1")
        record(scope, "scan.received")
        record(site, "workspace.created")
        for log, engine in ((DatabaseLog.of(scope), scope.database), (DatabaseLog.of_control(site), site.control)):
            log.checkpoint()
            with engine.session(), pytest.raises(DatabaseError):
                engine.database.execute_sql(sql)
            assert log.validate().size == 1
