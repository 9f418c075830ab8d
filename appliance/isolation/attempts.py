"""What is tried from inside one workspace to reach another, by kind.  Each attempt is made for real.

An attempt returns what it got; whatever it raises is a refusal.  Whether an answer holds anything of the other
workspace is for the caller to say.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping
from typing import Final

from appliance.audit.database_log import DatabaseLog
from appliance.isolation.ground import Ground
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import change_asset, find_asset, list_assets
from appliance.plant.devices import find_device
from appliance.plant.models import Asset
from appliance.plant.parts import find_part
from appliance.queue.outbox import events_since
from appliance.scans.service import find_scan

Attempt = Callable[[Ground, random.Random], object]

#: Statements that a careless or injected query could hold; {other} is the other workspace's schema, {role} its role.
_IN_FILES: Final = """
ATTACH DATABASE '{folder}/{other}.db' AS other
ATTACH 'file:{folder}/{other}.db?mode=ro' AS other
SELECT * FROM other.asset
SELECT * FROM {other}.asset
SELECT load_extension('{folder}/{other}.db')
SELECT readfile('{folder}/{other}.db')
VACUUM INTO '{folder}/copy.db'
PRAGMA database_list = '{other}'
PRAGMA writable_schema = ON
CREATE TABLE other (x)
CREATE VIRTUAL TABLE v USING csv('{folder}/{other}.db')
CREATE TEMP TABLE t AS SELECT * FROM other.asset
DROP TRIGGER audit_entry_no_delete
SELECT name FROM asset WHERE id = '{id}' OR 1 = 1
SELECT * FROM asset WHERE name LIKE '%{id}%'
"""
_ON_A_SERVER: Final = """
SELECT * FROM {other}.asset
SELECT * FROM {other}.outbox
TABLE {other}.part
SET ROLE {role}
SET ROLE {role}_owner
SET SESSION AUTHORIZATION {role}
SET search_path = {other}; SELECT * FROM asset
SELECT set_config('role', '{role}', false), query_to_xml('SELECT * FROM {other}.asset', true, false, '')
SELECT query_to_xml('SELECT * FROM {other}.asset', true, false, '')
SELECT schema_to_xml('{other}', true, false, '')
SELECT database_to_xml(true, false, '')
COPY {other}.asset TO STDOUT
INSERT INTO {other}.part SELECT * FROM part
DELETE FROM {other}.asset
TRUNCATE {other}.asset CASCADE
LOCK TABLE {other}.writer IN EXCLUSIVE MODE
SELECT pg_read_file('/etc/passwd')
CREATE TABLE other (x INT)
CREATE EXTENSION dblink
DO $$ BEGIN PERFORM name FROM {other}.asset; END $$
GRANT USAGE ON SCHEMA {other} TO CURRENT_USER
SELECT most_common_vals::text FROM pg_stats WHERE schemaname = '{other}'
SELECT query FROM pg_stat_activity
SELECT * FROM control.workspace
SELECT name FROM asset WHERE id = '{id}' OR 1 = 1
"""
#: Ways to write a name so that it leads elsewhere.
_TRICKS: Final = (
    "{name}", "../{other}/{name}", "..%2f{other}%2f{name}", "/{other}/{name}", "{name}/../../{other}/{name}",
    "..\\{other}\\{name}", "{other}/{name}", "./{name}", "{name}\0", "....//{other}/{name}",
)  # fmt: skip


def statement(ground: Ground, dice: random.Random) -> object:
    """A statement in the attacker's own database, with blanks and letters that vary."""
    known = _ON_A_SERVER if ground.site.settings.database_file.exists() else _IN_FILES
    other, folder = ground.theirs.workspace_id, ground.site.settings.workspaces_folder
    role = getattr(getattr(ground.theirs.database.database, "login", None), "role", other)
    text = dice.choice(known.strip().splitlines()).format(
        other=other, folder=folder, role=role, id=dice.choice(ground.ids)
    )
    text = dice.choice(("", "/**/", " ")) + text + dice.choice(("", ";", " -- ", " /* */"))
    with ground.mine:
        answer = ground.database.database.execute_sql(text.replace("%", "%%"))
        return answer.fetchall() if answer.description else None


def foreign_id(ground: Ground, dice: random.Random) -> object:
    """An id of the other workspace, where one of the own is expected."""
    key = dice.choice(ground.ids)
    question = dice.choice((find_asset, find_part, find_device, find_scan))
    return question(ground.mine, key)


def foreign_reference(ground: Ground, dice: random.Random) -> object:
    """An own thing that is told to belong to one of the other workspace."""
    return change_asset(ground.mine, ground.own_asset_id, part=dice.choice((ground.part_id, f"part {ground.marker}")))


def own_lists(ground: Ground, dice: random.Random) -> object:
    """Everything that can be listed: rows, events, the log; from any place on."""
    after = dice.choice(("", ground.asset_id, ground.own_asset_id, "\0", "zzz", ground.marker))
    with ground.mine:
        events = [event.body for event in events_since(dice.choice((0, 1, -1, 10**9)))]
    log = DatabaseLog.of(ground.mine)
    entries = [log.entry(index) for index in range(min(3, log.size))]
    return [row.__data__ for row in list_assets(ground.mine, after=after)], events, entries


def foreign_object(ground: Ground, dice: random.Random) -> object:
    """An object of the other workspace by its name, through the own store, straight or around corners."""
    name = dice.choice(_TRICKS).format(name=ground.object_name, other=ground.theirs.object_prefix)
    return b"".join(ObjectStore.of(ground.mine).blocks(name))


def copied_object(ground: Ground, dice: random.Random) -> object:
    """A sealed file of the other workspace, copied among the own ones, which its key does not open."""
    folder = ground.site.settings.objects_folder
    files = [path for path in (folder / ground.theirs.object_prefix).rglob("*") if path.is_file()]
    source = dice.choice(files)
    target = folder / ground.mine.object_prefix / source.relative_to(folder / ground.theirs.object_prefix)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    try:
        return b"".join(ObjectStore.of(ground.mine).blocks(ground.object_name))
    finally:
        target.unlink()


def foreign_row(ground: Ground, dice: random.Random) -> object:
    """A row, a query or a cursor of one scope, taken into the other."""
    way = dice.randrange(4)
    if way == 0:
        with ground.mine:
            row = Asset.known(id=ground.own_asset_id)
        with ground.theirs:
            row.save()
        return ground.marker  # a row of one workspace was saved in the other
    elif way == 1:
        with ground.mine:
            late = Asset.select()
        with ground.theirs:
            return [row.__data__ for row in late]
    elif way == 2:
        with ground.mine, ground.theirs:
            return [row.__data__ for row in Asset.select()]
    return [row.__data__ for row in Asset.select()]


def foreign_entrance(ground: Ground, dice: random.Random) -> object:
    """The other workspace's door, with the own principal."""
    slug, other = ground.theirs.slug, ground.theirs.workspace_id
    name = dice.choice(
        (slug, other, slug.upper(), f" {slug}", f"{ground.mine.slug}/../{slug}", f"{slug}\0", f"{slug}' OR '1'='1")
    )
    with ground.site.scope(ground.attacker, name):
        return [row.__data__ for row in Asset.select()]


KINDS: Final[Mapping[str, Attempt]] = {
    "statements in the own database": statement,
    "ids of the other workspace": foreign_id,
    "references to the other workspace": foreign_reference,
    "lists, events, log": own_lists,
    "names of the other's objects": foreign_object,
    "copies of the other's objects": copied_object,
    "rows and queries taken along": foreign_row,
    "the other's door": foreign_entrance,
}
