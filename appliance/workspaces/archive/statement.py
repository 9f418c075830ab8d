"""What the exporting appliance signs about an archive: what is in it, how much, and how the log stood.

A DSSE envelope (Ed25519, the key of the appliance's reports) around an in-toto Statement v1.  Its subjects are the head
of the archive, every table and all objects together, each by SHA-256; the predicate has the counts, and the state, the
name and the keys of the workspace's log.  Anybody can seal an archive to a public key: this says who did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any, Final

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.eras import Era
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.dsse import sign_envelope, verify_envelope
from appliance.crypto.encoding import hex_decode
from appliance.crypto.vkey import Signer, VerifierKey, parse_vkey
from appliance.errors import InvalidInput, Modified

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:d2r-appliance:workspace-archive:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_HASH_BYTES: Final = 32


@dataclass(frozen=True)
class Counted:
    """What went through, counted and hashed: rows of a table, or objects and their bytes."""

    sha256: str
    count: int
    size_bytes: int


@dataclass(frozen=True)
class Contents:
    """An archive in numbers; two archives of the same content have the same, table by table."""

    head_sha256: str
    tables: Mapping[str, Counted]
    objects: Counted


@dataclass(frozen=True)
class Statement:
    """What was signed.

    Attributes
    ----------
    came : the state of the workspace's log; its origin is what the log was called last
    former : the name that the exporting appliance gave the log first, and its keys
    sha256 : of the signed envelope, hex; empty before it is signed
    """

    export: str
    exported_at: str
    contents: Contents
    came: Checkpoint
    former: Era
    sha256: str = ""


def sign_statement(statement: Statement, signer: Signer) -> bytes:
    """The envelope."""
    contents, came, former = statement.contents, statement.came, statement.former
    subjects = {"head": contents.head_sha256, "objects": contents.objects.sha256}
    subjects |= {f"tables/{name}": one.sha256 for name, one in contents.tables.items()}
    log = {
        "name": came.origin, "size": came.size, "root": came.root.hex(), "origin": former.name,
        "keys": [str(key) for key in former.keys],
    }  # fmt: skip
    predicate = {
        "export": statement.export, "exported_at": statement.exported_at, "log": log,
        "tables": {name: asdict(one) for name, one in contents.tables.items()}, "objects": asdict(contents.objects),
    }  # fmt: skip
    said = {
        "_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE, "predicate": predicate,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
    }  # fmt: skip
    return sign_envelope(canonical_bytes(said), PAYLOAD_TYPE, (signer,))


def verify_statement(envelope: bytes, trusted: Sequence[VerifierKey]) -> Statement:
    """The statement that a trusted appliance signed about an archive.

    1. A trusted key signed exactly these bytes.
    2. They are such a statement.

    Raises
    ------
    Modified : it was changed, or it is another kind of statement
    NotProvable : no trusted key signed it
    """
    # 1. Signed.
    verified = verify_envelope(envelope, trusted)
    # 2. About an archive.
    try:
        said = loads_strict(verified.payload)
        if (verified.payload_type, said["predicateType"]) != (PAYLOAD_TYPE, PREDICATE_TYPE):
            raise Modified("archive.statement", "What is signed in the archive says nothing about an archive.")
        heads = {one["name"]: one["digest"]["sha256"] for one in said["subject"]}
        return replace(_read(said["predicate"], heads["head"]), sha256=sha256(envelope).hexdigest())
    except (InvalidInput, KeyError, TypeError, ValueError) as error:
        raise Modified("archive.statement", "The statement of the archive is damaged.") from error


def _read(predicate: Any, head_sha256: str) -> Statement:
    log = predicate["log"]
    tables = {name: Counted(**one) for name, one in predicate["tables"].items()}
    return Statement(
        predicate["export"],
        predicate["exported_at"],
        Contents(head_sha256, tables, Counted(**predicate["objects"])),
        Checkpoint(log["name"], log["size"], hex_decode(log["root"], _HASH_BYTES)),
        Era(log["origin"], tuple(parse_vkey(key) for key in log["keys"])),
    )
