"""Archives that are not what was exported: refused whole, whoever changed them, and nothing is left behind."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.archive_key import ArchiveKey
from appliance.crypto.dsse import open_envelope, sign_envelope
from appliance.errors import D2RError, Denied, InvalidInput, Misconfigured, Modified, NotProvable, Unavailable
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.site import Site
from appliance.workspaces.archive.head import read_head
from appliance.workspaces.archive.members import MemberWriter, read_members
from appliance.workspaces.archive.reading import check_archive
from appliance.workspaces.archive.sealing import SealedSink, SealedSource
from appliance.workspaces.archive.tally import Tally
from appliance.workspaces.bringing import Bringing
from appliance.workspaces.importing import Archive, give_up_imports, import_workspace
from tests.full_workspace import KEY, OWNER, Handed, fill, hand_out, new_site, take_in

Members = list[tuple[str, bytes]]


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("here") / "appliance", "plant.example/7") as site:
        site.create_workspace("main", "Main", OWNER)
        fill(site.scope(OWNER, "main"), Random(3), things=1)
        yield site


@pytest.fixture(scope="module")
def good(exporter: Site, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return hand_out(exporter, "main", tmp_path_factory.mktemp("good")).file.read_bytes()


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with new_site(tmp_path_factory.mktemp("there") / "appliance", "elsewhere.example/2") as site:
        yield site


def members_of(data: bytes, folder: Path) -> Members:
    path = folder / "opened"
    path.write_bytes(data)
    with path.open("rb") as file:
        return [(one.name, one.whole()) for one in read_members(SealedSource(file, KEY))]


def sealed(members: Members) -> bytes:
    """An archive of these members, as anybody can make one who has the public half of the key."""
    out = BytesIO()
    sink = SealedSink(out, KEY.lock)
    writer = MemberWriter(sink)
    for name, data in members:
        writer.add(name, data)
    writer.close()
    sink.close()
    return out.getvalue()


def checked(data: bytes, exporter: Site, folder: Path, key: ArchiveKey = KEY) -> object:
    path = folder / "archive"
    path.write_bytes(data)
    return check_archive(path, key, exporter.keys.own_keys(), folder)


def signed_anew(members: Members, exporter: Site, change: Callable[[dict[str, Any]], object]) -> Members:
    """The members with a statement that says something else, signed by the exporter."""
    name, envelope = members[-1]
    opened = open_envelope(envelope)
    said = loads_strict(opened.payload)
    change(said)
    again = sign_envelope(canonical_bytes(said), opened.payload_type, (exporter.keys.signer(),))
    return [*members[:-1], (name, again)]


def nothing_is_left(site: Site) -> bool:
    settings = site.settings
    folders = (settings.objects_folder, settings.uploads_folder, settings.scratch_folder)
    with site.control_session():
        waiting = WorkspaceRow.select().where(WorkspaceRow.cleared_at.is_null()).count()
    return not waiting and not site.all_workspaces() and not any(any(folder.iterdir()) for folder in folders)


def test_the_archive_itself_is_good(good: bytes, exporter: Site, tmp_path: Path) -> None:
    checked(good, exporter, tmp_path)
    assert sealed(members_of(good, tmp_path)) != good
    checked(sealed(members_of(good, tmp_path)), exporter, tmp_path)


def test_no_flipped_bit_goes_unseen(good: bytes, exporter: Site, tmp_path: Path) -> None:
    random = Random(1)
    places = [*range(160), *(random.randrange(len(good)) for _ in range(60)), *range(len(good) - 20, len(good))]
    for place in places:
        damaged = bytearray(good)
        damaged[place] ^= 1 << random.randrange(8)
        with pytest.raises((Modified, Denied, InvalidInput)):
            checked(bytes(damaged), exporter, tmp_path)


def test_no_cut_and_nothing_that_is_added_goes_unseen(good: bytes, exporter: Site, tmp_path: Path) -> None:
    random = Random(2)
    for length in (0, 1, 24, 103, 104, 136, 137, len(good) - 1, *(random.randrange(len(good)) for _ in range(30))):
        with pytest.raises((Modified, Denied, InvalidInput)):
            checked(good[:length], exporter, tmp_path)
    for more in (b"\0", b"x" * 16, b"\0" * (1 << 20)):
        with pytest.raises(Modified):
            checked(good + more, exporter, tmp_path)


def test_another_key_does_not_open_it(good: bytes, exporter: Site, tmp_path: Path) -> None:
    with pytest.raises(Denied, match="does not open this archive"):
        checked(good, exporter, tmp_path, ArchiveKey.generate())
    with pytest.raises(InvalidInput, match="no archive"):
        checked(b"PK\3\4" + good, exporter, tmp_path)
    with pytest.raises(InvalidInput, match="no-such-file"):
        check_archive(tmp_path / "no-such-file", KEY, (), tmp_path)


def without(prefix: str) -> Callable[[Members], Members]:
    def cut(members: Members) -> Members:
        first = next(name for name, _ in members if name.startswith(prefix))
        return [one for one in members if one[0] != first]

    return cut


def replaced(prefix: str, old: bytes, new: bytes) -> Callable[[Members], Members]:
    return lambda members: [
        (name, data.replace(old, new, 1) if name.startswith(prefix) else data) for name, data in members
    ]


def swapped(members: Members) -> Members:
    """Two objects in each other's place."""
    places = [index for index, (name, _) in enumerate(members) if name.startswith("objects/")][:2]
    changed = list(members)
    changed[places[0]], changed[places[1]] = members[places[1]], members[places[0]]
    return changed


