"""Many rows in one statement, on either backend."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.db.bulk import Asked, Kind, rows_statement
from appliance.db.dialect import placeholders
from appliance.rollups.statements import LINES, PLACE, QUANTILES
from appliance.tenancy.scope import WorkspaceScope
from tests.postgresql_cluster import cluster

STATE: dict[str, Kind] = {"one": "integer", "version": "integer", "time_zone": "text", "built_at": "text"}
SETTING = "ON CONFLICT (one) DO UPDATE SET version = rollup_state.version + excluded.version"


def test_rows_are_written_and_added_to_what_is_there(scope: WorkspaceScope) -> None:
    with scope.transaction():
        for _ in range(2):
            scope.database.write_rows("rollup_state", STATE, [(1, 2**40, "it's 100 % ? UTC", "x")], SETTING)
        assert scope.database.fetch("SELECT version, time_zone FROM rollup_state") == [(2**41, "it's 100 % ? UTC")]


def test_whole_numbers_may_stand_among_reals_and_nothing_among_both(scope: WorkspaceScope) -> None:
    numbers = [(n, None if n % 3 else n if n % 2 else n / 7) for n in range(25_000)]
    with scope.transaction():
        _an_owner(scope)
        rows = [(1, 3, 0, n, b"", b"", best, 0) for n, best in numbers]
        scope.database.write_rows("rollup_line", LINES, rows)
        found = scope.database.fetch("SELECT bucket, best FROM rollup_line ORDER BY bucket")
    assert found == numbers


def test_bytes_of_any_length_are_read_by_their_keys_as_they_were_written(scope: WorkspaceScope) -> None:
    data = {n: bytes(range(256)) * (n % 5) + bytes([n % 256]) * (n % 7) for n in range(12_000)}
    with scope.transaction():
        _an_owner(scope)
        scope.database.write_rows("rollup_quantile", QUANTILES, [(1, 0, 0, n, one) for n, one in data.items()])
        asked = [[1] * 4, [0] * 4, [0] * 4, [11_999, 7, 70_000, 0]]
        found = scope.database.read_rows("rollup_quantile", PLACE, asked, ("counts",))
        every = scope.database.fetch("SELECT bucket, counts FROM rollup_quantile")
    assert {row[3]: bytes(row[4]) for row in found} == {n: data[n] for n in (11_999, 7, 0)}
    assert {n: bytes(one) for n, one in every} == data


def test_a_question_is_answered_for_each_key_and_keeps_its_order(scope: WorkspaceScope) -> None:
    data = {n: bytes([n % 7]) for n in range(300)}
    asked = "SELECT bucket, '?' FROM rollup_quantile WHERE owner = ? AND bucket >= ? ORDER BY bucket DESC LIMIT 3"
    with scope.transaction():
        _an_owner(scope)
        scope.database.write_rows("rollup_quantile", QUANTILES, [(1, 0, 0, n, one) for n, one in data.items()])
    with scope:
        for _ in range(2):
            found = scope.database.look_up_each(asked, ("integer", "integer"), [(1, 298), (2, 0), (1, 0), (1, 298)])
            assert found[0] == found[3] == [(299, "?"), (298, "?")]
            assert found[1] == []
            assert found[2] == [(299, "?"), (298, "?"), (297, "?")]
        assert scope.database.look_up_each(asked, ("integer", "integer"), []) == []


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a\\b", "{a,b}", "NULL", "", " ", "ä?%s", "a,b"])
def test_texts_are_keys_as_they_are(scope: WorkspaceScope, name: str) -> None:
    asked = "SELECT time_zone FROM rollup_state WHERE time_zone = ?"
    with scope.transaction():
        scope.database.write_rows("rollup_state", STATE, [(1, 1, name, "x")])
        assert scope.database.look_up_each(asked, ("text",), [(name,), (f"{name}x",), (None,)]) == [[(name,)], [], []]


def test_several_tables_are_asked_at_once(scope: WorkspaceScope) -> None:
    with scope.transaction():
        scope.database.write_rows("rollup_state", STATE, [(1, 1, "UTC", "x")])
        _an_owner(scope)
        scope.database.write_rows("rollup_quantile", QUANTILES, [(1, 0, 0, n, bytes([n])) for n in range(3)])
    state = Asked("rollup_state", {"one": "integer"}, [[1]], ("time_zone",))
    none = Asked("rollup_quantile", PLACE, [], ("counts",))
    two = Asked("rollup_quantile", PLACE, [[1, 1, 1], [0] * 3, [0] * 3, [2, 5, 0]], ("counts",))
    many = Asked("rollup_quantile", PLACE, [[1] * 10_001, [0] * 10_001, [0] * 10_001, range(10_001)], ("counts",))
    with scope:
        zone, nothing, some = scope.database.read_tables(state, none, two)
        assert (zone, nothing) == ([(1, "UTC")], [])
        assert {row[3]: bytes(row[4]) for row in some} == {2: b"\2", 0: b"\0"}
        assert len(scope.database.read_tables(none, many)[1]) == 3
        assert scope.database.read_tables(none, none) == [[], []]


def test_no_keys_have_no_rows(scope: WorkspaceScope) -> None:
    with scope:
        assert scope.database.read_rows("rollup_quantile", PLACE, [], ("counts",)) == []


def test_nothing_is_written_outside_of_a_transaction(scope: WorkspaceScope) -> None:
    with scope, pytest.raises(RuntimeError):
        scope.database.write_rows("rollup_state", STATE, [(1, 1, "UTC", "x")])


def test_no_rows_are_none(scope: WorkspaceScope) -> None:
    with scope.transaction():
        scope.database.write_rows("rollup_state", STATE, [])
        assert scope.database.fetch("SELECT COUNT(*) FROM rollup_state") == [(0,)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.text().filter(lambda text: "\0" not in text), st.none() | st.binary())))
def test_values_are_read_as_they_were_written(rows: list[tuple[str | None, bytes | None]]) -> None:
    columns: dict[str, Kind] = {"a": "text", "b": "bytes"}
    usable = [(text and text.encode("utf-8", "ignore").decode(), data) for text, data in rows]
    if not usable:
        return
    with psycopg.connect(cluster().url()) as connection:
        connection.execute("CREATE TEMPORARY TABLE written (a TEXT, b BYTEA) ON COMMIT DROP")
        statement, values = rows_statement("written", columns, list(zip(*usable, strict=True)), "")
        connection.execute(placeholders(statement), values)
        assert connection.execute("SELECT a, b FROM written").fetchall() == usable


@pytest.mark.parametrize("numbers", [[0.0, -0.0], [-0.0, -0.0], [1.5, 1.5, None], [None, None], [float("nan")] * 2])
def test_numbers_keep_their_sign_though_they_are_equal(numbers: list[float | None]) -> None:
    with psycopg.connect(cluster().url()) as connection:
        connection.execute("CREATE TEMPORARY TABLE written (a FLOAT8) ON COMMIT DROP")
        statement, values = rows_statement("written", {"a": "real"}, [numbers], "")
        connection.execute(placeholders(statement), values)
        assert str(connection.execute("SELECT a FROM written").fetchall()) == str([(one,) for one in numbers])


def _an_owner(scope: WorkspaceScope) -> None:
    run = scope.database.run
    run("INSERT INTO part (id, name, created_at, created_by, updated_at) VALUES ('p', 'p', 'x', 'x', 'x')")
    run("INSERT INTO rollup_owner VALUES (1, 'p', 'part', 'p')")
