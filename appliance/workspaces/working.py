"""What long work on workspaces needs: that it is done once at a time, and a folder of its own for working files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.config.settings import Settings
from appliance.crypto.private import make_private_folder
from appliance.errors import Conflict
from appliance.ingest.locks import LOCKED, locked


@contextmanager
def alone(folder: Path, name: str, message: str) -> Iterator[None]:
    """Hold the lock ``name`` of ``folder``; it falls with the process.

    Raises
    ------
    Conflict : somebody else holds it; ``workspace.busy``, with ``message``
    """
    try:
        with locked(folder, name):
            yield
    except Conflict as error:
        if error.code != LOCKED:
            raise
        raise Conflict("workspace.busy", message, "Wait until it ends.") from error


@contextmanager
def working_folder(settings: Settings, name: str) -> Iterator[Path]:
    """A folder (0700) that goes with the block; one that a crash leaves is removed by the schedule."""
    folder = settings.scratch_folder / name
    make_private_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
