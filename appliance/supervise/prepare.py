"""The databases before anything opens them: migrated, whole, and their key at hand.

It runs in a short-lived child, so that the supervisor never holds a key, a connection or the code for either.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from appliance.config.settings import Settings
from appliance.core.process import die_with
from appliance.errors import D2RError, Unavailable

#: There while the last end was in order, and no process has written since.
CLEAN_FILE: Final = "clean"


def prepare(settings: Settings) -> None:
    """Open the appliance once: its keys, its databases, their migrations.

    Where the last end was not in order, every database is read through as well.

    Raises
    ------
    D2RError : whatever stands in the way
    """
    path = settings.run_folder / CLEAN_FILE
    ended_well = path.exists()
    path.unlink(missing_ok=True)
    in_child(lambda: _open_once(settings, read_through=not ended_well))


def mark_clean(settings: Settings) -> None:
    """Note that everything ended in order."""
    (settings.run_folder / CLEAN_FILE).touch(mode=0o600)


def in_child(work: Callable[[], None]) -> None:
    """Run ``work`` in a forked child and wait for its end.

    Raises
    ------
    D2RError : what the child raised
    Unavailable : the child died
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(parent)
        os.close(reading)
        _work_and_leave(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    status = os.waitpid(pid, 0)[1]
    if said:
        raise pickle.loads(said)  # our own child wrote it, through a pipe that nobody else has
    if status:
        raise Unavailable("up.prepare", "The check of the databases died.", "Run d2r doctor.")


def _work_and_leave(work: Callable[[], None], pipe: int) -> NoReturn:
    try:
        work()
        os._exit(0)
    except D2RError as error:
        os.write(pipe, pickle.dumps(error))
    except OSError as error:
        hint = "Check free space and permissions of the data folder."
        os.write(pipe, pickle.dumps(Unavailable("up.prepare", f"{error}.", hint)))
    finally:
        os._exit(1)


def _open_once(settings: Settings, *, read_through: bool) -> None:
    from appliance.tenancy.site import Site

    with Site.open(settings) as site:
        for workspace in site.workspaces():
            site.system_scope(workspace.id)
        if read_through:
            site.check_databases()
