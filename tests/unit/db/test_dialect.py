"""Migrations and plain queries, said again for PostgreSQL."""

from __future__ import annotations

import pytest

from appliance.db.dialect import numbered, placeholders, postgresql_of
from appliance.db.migrations import statements, steps
from appliance.errors import Misconfigured


def test_types_become_those_that_hold_the_same_values() -> None:
    (said,) = postgresql_of("CREATE TABLE t (n INTEGER NOT NULL, b BLOB, x DOUBLE PRECISION, s TEXT DEFAULT '');")
    text = "TEXT COLLATE \"C\" DEFAULT ''"
    assert said == f"CREATE TABLE t (n BIGINT NOT NULL, b BYTEA, x DOUBLE PRECISION, s {text});"


def test_what_is_packed_is_not_compressed_at_every_change() -> None:
    table, storage = postgresql_of("CREATE TABLE t (n INTEGER, b PACKED BLOB NOT NULL, c BLOB)")
    assert table == "CREATE TABLE t (n BIGINT, b BYTEA NOT NULL, c BYTEA)"
    assert storage == "ALTER TABLE t ALTER b SET STORAGE EXTERNAL"


def test_a_counted_key_becomes_an_identity() -> None:
    (said,) = postgresql_of("CREATE TABLE t (seq INTEGER PRIMARY KEY AUTOINCREMENT)")
    assert said == "CREATE TABLE t (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"


def test_a_refusing_trigger_becomes_a_function_and_its_call() -> None:
    function, trigger = postgresql_of(
        "-- why\nCREATE TRIGGER t_no_delete BEFORE DELETE ON t\nBEGIN\n    SELECT RAISE(ABORT, 't only grows');\nEND;"
    )
    assert function.startswith("CREATE FUNCTION t_no_delete() RETURNS trigger")
    assert "RAISE EXCEPTION 't only grows'" in function
    assert "RETURN OLD" in function
    assert trigger == "CREATE TRIGGER t_no_delete BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION t_no_delete()"


def test_the_condition_of_a_trigger_stands_in_its_function() -> None:
    function, _ = postgresql_of(
        "CREATE TRIGGER t_end BEFORE INSERT ON t WHEN NEW.n <> (SELECT MAX(n) FROM t)\n"
        "BEGIN SELECT RAISE(ABORT, 'at the end'); END;"
    )
    assert "IF NEW.n <> (SELECT MAX(n) FROM t) THEN RAISE EXCEPTION 'at the end'" in function
    assert "RETURN NEW" in function


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE t (n INTEGER) WITHOUT ROWID",
        "CREATE TRIGGER t AFTER INSERT ON t BEGIN DELETE FROM u; END;",
        "PRAGMA foreign_keys = OFF",
        "REPLACE INTO t VALUES (1)",
    ],
)
def test_what_has_no_rule_is_refused_and_not_guessed(statement: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        list(postgresql_of(statement))
    assert refused.value.code == "schema.dialect"


@pytest.mark.parametrize("kind", ["control", "workspace"])
def test_every_migration_has_a_form(kind: str) -> None:
    said = [form for step in steps(kind) for statement in statements(step.sql) for form in postgresql_of(statement)]
    assert len(said) > 20
    assert not any("BLOB" in form or "AUTOINCREMENT" in form for form in said)


def test_parameters_become_those_of_the_driver_and_text_stays() -> None:
    assert (
        placeholders("SELECT '?' FROM t WHERE a = ? AND b LIKE '5%'")
        == "SELECT '?' FROM t WHERE a = %s AND b LIKE '5%%'"
    )


def test_parameters_are_numbered_and_text_stays_as_it_is() -> None:
    assert numbered("SELECT '?', a FROM t WHERE b = ? AND c = ?") == "SELECT '?', a FROM t WHERE b = $1 AND c = $2"
