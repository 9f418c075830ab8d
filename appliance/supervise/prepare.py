"""The databases before anything opens them: migrated, whole, and their key at hand.

It runs in a short-lived child, so that the supervisor never holds a key, a connection or the code for either.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from appliance.config.settings import Settings
from appliance.core.process import die_with
from appliance.errors import D2RError, Unavailable

#: There while the last end was in order, and no process has written since.
CLEAN_FILE: Final = "clean"


class Preparation:
    """A child that opens the appliance once: its keys, its databases, their migrations.

    Where the last end was not in order, it reads every database through as well.
    """

    def __init__(self, settings: Settings) -> None:
        path = settings.run_folder / CLEAN_FILE
        ended_well = path.exists()
        path.unlink(missing_ok=True)
        self._child = InChild(lambda: _open_once(settings, read_through=not ended_well))

    def is_done(self) -> bool:
        """Whether the child has ended well; asked again and again.

        Raises
        ------
        D2RError : whatever stands in the way
        """
        return self._child.is_done()


class InChild:
    """Work in a forked child.  What it raises (a ``D2RError``) is raised here."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            die_with(parent)
            signal.set_wakeup_fd(-1)
            os.close(self._reading)
            _work_and_leave(work, writing)
        os.close(writing)
        self._done = False

    def is_done(self) -> bool:
        """Whether the child has ended well.

        Raises
        ------
        D2RError : what the child raised
        Unavailable : the child died
        """
        if self._done:
            return True
        ended, status = os.waitpid(self._pid, os.WNOHANG)
        if not ended:
            return False
        with os.fdopen(self._reading, "rb") as pipe:
            said = pipe.read()
        if said:
            raise pickle.loads(said)  # our own child wrote it, through a pipe that nobody else has
        if status:
            raise Unavailable("up.prepare", "The check of the databases died.", "Run d2r doctor.")
        self._done = True
        return True


def mark_clean(settings: Settings) -> None:
    """Note that everything ended in order; where the disk is full, the next start takes a closer look."""
    with suppress(OSError):
        (settings.run_folder / CLEAN_FILE).touch(mode=0o600)


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
