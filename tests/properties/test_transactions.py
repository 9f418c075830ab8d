"""Nested transactions over any two databases: what is there afterwards, and what was run, as a plain model says."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from peewee import IntegerField

from appliance.db import opening
from appliance.db.engine import Engine
from appliance.db.migrations import Migration
from appliance.db.models import WorkspaceModel
from appliance.db.opening import create_database, open_database
from appliance.db.routing import WORKSPACE

TABLE = Migration(
    1,
    "number",
    """CREATE TABLE number (id INTEGER PRIMARY KEY, times INTEGER NOT NULL);
    CREATE TABLE change_stamp (one INTEGER PRIMARY KEY, stamp INTEGER NOT NULL);
    INSERT INTO change_stamp (one, stamp) VALUES (1, 0);""",
)


class Number(WorkspaceModel):
    """A row of this test."""

    id = IntegerField(primary_key=True)
    times = IntegerField()

    class Meta:
        table_name = "number"


class _Abort(Exception):
    pass


@dataclass(frozen=True)
class Block:
    """A transaction: numbers to add and blocks inside it, in order; it raises at its end where it ``fails``."""

    steps: tuple[Any, ...]
    fails: bool


NUMBERS = st.integers(0, 5)
BLOCKS = st.recursive(
    st.builds(Block, st.lists(NUMBERS, max_size=4).map(tuple), st.booleans()),
    lambda inner: st.builds(Block, st.lists(NUMBERS | inner, max_size=4).map(tuple), st.booleans()),
    max_leaves=8,
)


def _run(engine: Engine, block: Block, ran: list[int]) -> None:
    with engine.transaction(WorkspaceModel):
        for step in block.steps:
            if isinstance(step, Block):
                try:
                    _run(engine, step, ran)
                except _Abort:
                    continue
            else:
                row = Number.get_or_none(Number.id == step) or Number(id=step, times=0)
                row.times += 1
                row.save(force_insert=row.times == 1)
                engine.after_commit(lambda step=step: ran.append(step))
        if block.fails:
            raise _Abort


def _expected(block: Block) -> list[int]:
    """The numbers that stay, in their order."""
    if block.fails:
        return []
    return [n for step in block.steps for n in (_expected(step) if isinstance(step, Block) else [step])]


@given(st.lists(st.tuples(st.integers(0, 1), BLOCKS), max_size=5))
@settings(max_examples=30, deadline=None)
def test_what_stays_is_what_a_plain_model_says(plan: list[tuple[int, Block]]) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.object(opening, "steps", lambda kind: (TABLE,)):
        engines = []
        for name in ("a", "b"):
            create_database(Path(folder) / name)
            engines.append(open_database(Path(folder) / name, name, WORKSPACE))
        stayed: list[list[int]] = [[], []]
        ran: list[list[int]] = [[], []]
        for which, block in plan:
            try:
                _run(engines[which], block, ran[which])
            except _Abort:
                assert block.fails
            stayed[which] += _expected(block)
        for engine, expected, called in zip(engines, stayed, ran, strict=True):
            assert called == expected
            with engine.session():
                found = {row.id: row.times for row in Number.select()}
                assert engine.stamp() or not expected, "whatever stayed was told of"
            assert found == {n: expected.count(n) for n in set(expected)}
            engine.close()
