"""Send a file so that nothing is lost: tus 1.0, gone on with after broken links, lost processes and restarted servers.

After every interruption the server is asked what it holds (HEAD), and the rest is sent.  Between attempts without
progress the waits grow, with a random part so that a hall full of devices does not come back at the same moment.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from appliance.client.announcement import Announcement, Progress, payload
from appliance.client.api import Api
from appliance.client.api.uploads import Uploads
from appliance.client.connection import Connection
from appliance.client.memory import Memory
from appliance.core.files import unreadable
from appliance.errors import Conflict, NotFound, Unavailable

#: Attempts in a row without progress before giving up; with the waits below that is about four minutes.
ATTEMPTS: Final = 12
#: Attempts to begin an upload: where nobody answers at all, a person should know soon.
ATTEMPTS_TO_BEGIN: Final = 4
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 30.0
#: Conflicts that pass: another offset, another request at work.
_PASSING: Final = ("upload.offset", "upload.locked", "upload.moved")


@dataclass(frozen=True)
class Sent:
    """What came of an upload.

    ``scan`` : id of the scan; ``duplicate``: its content was there before
    ``sent_bytes`` : what went over the line in this process; ``resumed_at``: what the server held when it began
    """

    scan: str
    duplicate: bool
    sent_bytes: int
    resumed_at: int
    interruptions: int


@dataclass
class Upload:
    """One file on its way.

    ``progress`` receives the number of bytes that were handed to the line, negative where they have to go again.
    """

    connection: Connection
    announced: Announcement
    memory: Memory
    progress: Progress
    sleep: Callable[[float], None] = time.sleep
    _location: str | None = None
    _done: dict[str, str] = field(default_factory=dict)
    _shown: int = 0
    _sent: int = 0
    _resumed_at: int = 0
    _interruptions: int = 0

    def run(self, on_size: Callable[[int], None] = lambda _: None) -> Sent:
        """Send the file to its end; ``on_size`` is told how many bytes that is.

        Raises
        ------
        Unavailable : the appliance did not answer, or had no space, for too long; run again, it goes on
        D2RError : what the appliance refuses
        """
        with payload(self.announced) as path:
            size = path.stat().st_size
            on_size(size)
            self._location = self.memory.recall()
            self._persist(path, size)
        self.memory.forget()
        duplicate = self._done.get("D2R-Duplicate") == "true"
        return Sent(_last(self._done["D2R-Scan"]), duplicate, self._sent, self._resumed_at, self._interruptions)

    def _persist(self, path: Path, size: int) -> None:
        """Try until the scan is named; attempts that made progress do not count."""
        failures, reached = 0, -1
        while "D2R-Scan" not in self._done:
            try:
                offset = self._offset(size)
                failures, reached = (0, offset) if offset > reached else (failures, reached)
                if "D2R-Scan" not in self._done:
                    self._send(path, size, offset)
            except (Unavailable, Conflict) as error:
                failures += 1
                self._interruptions += 1
                if isinstance(error, Conflict) and error.code not in _PASSING:
                    raise
                if failures >= (ATTEMPTS if self._location else ATTEMPTS_TO_BEGIN):
                    raise
                self.sleep(_wait_s(failures))

    def _offset(self, size: int) -> int:
        """Where to go on: at the beginning of a new upload, or at what the server holds of the one begun."""
        if self._location is not None:
            try:
                answer = self._uploads.look_at_upload(_last(self._location))
            except NotFound:
                self._location = None
                return self._offset(size)
            offset = int(answer["Upload-Offset"])
            self._note(answer, offset)
            self._resumed_at = self._resumed_at or (offset if not self._sent else 0)
            return offset
        answer = self._uploads.create_upload(upload_length=str(size), upload_metadata=self.announced.metadata)
        self._location = answer["Location"]
        self.memory.remember(self._location)
        self._note(answer, 0)
        return 0

    def _send(self, path: Path, size: int, offset: int) -> None:
        try:
            with path.open("rb", buffering=0) as file:
                body = _Rest(file, offset, size, self._count)
                answer = self._uploads.send_bytes(_last(str(self._location)), body, upload_offset=str(offset))
        except OSError as error:
            raise unreadable(path, error) from error
        self._note(answer, int(answer["Upload-Offset"]))

    def _count(self, count: int) -> None:
        self._sent += count
        self._shown += count
        self.progress(count)

    @property
    def _uploads(self) -> Uploads:
        return Api(self.connection).uploads

    def _note(self, headers: Mapping[str, str], offset: int) -> None:
        """Take what an answer says; bytes that were handed out and not kept are taken back from the progress."""
        self._done = {name: headers[name] for name in ("D2R-Scan", "D2R-Duplicate") if name in headers}
        if offset != self._shown:
            self.progress(offset - self._shown)
            self._shown = offset


class _Rest:
    """The bytes of a file from ``offset`` on, as a request's body."""

    def __init__(self, file: BinaryIO, offset: int, size: int, count: Progress) -> None:
        file.seek(offset)
        self._file = file
        self._rest = size - offset
        self._count = count

    def __len__(self) -> int:
        return self._rest

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._count(len(block))
        return block


def _last(address: str) -> str:
    """The id at the end of an address."""
    return address.rstrip("/").rpartition("/")[2]


def _wait_s(failures: int) -> float:
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (failures - 1))
    return longest * (0.5 + random.random() / 2)
