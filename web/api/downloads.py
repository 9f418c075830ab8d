"""Files that go out with an answer: read block by block, and an error before the first one is still a problem.

Where an error comes later, the connection ends before the body does: no client takes half a file for a whole one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO, Final, cast
from urllib.parse import quote

from flask import Response

_BLOCK_BYTES: Final = 1 << 20
#: Blocks that wait for a client that reads slowly.
_AHEAD: Final = 4


def file_answer(blocks: Iterator[bytes], name: str, media_type: str, length: int | None = None) -> Response:
    """A download.  The first block is read now: what fails until then is a problem and no broken file."""
    first = next(blocks, b"")
    response = Response(chain((first,), blocks), content_type=media_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    if length is not None:
        response.headers["Content-Length"] = str(length)
    return response


def small_answer(data: bytes, media_type: str) -> Response:
    """A few bytes that are shown rather than kept."""
    return Response(data, content_type=media_type, headers={"Cache-Control": "no-store"})


def streamed(write: Callable[[IO[bytes]], object]) -> Iterator[bytes]:
    """What ``write`` writes into a file, as blocks, while it writes.

    A reader that goes away ends ``write`` at its next block; an error of ``write`` is raised where it is read.
    """
    sink = _Sink()

    def run() -> None:
        try:
            write(cast(IO[bytes], sink))
            sink.finish(None)
        except _Gone:
            return
        except Exception as error:  # noqa: BLE001  it is raised again, by whoever reads
            sink.finish(error)

    threading.Thread(target=run, name="d2r-stream", daemon=True).start()
    return sink.blocks()


class _Gone(Exception):
    """Nobody reads any more."""


class _Sink:
    """A file to write whose blocks another thread takes; a few wait, then the writer does."""

    def __init__(self) -> None:
        self._blocks: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._gathered = bytearray()
        self._gone = threading.Event()
        self._error: BaseException | None = None
        self._place = 0

    def write(self, data: bytes) -> int:
        self._gathered += data
        self._place += len(data)
        if len(self._gathered) >= _BLOCK_BYTES:
            self._hand_over()
        return len(data)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """Nothing to do: blocks go when they are full."""

    def finish(self, error: BaseException | None) -> None:
        self._error = error
        try:
            if self._gathered and error is None:
                self._hand_over()
            self._put(None)
        except _Gone:
            return

    def blocks(self) -> Iterator[bytes]:
        try:
            while (block := self._blocks.get()) is not None:
                yield block
            if self._error is not None:
                raise self._error
        finally:
            self._gone.set()

    def _hand_over(self) -> None:
        block, self._gathered = bytes(self._gathered), bytearray()
        self._put(block)

    def _put(self, block: bytes | None) -> None:
        while not self._gone.is_set():
            try:
                return self._blocks.put(block, timeout=0.5)
            except queue.Full:
                continue
        raise _Gone
