"""in-toto Statement v1: which artefacts (by SHA-256) a signed claim is about, and the claim.

Source: https://github.com/in-toto/attestation, spec/v1/statement.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import InvalidInput, Modified

#: The payload type of the DSSE envelope around a statement.
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
#: What an inspection report claims. ``.example`` is reserved (RFC 2606): the name can never change hands.
REPORT_PREDICATE: Final = "https://d2r-appliance.example/inspection-report/v1"

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Statement:
    """``subjects``: name -> lower-case hex SHA-256; ``predicate``: the claim about them."""

    subjects: Mapping[str, str]
    predicate_type: str
    predicate: Mapping[str, Any]


def write_statement(statement: Statement) -> bytes:
    """The canonical JSON of a statement: the payload to sign.

    Raises
    ------
    InvalidInput : no subject, or a digest that is not a SHA-256
    """
    _check_subjects(statement.subjects)
    return canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"digest": {"sha256": digest}, "name": name} for name, digest in statement.subjects.items()],
            "predicateType": statement.predicate_type,
            "predicate": dict(statement.predicate),
        }
    )


def read_statement(payload: bytes, predicate_type: str = REPORT_PREDICATE) -> Statement:
    """The statement in a payload whose signature has been verified.

    Raises
    ------
    Modified : it is not a statement with that predicate type
    """
    try:
        statement = _parse(loads_strict(payload))
        _check_subjects(statement.subjects)
    except InvalidInput as error:
        raise Modified("statement.form", f"The signed statement is damaged: {error.message}") from error
    if statement.predicate_type != predicate_type:
        raise Modified("statement.type", f"The signed statement is of another kind: '{statement.predicate_type}'.")
    return statement


def _parse(record: Any) -> Statement:
    match record:
        case {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": list(subject),
            "predicateType": str(predicate_type),
            "predicate": dict(predicate),
        } if len(record) == 4:
            subjects = dict(_parse_subject(one) for one in subject)
            if len(subjects) == len(subject):
                return Statement(subjects, predicate_type, predicate)
    raise InvalidInput("statement.fields", "It is not an in-toto Statement v1 with subjects of different names.")


def _parse_subject(record: Any) -> tuple[str, str]:
    match record:
        case {"name": str(name), "digest": {"sha256": str(digest)}}:
            return name, digest
    raise InvalidInput("statement.subject", "A subject has no name or no SHA-256.")


def _check_subjects(subjects: Mapping[str, str]) -> None:
    if not subjects:
        raise InvalidInput("statement.subject", "A statement is about at least one subject.")
    for name, digest in subjects.items():
        if not _SHA256.fullmatch(digest):
            raise InvalidInput("statement.digest", f"The digest of '{name}' is not a SHA-256 in lower-case hex.")
