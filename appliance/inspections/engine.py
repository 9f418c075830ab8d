"""The identity of the engine: a verdict names it, and a replay compares it."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance import __version__

#: Packages whose code decides numbers and verdicts.
_DECIDING: Final = (
    "foreign", "scans", "cad", "mesh", "alignment", "deviation", "qc", "measurements", "inspections", "core",
)  # fmt: skip


@cache
def engine_version() -> str:
    """Version and the first twelve digits of the hash of all deciding sources: ``0.1.0+3f9a...``."""
    package = Path(__file__).resolve().parent.parent
    digest = sha256()
    for folder in sorted(_DECIDING):
        for path in sorted((package / folder).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"
