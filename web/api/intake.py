"""Files that come with a request: counted as they come, and kept in the scratch folder, never in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from flask import request
from werkzeug.formparser import FormDataParser

from appliance.config.settings import Settings
from appliance.core.ids import new_id
from appliance.errors import InvalidInput, Unavailable

MULTIPART: Final = "multipart/form-data"
BYTES: Final = "application/octet-stream"
#: Plans, statements and checkpoints are texts of some kilobytes.
SMALL_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 20
_NAME_CHARACTERS: Final = 120
#: Parts of a form, and bytes of it that are in memory at once.
_PARTS: Final = 8
_FIELD_BYTES: Final = 1 << 19  # it bounds the parser's buffer too: several of its blocks of 64 KiB


def small_body() -> bytes:
    """The whole body, of at most ``SMALL_BYTES``.

    Raises
    ------
    InvalidInput : there is none
    """
    request.max_content_length = SMALL_BYTES
    data = request.get_data(cache=False)
    if not data:
        raise InvalidInput("request.empty", "The request has no body.", "Send the file as the body.")
    return data


@contextmanager
def received_files(settings: Settings, limit_bytes: int, name: str) -> Iterator[dict[str, Path]]:
    """The files of the request while the block runs: by the names of their parts, or one, ``file``, as the body.

    ``name`` : how a file that is the body itself is called; a part of a form is called by its sender

    Raises
    ------
    InvalidInput : a form that is none, a part twice, or a name that cannot be used
    Unavailable : the disk is full
    """
    request.max_content_length = limit_bytes
    _require_room(settings, request.content_length or 0)
    folder = settings.scratch_folder / new_id("web")
    try:
        yield _kept(folder, limit_bytes, name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kept(folder: Path, limit_bytes: int, name: str) -> dict[str, Path]:
    try:
        folder.mkdir(mode=0o700)
        return _form(folder, limit_bytes) if request.mimetype == MULTIPART else _body(folder / plain_name(name))
    except OSError as error:
        raise Unavailable("storage.full", f"The file cannot be kept: {error.strerror}.", "Free space.") from error


def _body(path: Path) -> dict[str, Path]:
    with path.open("xb") as file:
        while block := request.stream.read(_BLOCK_BYTES):
            file.write(block)
    return {"file": path}


def _form(folder: Path, limit_bytes: int) -> dict[str, Path]:
    """Each part in a file of its own, written as it comes; together they are no larger than the request may be."""
    sinks: list[IO[bytes]] = []

    def keep(
        total_content_length: int | None, content_type: str | None, filename: str | None, content_length: int | None
    ) -> IO[bytes]:
        place = folder / str(len(sinks))
        place.mkdir()
        sinks.append((place / plain_name(filename or "")).open("x+b"))
        return sinks[-1]

    parser = FormDataParser(keep, max_form_memory_size=_FIELD_BYTES, max_form_parts=_PARTS)  # type: ignore[arg-type]
    try:
        _, fields, parts = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )  # fmt: skip
    finally:
        for sink in sinks:
            sink.close()
    found = {part: Path(str(storage.stream.name)) for part, storage in parts.items()}
    if fields or len(found) != len(sinks):
        raise InvalidInput("request.form", "The form has a part twice, or one that is no file.")
    return found


def plain_name(name: str) -> str:
    """A name that is nothing but a name: what stands behind the last separator, never hidden.

    Raises
    ------
    InvalidInput : nothing is left of it, or it is too long
    """
    plain = name.replace("\\", "/").rpartition("/")[2].lstrip(".")
    if not plain or len(plain) > _NAME_CHARACTERS or not plain.isprintable():
        raise InvalidInput("request.file_name", "The file has no name that can be used.", "Name it, such as part.stl.")
    return plain


def _require_room(settings: Settings, wanted_bytes: int) -> None:
    """Room for the working file and for the sealed one."""
    free = shutil.disk_usage(settings.scratch_folder).free
    if free - 2 * wanted_bytes < settings.free_space_floor_bytes:
        raise Unavailable("storage.floor", "The appliance is short of free space for this file.", "Free some.")
