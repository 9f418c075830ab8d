"""Scan formats by the word that a manifest names them with, and what a file of each begins with.

This is a first look at the front door: it finds a file that cannot be what it claims to be.  Whether it can be read is
found by the parsers (``reading``), in their sandbox.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from appliance.errors import InvalidInput

ScanFormat: TypeAlias = Literal["e57", "las", "laz", "ply", "pcd", "ptx", "pts", "xyz", "txt", "asc", "csv"]
FORMATS: Final[tuple[ScanFormat, ...]] = get_args(ScanFormat)

#: What a file of the format begins with; formats that are plain numbers begin with text.
_MAGIC: Final[dict[str, tuple[bytes, ...]]] = {
    "e57": (b"ASTM-E57",),
    "las": (b"LASF",),
    "laz": (b"LASF",),
    "ply": (b"ply\n", b"ply\r"),
    "pcd": (b"# .PCD", b"VERSION"),
}
#: How many bytes of the file's beginning the look takes.
HEAD_BYTES: Final = 512
_NOT_TEXT: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1a")


def check_head(scan_format: str, head: bytes) -> None:
    """Return if a file that begins with ``head`` can be of this format.

    Raises
    ------
    InvalidInput : it cannot
    """
    magic = _MAGIC.get(scan_format)
    fits = head.startswith(magic) if magic else bool(head.strip()) and not _NOT_TEXT & set(head)
    if not fits:
        raise InvalidInput(
            "ingest.format", f"The file does not begin as {scan_format.upper()} does.", "Name its real format."
        )
