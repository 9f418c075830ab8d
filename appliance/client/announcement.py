"""What a device says about a file before it sends it: hash and size, format, time, and the signed manifest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339
from appliance.core.files import unreadable
from appliance.core.zstd import deflate
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.encoding import b64encode
from appliance.crypto.vkey import Signer
from appliance.errors import InvalidInput, Unavailable

ENVELOPE_TYPE: Final = "application/vnd.d2r.scan-manifest+json"
FORMATS: Final = ("e57", "las", "laz", "ply", "pcd", "ptx", "pts", "xyz", "txt", "asc", "csv")
#: Formats whose files are packed already, or in which little can be packed.
_PACKED: Final = ("e57", "laz")
_BLOCK_BYTES: Final = 1 << 20

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Announcement:
    """A file and what is said about it; ``metadata`` is the header that carries it."""

    path: Path
    manifest: dict[str, Any]
    metadata: str

    @property
    def sha256(self) -> str:
        """Of the scan file itself."""
        return str(self.manifest["sha256"])


def announce(
    path: Path, fields: Mapping[str, Any], *, compress: bool | None, signer: Signer | None, progress: Progress
) -> Announcement:
    """Read the file once and say what it is.

    Parameters
    ----------
    fields : what the file does not tell: asset and so on; ``captured_at`` is else the time of its last change
    compress : send it compressed; None: where its format gains from that
    signer : signs the manifest
    progress : receives the number of bytes read, block after block

    Raises
    ------
    InvalidInput : the file cannot be read, or its name does not tell its format
    """
    known = {name: value for name, value in fields.items() if value not in (None, {})}
    scan_format = known.get("format") or format_of(path)
    digest, size = _hash(path, progress)
    manifest: dict[str, Any] = {
        "name": path.name,
        "captured_at": rfc3339(_changed_at(path)),
        **known,
        "format": scan_format,
        "sha256": digest,
        "size_bytes": size,
    }
    if compress if compress is not None else scan_format not in _PACKED:
        manifest["encoding"] = "zstd"
    return Announcement(path, manifest, _metadata(manifest, signer))


def format_of(path: Path) -> str:
    """The format that a file's name tells.

    Raises
    ------
    InvalidInput : none that is known
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InvalidInput(
            "push.format", f"{path.name}: the name tells no scan format.", f"Known: {', '.join(FORMATS)}."
        )
    return suffix


@contextmanager
def payload(announced: Announcement) -> Iterator[Path]:
    """The file to send: the scan itself, or its compressed form, which is removed afterwards.

    Raises
    ------
    Unavailable : there is no room for the compressed form
    """
    if announced.manifest.get("encoding") != "zstd":
        yield announced.path
        return
    descriptor, name = tempfile.mkstemp(prefix="d2r-push-", suffix=".zst")
    try:
        with os.fdopen(descriptor, "wb") as packed, announced.path.open("rb") as plain:
            for block in deflate(iter(lambda: plain.read(_BLOCK_BYTES), b"")):
                packed.write(block)
        yield Path(name)
    except OSError as error:
        raise Unavailable("push.temporary", f"{name}: {error.strerror}.", "Push with --no-compress.") from error
    finally:
        Path(name).unlink(missing_ok=True)


def _hash(path: Path, progress: Progress) -> tuple[str, int]:
    digest, size = sha256(), 0
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size += len(block)
                progress(len(block))
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest(), size


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _metadata(manifest: dict[str, Any], signer: Signer | None) -> str:
    text = canonical_bytes(manifest)
    if signer is None:
        return f"manifest {b64encode(text)}"
    return f"envelope {b64encode(sign_envelope(text, ENVELOPE_TYPE, (signer,)))}"
