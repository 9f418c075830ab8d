"""The audit log of a workspace: checkpoints, entries, proofs, verification, and what witnesses exchange."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final

from flask import Response
from pydantic import Field

from appliance.audit.database_log import DatabaseLog
from appliance.audit.judgement import judge_log
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339
from appliance.crypto.vkey import ALG_COSIGNATURE, VerifierKey
from appliance.db.listing import Listing
from web.api.contract import AUDITORS, READERS, Area, Call
from web.api.downloads import small_answer
from web.api.forms import Body, Model, Out, Page, PageQuery
from web.api.intake import BYTES, small_body
from web.api.paging import page

_AUDIT: Final = "/workspaces/{slug}/audit"
_ENTRY: Final = _AUDIT + "/entries/{index}"
_TEXT: Final = "text/plain"
_LEAF: Final = b"\x00"
Index = Annotated[int, Field(ge=0, le=2**53 - 1)]

audit = Area("audit", "The audit log: append-only, signed, provable.")


class EntryOut(Out):
    """One entry; ``leaf_sha256`` is its leaf hash in the tree (RFC 6962) over its exact bytes."""

    index: int
    leaf_sha256: str
    entry: dict[str, Any]


class ProofQuery(Model):
    """Against which state."""

    size: Index | None = Field(None, description="Entries of an earlier state, such as a printed one.")


class ConsistencyQuery(Model):
    """From which state to which."""

    old: Index
    new: Index | None = None


class ConsistencyOut(Out):
    """The hashes that prove that the first ``old`` entries are a beginning of the first ``new`` ones."""

    old: int
    new: int
    proof: list[str]


class UpdateQuery(Model):
    """What the witness saw last."""

    since: Index


class AnchorsOut(Out):
    """At which sizes witnesses cosigned the log."""

    sizes: list[int]


class CosignatureOut(Out):
    """Who cosigned, and when."""

    witness: str
    time: str


class AnchoredOut(Out):
    """The cosignatures of known witnesses under a checkpoint."""

    cosignatures: list[CosignatureOut]


class VerifyIn(Body):
    """Checkpoints that the auditor kept, as text."""

    held: list[Annotated[str, Field(max_length=20_000)]] = Field(default_factory=list, max_length=20)


class JudgementOut(Out):
    """One of three: UNMODIFIED (since when), MODIFIED (which entry), NOT PROVABLE (what is missing)."""

    finding: str
    reason: str
    since: str | None
    size: int


@audit.route("GET", f"{_AUDIT}/checkpoint", roles=READERS, media_type=_TEXT, errors=(409,), summary="Sign the state")
def get_checkpoint(call: Call) -> Response:
    """What is new since the last checkpoint is validated first."""
    return small_answer(bytes(_log(call).checkpoint()), "text/plain; charset=utf-8")


@audit.route(
    "GET", f"{_AUDIT}/entries", roles=AUDITORS, query=PageQuery, answer=Page[EntryOut], summary="Entries, in order"
)
def list_entries(call: Call) -> object:
    def ask(listing: Listing) -> list[dict[str, Any]]:
        start = _number(str(listing.after[0])) + 1 if listing.after else 0
        with call.scope:
            rows = list(_log(call).tables.entries(start, start + listing.limit))
        return [_entry(index, data) for index, data, _ in rows]

    return page(call, ask, lambda entry: (entry["index"],))


@audit.route("GET", _ENTRY, roles=AUDITORS, media_type="application/json", answer=EntryOut, summary="One entry")
def get_entry(call: Call, index: str) -> dict[str, Any]:
    """Personal fields are commitments, and stay so."""
    number = _number(index)
    return _entry(number, _log(call).entry(number))


@audit.route(
    "GET", f"{_ENTRY}/proof", roles=READERS, query=ProofQuery, media_type=_TEXT, errors=(409,),
    summary="The proof of one entry (.tlog-proof)",
)  # fmt: skip
def get_entry_proof(call: Call, index: str) -> Response:
    """Without a size it is the proof that anchors the entry earliest."""
    log, number, size = _log(call), _number(index), call.query.size
    proof = log.refresh_proof(number, _witnesses(call)) if size is None else log.proof_at(number, size)
    return small_answer(proof, "text/plain; charset=utf-8")


@audit.route(
    "GET", f"{_AUDIT}/consistency", roles=READERS, query=ConsistencyQuery, answer=ConsistencyOut, errors=(409,),
    summary="The proof that one state continues another",
)  # fmt: skip
def get_consistency(call: Call) -> ConsistencyOut:
    log, asked = _log(call), call.query
    new = log.size if asked.new is None else asked.new
    return ConsistencyOut(old=asked.old, new=new, proof=[one.hex() for one in log.consistency(asked.old, new)])


@audit.route(
    "GET", f"{_AUDIT}/update", roles=AUDITORS, query=UpdateQuery, media_type=_TEXT, errors=(409,),
    summary="What a witness needs to cosign the present state",
)  # fmt: skip
def get_update(call: Call) -> Response:
    return small_answer(_log(call).update_since(call.query.since), "text/plain; charset=utf-8")


@audit.route("GET", f"{_AUDIT}/anchors", roles=READERS, answer=AnchorsOut, summary="States that witnesses cosigned")
def list_anchors(call: Call) -> AnchorsOut:
    return AnchorsOut(sizes=list(_log(call).anchored_sizes()))


@audit.route(
    "POST", f"{_AUDIT}/anchors", roles=AUDITORS, takes=(_TEXT, BYTES), answer=AnchoredOut, status=201,
    errors=(409,), summary="Keep a checkpoint that a witness cosigned",
)  # fmt: skip
def add_anchor(call: Call) -> AnchoredOut:
    """Only witnesses that the appliance's operator trusts count (d2r keys trust)."""
    found = _log(call).add_anchor(small_body(), _witnesses(call))
    return AnchoredOut(cosignatures=[CosignatureOut(witness=str(one.key), time=rfc3339(one.time)) for one in found])


@audit.route("POST", f"{_AUDIT}/verify", roles=AUDITORS, body=VerifyIn, answer=JudgementOut, summary="Verify it all")
def verify_log(call: Call) -> JudgementOut:
    """Every entry from the first on, every promise that was signed, and the checkpoints that the auditor holds."""
    log = _log(call)
    size = log.size
    verdict = judge_log(log, _witnesses(call), [text.encode() for text in call.body.held])
    since = rfc3339(verdict.since) if verdict.since else None
    return JudgementOut(finding=verdict.finding.value, reason=verdict.reason, since=since, size=size)


def _log(call: Call) -> DatabaseLog:
    return DatabaseLog.of(call.scope)


def _witnesses(call: Call) -> list[VerifierKey]:
    return [key for key in call.scope.keys.trusted() if key.algorithm == ALG_COSIGNATURE]


def _entry(index: int, data: bytes) -> dict[str, Any]:
    return {"index": index, "leaf_sha256": sha256(_LEAF + data).hexdigest(), "entry": loads_strict(data)}


def _number(text: str) -> int:
    """An index of an entry; what is none names no entry."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