FORGED: dict[str, Callable[[Members], Members]] = {
    "a row was changed": replaced("tables/measurement", b'"pass"', b'"fail"'),
    "a row was doubled": lambda members: [
        (name, data * 2 if name == "tables/part/000000" else data) for name, data in members
    ],
    "a piece of a table is missing": without("tables/asset"),
    "a piece comes twice": lambda members: [*members[:2], members[1], *members[2:]],
    "an entry of the log was changed": replaced("tables/audit_entry", b"[1,", b"[2,"),
    "an object is missing": without("objects/"),
    "objects in another order": swapped,
    "an object that is another one": lambda members: [
        (name, b"other" if name.startswith("objects/") else data) for name, data in members
    ],
    "an object that nobody named": lambda members: [*members[:-1], ("objects/" + "f" * 64, b"x"), members[-1]],
    "the head was changed": replaced("head.json", b'"main"', b'"mine"'),
    "no head": lambda members: members[1:],
    "no statement": lambda members: members[:-1],
    "something behind the statement": lambda members: [*members, ("objects/" + "f" * 64, b"x")],
    "two statements": lambda members: [*members, members[-1]],
    "an unknown member": lambda members: [members[0], ("../../etc/passwd", b"x"), *members[1:]],
    "an unknown table": lambda members: [members[0], ("tables/users/000000", b"[1]\n"), *members[1:]],
    "a row that is no list": replaced("tables/part", b"[", b'{"a":'),
    "a value of another kind": replaced("tables/part", b'["', b'[7,"'),
    "no rows in a piece": lambda members: [
        (name, b"" if name == "tables/part/000000" else data) for name, data in members
    ],
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_who_has_the_public_key_alone_can_forge_nothing(
    good: bytes, exporter: Site, tmp_path: Path, change: Callable[[Members], Members]
) -> None:
    members = members_of(good, tmp_path)
    forged = change(members)
    assert forged != members
    with pytest.raises((Modified, NotProvable)):
        checked(sealed(forged), exporter, tmp_path)


def test_members_are_plain_files(good: bytes, exporter: Site, tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE):
        member = tarfile.TarInfo("tables/part/000000")
        member.type, member.linkname = kind, "/etc/passwd"
        out = BytesIO()
        sink = SealedSink(out, KEY.lock)
        sink.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
        sink.close()
        with pytest.raises(Modified):
            checked(out.getvalue(), exporter, tmp_path)


def test_what_stands_behind_the_end_of_the_tar_is_seen(good: bytes, exporter: Site, tmp_path: Path) -> None:
    out, path = BytesIO(), tmp_path / "opened"
    path.write_bytes(good)
    with path.open("rb") as file:
        plain = SealedSource(file, KEY).read(1 << 30)
    sink = SealedSink(out, KEY.lock)
    sink.write(plain + b"more")
    sink.close()
    with pytest.raises(Modified, match="behind the end"):
        checked(out.getvalue(), exporter, tmp_path)


def test_a_statement_about_something_else_is_none(good: bytes, exporter: Site, tmp_path: Path) -> None:
    members = members_of(good, tmp_path)
    for change in (
        lambda said: said.update(predicateType="urn:d2r-appliance:custody-receipt:v1"),
        lambda said: said["predicate"]["objects"].update(count=0),
        lambda said: said["predicate"].update(export="exp_other"),
        lambda said: said["predicate"].pop("log"),
    ):
        with pytest.raises(Modified):
            checked(sealed(signed_anew(members, exporter, change)), exporter, tmp_path)
    unchanged = signed_anew(members, exporter, lambda said: None)
    checked(sealed(unchanged), exporter, tmp_path)


def test_an_archive_that_lacks_an_object_is_refused_even_where_its_exporter_signed_that(
    good: bytes, exporter: Site, tmp_path: Path
) -> None:
    members = without("objects/")(members_of(good, tmp_path))
    tally = Tally(b"", ())
    for name, data in members:
        if name.startswith("objects/"):
            tally.object(name.removeprefix("objects/"), len(data))
    fewer = signed_anew(
        members, exporter, lambda said: said["predicate"].update(objects=asdict(tally.contents().objects))
    )
    with pytest.raises(Modified, match="1 objects that rows name are not in the archive"):
        checked(sealed(fewer), exporter, tmp_path)


def test_an_archive_of_a_newer_program_says_so(good: bytes, exporter: Site, tmp_path: Path) -> None:
    members = members_of(good, tmp_path)
    head = loads_strict(members[0][1])
    head["schema"].append({"number": 9999, "name": "later", "sha256": "0" * 64})
    with pytest.raises(Misconfigured, match="newer program"):
        checked(sealed([("head.json", canonical_bytes(head)), *members[1:]]), exporter, tmp_path)
    with pytest.raises(Modified, match="format"):
        read_head(canonical_bytes(head | {"format": "d2r-workspace-archive/9"}))
    known = loads_strict(members[0][1])
    for wrong in ({"workspace": {}}, {"tables": {"users": []}}, {"tables": {"part": [["id", "bytes"]]}}, {"schema": 7}):
        with pytest.raises(Modified, match="damaged"):
            read_head(canonical_bytes(known | wrong))


def test_a_damaged_archive_leaves_nothing_behind(good: bytes, exporter: Site, there: Site, tmp_path: Path) -> None:
    file = tmp_path / "archive"
    flipped = good[:200] + bytes([good[200] ^ 1]) + good[201:]
    for damaged in (good[:-1], flipped, sealed(members_of(good, tmp_path)[:-1])):
        file.write_bytes(damaged)
        with pytest.raises(D2RError):
            import_workspace(there, Archive(file, KEY, exporter.keys.own_keys()), "a move", OWNER)
        assert nothing_is_left(there)


def test_an_entry_of_the_log_that_was_signed_and_is_not_what_its_root_says_is_not_taken(
    good: bytes, exporter: Site, there: Site, tmp_path: Path
) -> None:
    """An exporter that signs whatever it is given."""
    file = tmp_path / "archive"
    members = members_of(good, tmp_path)
    wrong = signed_anew(members, exporter, lambda said: said["predicate"]["log"].update(root="0" * 64))
    file.write_bytes(sealed(wrong))
    with pytest.raises(Modified, match="not the"):
        import_workspace(there, Archive(file, KEY, exporter.keys.own_keys()), "a move", OWNER)
    assert nothing_is_left(there)


def test_what_fails_half_way_leaves_nothing_behind(
    good: bytes, exporter: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "archive"
    file.write_bytes(good)
    archive = Archive(file, KEY, exporter.keys.own_keys())

    def full(*_: object) -> None:
        raise Unavailable("storage.full", "There is no space left.")

    with new_site(tmp_path / "third", "third.example/3") as third:
        for name in ("rows", "object", "finish"):
            with monkeypatch.context() as broken:
                broken.setattr(Bringing, name, full)
                with pytest.raises(Unavailable):
                    import_workspace(third, archive, "a move", OWNER)
            assert nothing_is_left(third)
        assert give_up_imports(third) == 0
        assert import_workspace(third, archive, "a move", OWNER).slug == "main"


def test_an_archive_that_changes_while_it_is_read_is_not_taken(
    good: bytes, exporter: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", hand_out(exporter, "main", tmp_path, "second").file
    first.write_bytes(good)

    def exchanged(*arguments: Any) -> Any:
        answer = check_archive(*arguments)
        second.replace(first)
        return answer

    monkeypatch.setattr("appliance.workspaces.importing.check_archive", exchanged)
    with new_site(tmp_path / "third", "third.example/3") as third:
        with pytest.raises(Modified, match="changed while it was read"):
            take_in(third, hand_out_of(first, exporter, tmp_path), exporter)
        assert nothing_is_left(third)


def hand_out_of(file: Path, exporter: Site, folder: Path) -> Handed:
    working = folder / "working"
    working.mkdir()
    return Handed(file, check_archive(file, KEY, exporter.keys.own_keys(), working)[1])
