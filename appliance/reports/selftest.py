"""The signed record of a self-test of the statistics: what was compared, with what, by which engine.

An in-toto Statement like that of a report, with a type of its own.  Its subject is the source of the statistics, by
hash: the record says that *this* code reproduces *these* published numbers, on this machine and these libraries.  It is
no entry of a log, so it proves who signed it, not since when.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final

from appliance import __version__
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339
from appliance.crypto.dsse import open_envelope, sign_envelope, verify_envelope
from appliance.crypto.vkey import Signer, VerifierKey
from appliance.errors import D2RError, InvalidInput, Modified
from appliance.inspections.engine import engine_version, sources_sha256
from appliance.reports.statement import PAYLOAD_TYPE, STATEMENT_TYPE
from appliance.spc.validation import Check

VALIDATION_TYPE: Final = "urn:d2r-appliance:statistics-validation:v1"
#: Larger files are no such record.
RECORD_LIMIT_BYTES: Final = 4 << 20
#: Packages whose code the record vouches for.
_SUBJECT: Final = "appliance/spc"
#: Libraries whose arithmetic takes part.
_LIBRARIES: Final = ("numpy", "scipy", "numba")


@dataclass(frozen=True)
class SelfTest:
    """A record after verification."""

    signer: VerifierKey
    issued_at: str
    engine: str
    sources_sha256: str
    checks: int
    deviating: tuple[str, ...]


def selftest_statement(checks: Sequence[Check], issued_at: datetime) -> bytes:
    """The canonical bytes of the record of these checks; numbers are decimal strings.

    Raises
    ------
    InvalidInput : there are no checks: nothing is proven by comparing nothing
    """
    if not checks:
        raise InvalidInput("selftest.empty", "A self-test without checks proves nothing.")
    predicate = {
        "engine": {"name": "D2R Appliance", "version": __version__, "build": engine_version()},
        "issued_at": rfc3339(issued_at),
        "libraries": {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        "machine": platform.machine(),
        "agrees": all(check.agrees for check in checks),
        "checks": [_check(check) for check in checks],
    }
    subject = {"name": _SUBJECT, "digest": {"sha256": sources_sha256(("spc",))}}
    record = {"_type": STATEMENT_TYPE, "subject": [subject], "predicateType": VALIDATION_TYPE, "predicate": predicate}
    return canonical_bytes(record)


def sign_selftest(statement: bytes, signer: Signer) -> bytes:
    """The envelope file of a record."""
    return sign_envelope(statement, PAYLOAD_TYPE, (signer,))


def is_selftest(envelope: bytes) -> bool:
    """Whether an envelope says that it holds such a record; nothing is verified."""
    try:
        record = loads_strict(open_envelope(envelope).payload)
    except D2RError:
        return False
    return isinstance(record, dict) and record.get("predicateType") == VALIDATION_TYPE


def verify_selftest(envelope: bytes, trusted: Sequence[VerifierKey]) -> SelfTest:
    """What a record says, if a trusted key signed it.

    1. The envelope has its one spelling and a trusted key signed it.
    2. The payload is a record of a self-test in its one canonical spelling.
    3. Its summary agrees with its checks.

    Not checked: that the numbers come out so today (``d2r selftest statistics`` computes them again).

    Raises
    ------
    Modified : the envelope was changed, or a trusted key signed something else
    NotProvable : no trusted key signed it
    """
    # 1. Signature.
    verified = verify_envelope(envelope, trusted)
    # 2. Form.
    try:
        record = loads_strict(verified.payload)
        if canonical_bytes(record) != verified.payload or verified.payload_type != PAYLOAD_TYPE:
            raise InvalidInput("selftest.spelling", "It is not in its one canonical spelling.")
        found = _selftest(record, verified.key)
    except (InvalidInput, KeyError, TypeError, IndexError) as error:
        raise Modified("selftest.form", "The signed statement is not the record of a self-test.") from error
    return found


def _check(check: Check) -> dict[str, Any]:
    return {
        "quantity": check.quantity,
        "source": check.source,
        "published": check.published,
        "computed": check.computed,
        "deviation": f"{check.deviation:.3g}",
        "tolerance": f"{check.tolerance:.3g}",
        "agrees": check.agrees,
        "note": check.note,
    }


def _selftest(record: Any, signer: VerifierKey) -> SelfTest:
    if record["_type"] != STATEMENT_TYPE or record["predicateType"] != VALIDATION_TYPE:
        raise InvalidInput("selftest.type", "It is a statement of another type.")
    predicate, (subject,) = record["predicate"], record["subject"]
    deviating = tuple(str(check["quantity"]) for check in predicate["checks"] if check["agrees"] is not True)
    # 3. Summary.
    if not predicate["checks"] or predicate["agrees"] is not (not deviating):
        raise InvalidInput("selftest.summary", "Its summary is not that of its checks.")
    return SelfTest(
        signer,
        str(predicate["issued_at"]),
        str(predicate["engine"]["build"]),
        str(subject["digest"]["sha256"]),
        len(predicate["checks"]),
        deviating,
    )
