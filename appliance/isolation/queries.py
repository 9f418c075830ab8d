"""Attempts by query: plain SQL that leaves its database, and scopes that a careless program confuses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import copy_context
from random import Random
from typing import Any, Final

from appliance.db.escapes import REFUSALS, escape
from appliance.db.routing import ScopeConflict, ScopeMissing
from appliance.errors import D2RError
from appliance.isolation.records import Kind
from appliance.isolation.stage import TABLES, Stage, written
from appliance.plant.models import Asset, Device, Part
from appliance.queue.outbox import Event
from appliance.tenancy.scope import WorkspaceScope

#: How the appliance says no; anything else that is raised is a fault, of the suite or of the appliance.
REFUSED: Final = (D2RError, ScopeConflict, ScopeMissing, *REFUSALS)
_MODELS: Final[tuple[Any, ...]] = (Asset, Part, Device, Event)


def plain_sql(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Run what injected SQL would say."""
    with scope:
        return scope.database.fetch(escape(scope.database, stage.other.database, tuple(TABLES), random))


def kept_query(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Build a query in the other workspace, run it there or not, and ask it here, as a cache would."""
    with stage.other:
        query = random.choice(_MODELS).select()
        if random.random() < 0.5:
            query = query.limit(random.randrange(1, 50))
        if random.random() < 0.5:
            list(query)
    asked = random.choice((list, len, lambda kept: kept[0], lambda kept: kept.first(), lambda kept: kept.execute()[:]))
    with scope:
        return asked(query)


def kept_cursor(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Begin to read in the other workspace, and fetch the rest here."""
    table = random.choice(tuple(TABLES))
    with stage.other:
        cursor = stage.other.database.database.execute_plain(f"SELECT * FROM {table}")
        if scope is stage.other:
            return cursor.fetchall()
    with scope:
        return cursor.fetchall() if random.random() < 0.5 else list(cursor)


def strayed_row(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Load a row of the other workspace and save it here; what is here afterwards is the answer."""
    model = random.choice(_MODELS[:3])
    with stage.other:
        row = random.choice(list(model.select()))
    try:
        with scope.transaction():
            row.save(force_insert=scope is not stage.other and random.random() < 0.5)
    except REFUSED as refusal:
        if stage.betrays(str(refusal)):
            raise
    with scope:
        return list(model.select())


def nested_scope(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Enter the other workspace's scope inside this one."""
    with scope, stage.other:
        return list(random.choice(_MODELS).select())


def strayed_thread(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Carry the context of the other workspace into a thread, and ask there."""
    model, enters = random.choice(_MODELS), random.random() < 0.5
    answers: list[object] = []

    def ask() -> None:
        try:
            if not enters and scope is not stage.other:
                answers.append(list(model.select()))
                return
            with scope:
                answers.append(list(model.select()))
        except REFUSED as refusal:
            answers.append(refusal)

    with stage.other:
        thread = threading.Thread(target=copy_context().run, args=(ask,))
        thread.start()
        thread.join()
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers


def forked_process(stage: Stage, scope: WorkspaceScope, random: Random) -> object:
    """Fork while the other workspace is open, and ask in the child."""
    model = random.choice(_MODELS)
    reading, writing = os.pipe()
    with nullcontext() if scope is stage.other else stage.other:
        child = os.fork()
        if not child:
            _answer(writing, model, scope)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


def _answer(writing: int, model: Any, scope: WorkspaceScope) -> None:
    """Ask in the child, inside the session that it inherited and then in its own; say so, and end."""
    try:
        asks: tuple[Callable[[], object], ...] = (lambda: list(model.select()), lambda: _inside(model, scope))
        for ask in asks:
            try:
                os.write(writing, written(ask()).encode())
            except Exception as refusal:  # noqa: BLE001  the parent judges what was said
                os.write(writing, type(refusal).__name__.encode())
    finally:
        os._exit(0)


def _inside(model: Any, scope: WorkspaceScope) -> list[Any]:
    while scope.database.route.engine() is not None:
        scope.database.route.leave()
    with scope:
        return list(model.select())


KINDS: Final = (
    Kind("plain SQL", 400, plain_sql),
    Kind("query kept", 100, kept_query),
    Kind("cursor kept", 100, kept_cursor),
    Kind("row saved elsewhere", 40, strayed_row),
    Kind("scope in a scope", 60, nested_scope),
    Kind("thread", 40, strayed_thread),
    Kind("fork", 1, forked_process),
)
