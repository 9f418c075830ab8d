"""The identity of the engine: a verdict names it, and a replay compares it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance import __version__

#: Packages whose code decides numbers and verdicts.
_DECIDING: Final = (
    "foreign", "scans", "cad", "mesh", "alignment", "deviation", "change", "qc", "measurements", "inspections", "core",
)  # fmt: skip


@cache
def engine_version() -> str:
    """Version and the first twelve digits of the hash of all deciding sources: ``0.1.0+3f9a...``."""
    return f"{__version__}+{sources_sha256(_DECIDING)[:12]}"


def sources_sha256(packages: Iterable[str]) -> str:
    """Hash over every source file of ``packages``, in the order of their names."""
    root = Path(__file__).resolve().parent.parent
    digest = sha256()
    for package in sorted(packages):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
