"""What goes into the evidence pack, under which names, in which order, and the manifest over it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Final

from appliance.core.files import unreadable
from appliance.reports.archive import Digest, blocks_of, crc_of, digest_of, write_pack
from appliance.reports.records import ENVELOPE_NAME, PDF_NAME, PROOF_NAME, RESULT_NAME, EvidenceFile

README_NAME: Final = "README.txt"
PAGE_NAME: Final = "verify.html"
PROGRAM_NAME: Final = "verify.py"
MANIFEST_NAME: Final = "MANIFEST.sha256"
_VERIFIER_FOLDER: Final = Path(__file__).resolve().parent / "verifier"
#: Files of the pack that are the same in every pack of one engine version; the statement names their hashes.
CONSTANT_NAMES: Final = (README_NAME, PAGE_NAME, PROGRAM_NAME)
#: The order of the pack; evidence comes after these, the manifest last.
FRONT_NAMES: Final = (README_NAME, PDF_NAME, ENVELOPE_NAME, PROOF_NAME, RESULT_NAME, PAGE_NAME, PROGRAM_NAME)
_NAME_LIMIT: Final = 80
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def safe_name(role: str, file_name: str) -> str:
    """The place of an evidence file in the pack: ``evidence/scan/plate_0042.e57``, whatever it was called.

    Only letters, digits, dot, dash and underscore survive; a name never begins with a dot, so
    that none can leave its folder or hide.
    """
    return f"evidence/{_safe(role)}/{_safe(file_name)}"


@cache
def constant_files() -> Mapping[str, bytes]:
    """README and both verifiers, by name."""
    return {name: (_VERIFIER_FOLDER / name).read_bytes() for name in CONSTANT_NAMES}


def constant_hashes() -> dict[str, str]:
    """SHA-256 of the constant files, as the statement names them."""
    return {name: digest_of([data]).sha256 for name, data in constant_files().items()}


def manifest(hashes: Sequence[tuple[str, str]]) -> bytes:
    """The manifest in the form of ``sha256sum``: ``sha256sum -c MANIFEST.sha256`` checks an unpacked pack."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in hashes).encode()


def evidence_digests(evidence: Sequence[EvidenceFile]) -> tuple[Digest, ...]:
    """What the pack states of each evidence file: its CRC-32 as it is now, its size and hash as they were signed.

    Raises
    ------
    InvalidInput : a file is gone
    """
    return tuple(Digest(crc_of(blocks_of(file.path)), file.size_bytes, file.sha256) for file in evidence)


def write_evidence_pack(
    sink: IO[bytes], files: Mapping[str, bytes], evidence: Sequence[EvidenceFile], digests: Sequence[Digest]
) -> None:
    """Write the pack: ``files`` holds result, envelope, proof and PDF; evidence is streamed from its place.

    ``digests`` are those of ``evidence_digests``.

    Raises
    ------
    InvalidInput : an evidence file is gone, or is not the one that was signed
    """
    small = {**constant_files(), **files}
    contents: list[tuple[str, Digest, Iterable[bytes]]] = [
        (name, digest_of([small[name]]), [small[name]]) for name in FRONT_NAMES
    ]
    for file, digest in zip(evidence, digests, strict=True):
        contents.append((file.name, digest, blocks_of(file.path)))
    closing = manifest([(name, digest.sha256) for name, digest, _ in contents])
    contents.append((MANIFEST_NAME, digest_of([closing]), [closing]))
    write_pack(sink, contents)


def evidence_files(evidence: Mapping[str, Path], hashes: Mapping[str, str]) -> tuple[EvidenceFile, ...]:
    """The files of a report with the hashes that the line took while it read them.

    Raises
    ------
    InvalidInput : a file is gone
    """
    return tuple(_evidence_file(role, path, hashes[f"{role}_sha256"]) for role, path in evidence.items())


def _evidence_file(role: str, path: Path, digest: str) -> EvidenceFile:
    try:
        return EvidenceFile(role, safe_name(role, path.name), path, digest, path.stat().st_size)
    except OSError as error:
        raise unreadable(path, error) from error


def _safe(name: str) -> str:
    stem, dot, suffix = _UNSAFE.sub("_", name).lstrip(".").rpartition(".")
    whole = stem[: _NAME_LIMIT - len(suffix) - 1] + dot + suffix if dot and len(suffix) <= 16 else (stem + dot + suffix)
    return whole[:_NAME_LIMIT] or "unnamed"
