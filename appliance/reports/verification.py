"""Verification of issued reports, offline, from their bytes alone.

Every way in (report.json, report.pdf, evidence.zip, a folder with them) ends in the same steps:

1. **Statement.** The envelope has its one spelling and a trusted key signed it.
2. **Log.** The proof leads from a log entry to a checkpoint that a trusted key signed, and the entry
   names this envelope and the same inputs.
3. **Anchors.** Witnesses among the trusted keys cosigned that checkpoint, at the times they state.
4. **PDF.** One signature covers all of it, by the certificate that the statement names, and what is
   embedded is this envelope with a proof that passes step 2.
5. **Files.** Every file that the statement names is there with its hash, and nothing was added.
6. **Structure.** The pack has the one spelling that its members give it, in the one order.

Not checked: whether the verdict is right (``d2r replay`` recomputes it), and files beside the report
that no statement names, such as the exported clouds.

``Modified`` means that bytes differ from what was signed; ``NotProvable`` that something is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from appliance.audit.cosignature import Cosignature
from appliance.audit.entry import LoggedEntry
from appliance.audit.proof import parse_proof
from appliance.audit.verify import verify_record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.dsse import verify_envelope
from appliance.crypto.vkey import VerifierKey
from appliance.errors import InvalidInput, Modified, NotProvable
from appliance.reports.archive import blocks_of, digest_of, member_blocks, read_pack
from appliance.reports.pack import CONSTANT_NAMES, FRONT_NAMES, MANIFEST_NAME, manifest
from appliance.reports.records import ENVELOPE_NAME, PACK_NAME, PDF_NAME, PROOF_NAME, RESULT_NAME
from appliance.reports.statement import PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE
from appliance.reports.suspicions import sentences_of

ENTRY_KIND: Final = "report.issued"
#: Envelopes, proofs and PDFs are read whole; larger ones are not ours.
_WHOLE_LIMIT_BYTES: Final = 256 << 20

Blocks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class Statement:
    """A signed statement after step 1."""

    envelope: bytes
    signer: VerifierKey
    number: str
    decision: str
    issued_at: str
    certificate_sha256: str
    subjects: Mapping[str, str]
    roles: Mapping[str, str]
    pack_sha256: Mapping[str, str]
    suspicions: tuple[str, ...]


@dataclass(frozen=True)
class Logged:
    """The place in the log after step 2, and who saw it after step 3."""

    origin: str
    index: int
    tree_size: int
    anchors: tuple[Cosignature, ...]


@dataclass(frozen=True)
class Verification:
    """What was proven.  ``logged`` is None where no proof stood beside a bare envelope."""

    path: Path
    statement: Statement
    logged: Logged | None
    checked: tuple[str, ...]


def verify_path(path: Path, trusted: Sequence[VerifierKey], *, require_anchor: bool = False) -> Verification:
    """Verify whatever stands at ``path``.

    Raises
    ------
    InvalidInput : there is nothing there, or it is none of the files of a report
    Modified : naming what was changed
    NotProvable : naming what is missing; with ``require_anchor`` also a witness's cosignature
    """
    found = _way_in(path)(path, trusted)
    if require_anchor and not (found.logged and found.logged.anchors):
        raise NotProvable(
            "report.no_anchor",
            "No trusted witness has cosigned the log since this report was issued.",
            "Name the witness's key with --trust, or give the proof file that it cosigned.",
        )
    return found


def verify_statement(envelope: bytes, trusted: Sequence[VerifierKey]) -> Statement:
    """Step 1.

    Raises
    ------
    Modified : the envelope was changed, or a trusted key signed something that is no report
    NotProvable : no trusted key signed it
    """
    verified = verify_envelope(envelope, trusted)
    if verified.payload_type != PAYLOAD_TYPE:
        raise Modified("report.type", "The envelope holds something other than an inspection report.")
    try:
        record = loads_strict(verified.payload)
        if canonical_bytes(record) != verified.payload:
            raise InvalidInput("report.spelling", "It is not in its one canonical spelling.")
        return _statement(envelope, verified.key, record)
    except (InvalidInput, KeyError, TypeError, AttributeError) as error:
        raise Modified("report.form", "The signed statement is not one of an inspection report.") from error


def verify_logged(statement: Statement, proof: bytes, trusted: Sequence[VerifierKey]) -> Logged:
    """Steps 2 and 3.

    Raises
    ------
    Modified : the proof was changed, or proves another report
    NotProvable : no trusted key signed the checkpoint, or the proof does not carry its entry
    """
    # 2. The entry is in the log, and names this report.
    if not parse_proof(proof).extra:
        raise NotProvable("report.proof_without_entry", "The proof file does not carry the log entry that it proves.")
    proven = verify_record(None, proof, trusted)
    _refuse_other_report(proven.entry, statement)
    # 3. Who saw it.
    return Logged(proven.checkpoint.origin, proven.index, proven.checkpoint.size, proven.anchors)


def verify_document(pdf: bytes, trusted: Sequence[VerifierKey]) -> tuple[Statement, Logged, bytes]:
    """Steps 1 to 4 on a PDF: its statement, its place in the log, and the proof file that it embeds.

    Raises
    ------
    Modified, NotProvable : as the steps do
    """
    from appliance.reports.pdf_signature import verify_pdf

    signed = verify_pdf(pdf)
    missing = [name for name in (ENVELOPE_NAME, PROOF_NAME) if name not in signed.attachments]
    if missing:
        raise NotProvable("pdf.attachment", f"The PDF does not embed {missing[0]}.")
    statement = verify_statement(signed.attachments[ENVELOPE_NAME], trusted)
    if signed.certificate_sha256 != statement.certificate_sha256:
        raise Modified("pdf.certificate", "The PDF is signed by another certificate than the statement names.")
    proof = signed.attachments[PROOF_NAME]
    return statement, verify_logged(statement, proof, trusted), proof


def _way_in(path: Path) -> Callable[[Path, Sequence[VerifierKey]], Verification]:
    """By kind and name, not by content: a changed first byte must not look like another format."""
    ways = {".json": _verify_envelope_file, ".pdf": _verify_pdf_file, ".zip": _verify_pack_file}
    if path.is_dir():
        return _verify_folder
    if not path.exists():
        raise InvalidInput("verify.missing", f"{path}: there is no such file.", "Check the path.")
    if path.suffix.lower() not in ways:
        raise InvalidInput(
            "verify.kind",
            f"{path.name} is not a report.",
            "Give report.json, report.pdf, evidence.zip or their folder.",
        )
    return ways[path.suffix.lower()]


def _verify_envelope_file(path: Path, trusted: Sequence[VerifierKey]) -> Verification:
    """A bare envelope; the proof beside it is used where there is one."""
    statement = verify_statement(_whole(path), trusted)
    proof = path.parent / PROOF_NAME
    if not proof.exists():
        return Verification(path, statement, None, ("statement",))
    return Verification(path, statement, verify_logged(statement, _whole(proof), trusted), ("statement", "log"))


def _verify_pdf_file(path: Path, trusted: Sequence[VerifierKey]) -> Verification:
    statement, logged, _ = verify_document(_whole(path), trusted)
    logged = _with_later_anchor(path, statement, logged, trusted)
    return Verification(path, statement, logged, ("document", "statement", "log"))


def _with_later_anchor(path: Path, statement: Statement, logged: Logged, trusted: Sequence[VerifierKey]) -> Logged:
    """What a proof file beside ``path`` adds: a PDF or a pack holds the proof of its first hour only.

    A proof file of another report, or one that proves nothing, is not this report's and changes nothing.
    """
    beside = path.parent / PROOF_NAME
    if logged.anchors or not beside.is_file():
        return logged
    try:
        later = verify_logged(statement, _whole(beside), trusted)
    except (Modified, NotProvable, InvalidInput):
        return logged
    return later if later.anchors else logged


def _verify_pack_file(path: Path, trusted: Sequence[VerifierKey]) -> Verification:
    # 6. Structure, of what is not data.
    members = read_pack(path)
    parts: dict[str, Blocks] = {m.name: (lambda m=m: member_blocks(path, m)) for m in members}  # type: ignore[misc]
    found = _verify_parts(path, parts, trusted, same_proof=True)
    if [member.name for member in members] != _expected_names(found.statement):
        raise Modified("pack.order", "The files of the evidence pack are not in the order of a pack.")
    logged = found.logged and _with_later_anchor(path, found.statement, found.logged, trusted)
    return replace(found, logged=logged, checked=(*found.checked, "structure"))


def _verify_folder(path: Path, trusted: Sequence[VerifierKey]) -> Verification:
    """A folder as ``d2r inspect`` leaves it, or an unpacked evidence pack."""
    if not (path / PACK_NAME).exists():
        return _verify_parts(path, _files_below(path), trusted, same_proof=False)
    inside = _verify_pack_file(path / PACK_NAME, trusted)
    statement, logged = inside.statement, inside.logged
    for name in (ENVELOPE_NAME, PROOF_NAME, PDF_NAME, RESULT_NAME):
        if not (path / name).exists():
            raise NotProvable("report.part", f"{name} is missing in the folder.")
    if _whole(path / ENVELOPE_NAME) != statement.envelope:
        raise Modified("report.envelope", f"{ENVELOPE_NAME} is not the one in {PACK_NAME}.")
    _refuse_other_hash(RESULT_NAME, blocks_of(path / RESULT_NAME), statement.subjects[RESULT_NAME])
    _verify_printed(statement, _whole(path / PDF_NAME), None, trusted)
    outside = verify_logged(statement, _whole(path / PROOF_NAME), trusted)
    best = outside if outside.anchors or logged is None else replace(outside, anchors=logged.anchors)
    _refuse_other_clouds(path)
    return replace(inside, path=path, logged=best, checked=(*inside.checked, "clouds"))


def _refuse_other_clouds(folder: Path) -> None:
    """The clouds beside the report are those that the signed result names."""
    clouds = loads_strict(_whole(folder / RESULT_NAME)).get("clouds_sha256", {})
    for name, expected in sorted(clouds.items()):
        if not (folder / name).is_file():
            raise NotProvable("report.part", f"{name} is missing in the folder.")
        _refuse_other_hash(name, blocks_of(folder / name), expected)


def _verify_parts(
    path: Path, parts: Mapping[str, Blocks], trusted: Sequence[VerifierKey], *, same_proof: bool
) -> Verification:
    """Steps 1 to 5 on named files."""
    # 1. to 3. Statement, log, anchors.
    statement = verify_statement(_joined(parts, ENVELOPE_NAME), trusted)
    proof = _joined(parts, PROOF_NAME)
    logged = verify_logged(statement, proof, trusted)
    # 4. The PDF.
    _verify_printed(statement, _joined(parts, PDF_NAME), proof if same_proof else None, trusted)
    # 5. All files, and no others.
    hashes = {**statement.subjects, **statement.pack_sha256}
    for name, expected in hashes.items():
        _refuse_other_hash(name, _required(parts, name)(), expected)
    known = {*hashes, ENVELOPE_NAME, PROOF_NAME, PDF_NAME, MANIFEST_NAME}
    if added := sorted(set(parts) - known):
        raise Modified("pack.added", f"'{added[0]}' is not one of the files that were signed.")
    _refuse_other_manifest(statement, parts)
    return Verification(path, statement, logged, ("document", "statement", "log", "files"))


def _verify_printed(statement: Statement, pdf: bytes, proof: bytes | None, trusted: Sequence[VerifierKey]) -> None:
    """Step 4: the PDF is unmodified and prints this statement."""
    printed, _, embedded = verify_document(pdf, trusted)
    if printed.envelope != statement.envelope:
        raise Modified("pdf.other", "The PDF is the one of another report.")
    if proof is not None and embedded != proof:
        raise Modified("report.proof", f"{PROOF_NAME} is not the one that the PDF embeds.")


def _refuse_other_report(entry: LoggedEntry, statement: Statement) -> None:
    named = {"envelope": sha256(statement.envelope).hexdigest(), **statement.roles}
    if entry.kind != ENTRY_KIND or entry.subjects != named:
        raise Modified("report.entry", "The log entry of the proof is the one of another report.")


def _refuse_other_hash(name: str, blocks: Iterable[bytes], expected: str) -> None:
    if digest_of(blocks).sha256 != expected:
        raise Modified("report.file", f"'{name}' differs from what was signed.")


def _refuse_other_manifest(statement: Statement, parts: Mapping[str, Blocks]) -> None:
    names = _expected_names(statement)[:-1]
    lines = [(name, digest_of(_required(parts, name)()).sha256) for name in names]
    if _joined(parts, MANIFEST_NAME) != manifest(lines):
        raise Modified("pack.manifest", f"{MANIFEST_NAME} does not describe the files beside it.")


def _expected_names(statement: Statement) -> list[str]:
    evidence = [name for name in statement.subjects if name != RESULT_NAME]
    return [*FRONT_NAMES, *evidence, MANIFEST_NAME]


def _statement(envelope: bytes, signer: VerifierKey, record: Any) -> Statement:
    if record["_type"] != STATEMENT_TYPE or record["predicateType"] != PREDICATE_TYPE:
        raise InvalidInput("report.type", "It is a statement of another type.")
    predicate, subjects = record["predicate"], record["subject"]
    constant = predicate["pack_sha256"]
    if set(constant) != set(CONSTANT_NAMES) or len({one["name"] for one in subjects}) != len(subjects):
        raise InvalidInput("report.subjects", "Its subjects are not those of a report.")
    return Statement(
        envelope=envelope,
        signer=signer,
        number=str(predicate["report"]["number"]),
        decision=str(predicate["verdict"]["decision"]),
        issued_at=str(predicate["report"]["issued_at"]),
        certificate_sha256=str(predicate["pdf_certificate_sha256"]),
        subjects={str(one["name"]): str(one["digest"]["sha256"]) for one in subjects},
        roles={str(one["annotations"]["role"]): str(one["digest"]["sha256"]) for one in subjects},
        pack_sha256={str(name): str(value) for name, value in constant.items()},
        suspicions=sentences_of(predicate.get("context") or {}),
    )


def _files_below(folder: Path) -> dict[str, Blocks]:
    """The files of an unpacked pack; links are not followed out of it."""
    names = [*FRONT_NAMES, MANIFEST_NAME]
    paths = [folder / name for name in names] + sorted((folder / "evidence").rglob("*"))
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    return {path.relative_to(folder).as_posix(): (lambda path=path: blocks_of(path)) for path in files}  # type: ignore[misc]


def _required(parts: Mapping[str, Blocks], name: str) -> Blocks:
    if name not in parts:
        raise NotProvable("report.part", f"'{name}' is missing.", "Verify the pack as it was issued.")
    return parts[name]


def _joined(parts: Mapping[str, Blocks], name: str) -> bytes:
    joined = bytearray()
    for block in _required(parts, name)():
        joined += block
        if len(joined) > _WHOLE_LIMIT_BYTES:
            raise InvalidInput("verify.size", f"{name} is too large to be a part of a report.")
    return bytes(joined)


def _whole(path: Path) -> bytes:
    return _joined({path.name: lambda: blocks_of(path)}, path.name)
