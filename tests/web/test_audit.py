"""The audit log over HTTP: what an auditor takes away verifies without the appliance."""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256

import pytest

from appliance.audit.checkpoint import read_checkpoint
from appliance.audit.cosignature import cosign
from appliance.audit.note import Note
from appliance.audit.proof import parse_proof
from appliance.audit.tree import verify_consistency, verify_inclusion
from appliance.core.clock import utc_now
from appliance.crypto.vkey import ALG_COSIGNATURE, Signer
from tests.web.conftest import Cast

TEXT = {"headers": {"Content-Type": "text/plain"}}


def grown(cast: Cast, *names: str) -> None:
    for name in names:
        cast.owner.made("parts", {"name": name})


def test_a_proof_of_an_entry_leads_to_the_signed_checkpoint(cast: Cast) -> None:
    grown(cast, "a1", "a2", "a3")
    state, _ = read_checkpoint(cast.operator("GET", "audit/checkpoint").data)
    entry = cast.auditor.get("audit/entries/1")
    assert entry["entry"]["facts"]["name"] == "a2"
    proof = parse_proof(cast.operator("GET", "audit/entries/1/proof").data)
    leaf = bytes.fromhex(entry["leaf_sha256"])
    assert leaf == sha256(b"\x00" + proof.extra).digest()
    assert json.loads(proof.extra) == entry["entry"]
    verify_inclusion(1, state.size, leaf, proof.path, state.root)


def test_a_later_state_is_proven_to_continue_an_earlier_one(cast: Cast) -> None:
    grown(cast, "b1")
    old, _ = read_checkpoint(cast.auditor("GET", "audit/checkpoint").data)
    grown(cast, "b2", "b3")
    new, _ = read_checkpoint(cast.auditor("GET", "audit/checkpoint").data)
    found = cast.auditor.get(f"audit/consistency?old={old.size}")
    assert (found["old"], found["new"]) == (old.size, new.size)
    verify_consistency(old.size, new.size, old.root, new.root, [bytes.fromhex(one) for one in found["proof"]])
    at = parse_proof(cast.auditor("GET", f"audit/entries/0/proof?size={old.size}").data)
    assert at.checkpoint.size == old.size


def test_entries_come_in_pages_in_their_order(cast: Cast) -> None:
    grown(cast, "c1", "c2", "c3")
    first = cast.auditor.get("audit/entries?limit=2")
    second = cast.auditor.get(f"audit/entries?limit=2&cursor={first['next']}")
    assert [one["index"] for one in first["items"] + second["items"]] == [0, 1, 2, 3]


def test_a_witness_makes_the_log_provable(cast: Cast) -> None:
    grown(cast, "d1")
    assert cast.auditor("POST", "audit/verify", {}).json["finding"] == "NOT PROVABLE"
    witness = Signer.generate("audit.example/witness", ALG_COSIGNATURE)
    update = cast.auditor("GET", "audit/update?since=0")
    note = read_checkpoint(update.data.partition(b"\n\n")[2])[1]
    signed = bytes(Note(note.text, (*note.signatures, cosign(note.text, witness, utc_now()))))
    stranger = cast.auditor("POST", "audit/anchors", data=signed, **TEXT)
    assert stranger.json["code"] == "anchor.unknown"
    cast.site.keys.trust(witness.verifier)
    kept = cast.auditor.made("audit/anchors", data=signed, **TEXT)
    assert [one["witness"] for one in kept["cosignatures"]] == [str(witness.verifier)]
    size = read_checkpoint(signed)[0].size
    assert cast.operator.get("audit/anchors") == {"sizes": [size]}
    verdict = cast.auditor("POST", "audit/verify", {}).json
    assert verdict["finding"] == "UNMODIFIED"
    assert verdict["since"] is not None


def test_a_checkpoint_of_another_log_is_not_kept(cast: Cast) -> None:
    other = cast.appliance("GET", "/api/v1/workspaces/other/audit/checkpoint").data
    assert cast.auditor("POST", "audit/anchors", data=other, **TEXT).status_code in (409, 422)
    held = cast.auditor("POST", "audit/verify", {"held": [other.decode()]})
    assert held.status_code == 422
    assert cast.auditor("POST", "audit/anchors", data=b"nonsense", **TEXT).status_code in (409, 422)


def test_what_is_not_in_the_log_is_not_found(cast: Cast) -> None:
    for path in ("audit/entries/999999", "audit/entries/-1", "audit/entries/x", "audit/entries/999999/proof",
                 "audit/consistency?old=999999", "audit/update?since=999999"):  # fmt: skip
        assert cast.auditor("GET", path).status_code == 404, path
    assert cast.auditor("GET", "audit/consistency").status_code == 422


@pytest.mark.sqlite
def test_a_changed_row_is_found_and_nothing_leaves_the_log(cast: Cast) -> None:
    path = cast.site.databases.path(cast.scope.workspace_id)
    with sqlite3.connect(path) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(
            "UPDATE audit_entry SET entry = CAST(replace(entry, 'part', 'cart') AS BLOB) WHERE position = 0"
        )
    assert cast.auditor("POST", "audit/verify", {}).json["finding"] == "MODIFIED"
    assert cast.auditor("GET", "audit/entries/0/proof").status_code == 409
