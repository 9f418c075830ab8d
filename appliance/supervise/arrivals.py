"""What has come of a request: enough to answer it, or not yet.

Bytes in, a state out; nothing here reads or waits.  All that came is handed on as it came: the server's own parser
decides what the request says.  A head that lies about its length here is refused there, or read as it says there.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

#: A longer head is none: four times what the longest manifest takes.
HEAD_BYTES: Final = 256 << 10
#: Bodies up to this length are awaited with their head; whoever sends more is read while it comes.
BODY_BYTES: Final = 64 << 10
#: Requests at the same time that take as long as their clients do, in each process: uploads, downloads.
OPEN_REQUESTS: Final = 64
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
#: Heads whose body is not awaited: its length is not known or in doubt, the sender waits for a word of ours first, or
#: every byte of it is to be kept although the connection breaks (uploads).
_READ_AS_IT_COMES: Final = re.compile(
    rb"\r\n(?:transfer-encoding|content-length|expect)[ \t]*:|\r\ncontent-type:[ \t]*application/offset\+octet-stream",
    re.IGNORECASE,
)
#: Requests for files, which go out no faster than they are read: the last part of the address has an ending, or is one
#: of these words.
_FOR_A_FILE: Final = re.compile(rb"(?:\r\n)?(?:GET|POST) [^ ?]*/(?:content|file|zones|export|[^/ ?]+\.[^/ ?]+)[ ?]")


class State(Enum):
    """How far a request has come."""

    #: Its head or its small body is not there.
    PART = "part"
    #: Nothing of it is missing.
    WHOLE = "whole"
    #: Its head is there, and its body comes while it is read.
    OPEN = "open"
    #: It has no end that anybody waits for.
    TOO_LONG = "too long"


class Arrival:
    """One request on its way in.

    ``data`` : what came so far, and perhaps the beginning of the next request behind it
    """

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray()
        self._head_end: int | None = None
        self._end = 0
        self._is_open = False
        self.add(data)

    def add(self, block: bytes) -> None:
        """Take what came."""
        seen = len(self.data)
        self.data += block
        if self._head_end is None:
            self._find_end(max(0, seen - len(_END) + 1))

    @property
    def has_head(self) -> bool:
        """Whether the head is complete."""
        return self._head_end is not None

    @property
    def is_long(self) -> bool:
        """Whether it takes as long as its client does: its body comes while it is read, or a file goes out."""
        return self.state is not State.WHOLE or _FOR_A_FILE.match(self.data) is not None

    @property
    def state(self) -> State:
        if self._head_end is None:
            return State.TOO_LONG if len(self.data) > HEAD_BYTES else State.PART
        if self._is_open:
            return State.OPEN
        return State.WHOLE if len(self.data) >= self._end else State.PART

    def _find_end(self, since: int) -> None:
        found = self.data.find(_END, since)
        if found < 0:
            return
        head, self._head_end = bytes(self.data[: found + 2]), found + len(_END)
        lengths = _LENGTH.findall(head)
        announced, rest = (int(lengths[0]), _LENGTH.sub(b"", head)) if len(lengths) == 1 else (0, head)
        self._is_open = announced > BODY_BYTES or _READ_AS_IT_COMES.search(rest) is not None
        self._end = self._head_end + announced
