"""What was acknowledged is there after kill -9, and what was not is there whole or not at all."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import Any

import pytest

from appliance.db.engine import Engine
from appliance.db.integrity import check_file

_WRITER = """
import os, sys, threading
from pathlib import Path
from appliance.db.engine import Engine
from appliance.db.routing import WORKSPACE
from appliance.db.sqlite import RoutedSqlite
engine = Engine(RoutedSqlite(Path(sys.argv[1]), "a", WORKSPACE))
insert = "INSERT INTO thing (id, n) VALUES (?, ?)"
def work(name):
    for n in range(10**6):
        with engine.transaction():
            engine.database.execute_sql(insert, (f"{name}-{n}-left", n))
            engine.database.execute_sql(insert, (f"{name}-{n}-right", n))
        os.write(1, f"{name}-{n}\\n".encode())
for name in ("a", "b", "c"):
    threading.Thread(target=work, args=(name,), daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.sqlite
@pytest.mark.parametrize("seed", range(4))
def test_every_acknowledged_commit_survives_kill_9(a: Engine, thing: Any, seed: int) -> None:
    a.close()
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(a.database.path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    writer.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.05, 0.4))
    writer.kill()
    acknowledged = {line.strip() for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")}
    writer.wait()
    check_file(a.database.path)
    with a.session():
        found = {row.id for row in thing.select()}
    assert acknowledged
    for name in acknowledged:
        assert {f"{name}-left", f"{name}-right"} <= found
    lefts = {name.removesuffix("-left") for name in found if name.endswith("-left")}
    rights = {name.removesuffix("-right") for name in found if name.endswith("-right")}
    assert lefts == rights
