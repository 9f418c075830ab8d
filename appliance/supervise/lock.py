"""One supervisor a data folder, one scheduler at work: locks that the kernel drops when their holder ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from appliance.errors import Conflict, Unavailable

#: Whoever asks for the holder has the lock for an instant: taking it is tried this often.
_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.02


class RunLock:
    """An exclusive lock on a file that names its holder's process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        for _ in range(_ATTEMPTS):
            if self.take():
                return self
            time.sleep(_PAUSE_S)
        hint = "Use d2r status or d2r down."
        raise Conflict("up.running", f"The appliance in {self.path.parent.parent} is running already.", hint)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> bool:
        """Take the lock if nobody has it; returns whether it is ours.

        Raises
        ------
        Unavailable : the file cannot be written
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise Unavailable(
                "up.lock", f"{self.path}: {error.strerror}.", "Check free space and permissions."
            ) from error
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder(path: Path) -> int | None:
    """The process that holds the lock; None where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.pread(descriptor, 32, 0).strip()
        return int(text) if text.isdigit() else None
    finally:
        os.close(descriptor)
    return None
