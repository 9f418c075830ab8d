"""Whatever byte of an envelope, a note or a proof is changed: it is never accepted as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint, verify_checkpoint
from appliance.audit.cosignature import cosign, verify_cosignatures
from appliance.audit.entry import Entry
from appliance.audit.note import NoteSignature, parse_note
from appliance.audit.personal import Opening, commitment, open_value, verify_opening
from appliance.audit.proof import Proof, parse_proof
from appliance.audit.tiles import Tile, bundle_entries, parse_tile, tile_hashes, tiles_of, unbundle_entries
from appliance.audit.tree import HashTree, leaf_hash, root_of
from appliance.audit.verify import verify_held_checkpoint, verify_record
from appliance.crypto.dsse import sign_envelope, verify_envelope
from appliance.crypto.vkey import ALG_COSIGNATURE, ALG_ED25519, Signer
from appliance.errors import D2RError, InvalidInput, Modified, NotFound, NotProvable

LOG = Signer("plant.example/7", ALG_ED25519, bytes(range(32)))
WITNESS = Signer("audit.example/w", ALG_COSIGNATURE, bytes(range(1, 33)))
TRUSTED = (LOG.verifier, WITNESS.verifier)
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = Entry("scan.judged", MOMENT, {"scan": "a" * 64}).after(None)
TREE = HashTree([leaf_hash(b"%d" % number) for number in range(4)] + [leaf_hash(ENTRY)] + [leaf_hash(b"end")] * 8)
NOTE = sign_checkpoint(Checkpoint(LOG.name, TREE.size, TREE.root()), LOG)
COSIGNED = NOTE.adding(cosign(NOTE.text, WITNESS, MOMENT))
PROOF = bytes(Proof(4, TREE.inclusion(4), COSIGNED, ENTRY))


def changes(data: bytes) -> list[bytes]:
    """``data`` with each byte flipped in one bit, set to zero, dropped and doubled."""
    changed = []
    for position, byte in enumerate(data):
        for new in (bytes([byte ^ 1]), bytes([byte ^ 0x80]), bytes([byte ^ 0x20]), b"\0", b"", bytes([byte, byte])):
            changed.append(data[:position] + new + data[position + 1 :])
    return [one for one in changed if one != data]


def test_no_changed_envelope_is_accepted() -> None:
    envelope = sign_envelope(b'{"verdict":"pass"}', "application/vnd.in-toto+json", [LOG])
    verify_envelope(envelope, TRUSTED)
    for changed in changes(envelope):
        with pytest.raises((Modified, NotProvable)):
            verify_envelope(changed, TRUSTED)


def test_no_changed_checkpoint_is_accepted() -> None:
    assert verify_checkpoint(bytes(NOTE), TRUSTED).size == 13
    for changed in changes(bytes(NOTE)):
        with pytest.raises((Modified, NotProvable)):
            verify_checkpoint(changed, TRUSTED)


def test_no_changed_proof_says_more_or_other_than_the_whole_one() -> None:
    """A change in the witness's name makes its line one of a stranger: the anchor is lost, never moved."""
    whole = verify_record(ENTRY, PROOF, TRUSTED)
    assert whole.anchored_since == MOMENT
    for changed in changes(PROOF):
        with pytest.raises((Modified, NotProvable)):
            verify_record(ENTRY, changed, TRUSTED, require_anchor=True)


def test_no_changed_entry_is_accepted_under_its_proof() -> None:
    for changed in changes(ENTRY):
        with pytest.raises(Modified):
            verify_record(changed, PROOF, TRUSTED)


def test_a_cosignature_of_another_time_checkpoint_or_kind_of_key_is_none() -> None:
    assert [one.time for one in verify_cosignatures(COSIGNED, TRUSTED)] == [MOMENT]
    assert verify_cosignatures(COSIGNED, [LOG.verifier]) == ()
    other = sign_checkpoint(Checkpoint(LOG.name, 13, bytes(32)), LOG).adding(cosign(NOTE.text, WITNESS, MOMENT))
    with pytest.raises(Modified):
        verify_cosignatures(other, TRUSTED)
    with pytest.raises(InvalidInput):
        cosign(NOTE.text, LOG, MOMENT)


def test_a_checkpoint_on_paper_names_a_rewritten_log() -> None:
    proof = parse_proof(PROOF)
    assert verify_held_checkpoint(proof, bytes(NOTE), TRUSTED).size == 13
    rewritten = sign_checkpoint(Checkpoint(LOG.name, 13, bytes(32)), LOG)
    with pytest.raises(Modified, match="is not the one in the held checkpoint"):
        verify_held_checkpoint(proof, bytes(rewritten), TRUSTED)
    smaller = sign_checkpoint(Checkpoint(LOG.name, 5, TREE.root(5)), LOG)
    with pytest.raises(NotProvable, match="--size 5"):
        verify_held_checkpoint(proof, bytes(smaller), TRUSTED)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_end_in_an_error_of_the_appliance(data: bytes) -> None:
    for reader in (parse_note, parse_proof, lambda raw: verify_envelope(raw, TRUSTED), unbundle_entries):
        try:
            reader(data)
        except D2RError:
            continue
        assert reader is unbundle_entries


@given(
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.from_regex(r"[!-~]{1,20}", fullmatch=True), max_size=3),
)
def test_a_checkpoint_reads_as_it_was_written(size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint("plant.example/7", size, root, tuple(extensions))
    assert parse_checkpoint(checkpoint.text) == checkpoint


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_a_growing_tree_and_one_built_at_once_have_one_root(leaves: list[bytes]) -> None:
    assert HashTree(leaves).root() == root_of(leaves)


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**12), st.integers(1, 256))
def test_a_tile_is_found_under_the_path_that_names_it(level: int | None, number: int, width: int) -> None:
    assert parse_tile(Tile(level, number, width).path) == Tile(level, number, width)


def test_tile_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(1, 5, 17).path == "tile/1/005.p/17"
    for wrong in ("tile/0/5", "tile/0/x000/005", "tile/64/000", "tile/0/000.p/256", "tile/0/000.p/0", "tile/00/000"):
        with pytest.raises(InvalidInput):
            parse_tile(wrong)


def test_the_tiles_of_a_log_hold_all_its_complete_subtrees() -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(600)]
    grown = HashTree(leaves)
    tiles = list(tiles_of(600))
    assert [tile.path for tile in tiles] == [
        "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
    ]  # fmt: skip
    assert b"".join(tile_hashes(grown, tile) for tile in tiles[:3]) == b"".join(leaves)
    assert tile_hashes(grown, tiles[3]) == root_of(leaves[:256]) + root_of(leaves[256:512])
    with pytest.raises(NotFound):
        tile_hashes(grown, Tile(0, 2, 89))


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert unbundle_entries(bundle_entries(entries)) == tuple(entries)


@settings(max_examples=50)
@given(st.text(max_size=20), st.text(max_size=20))
def test_a_commitment_opens_to_its_value_only(value: str, other: str) -> None:
    opening = open_value("operator", value)
    committed = commitment(opening)
    assert verify_opening(opening, committed) == value
    wrong = [Opening("operator", bytes(32), value), Opening("inspector", opening.salt, value)]
    wrong += [Opening("operator", opening.salt, other)] if other != value else []
    for one in wrong:
        with pytest.raises(Modified):
            verify_opening(one, committed)


def test_a_commitment_is_the_published_construction() -> None:
    """Computed with: printf 'qc-pii/v1\\0operator\\0Ann' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0000...00."""
    expected = "0c26034b981bc0524e4fe548df4751ec9ad543ff7b99d8ca725b92969ce24ec1"
    assert commitment(Opening("operator", bytes(32), "Ann")) == expected


def test_a_cosignature_from_beyond_the_calendar_is_refused() -> None:
    seconds = 2**63
    message = f"cosignature/v1\ntime {seconds}\n{NOTE.text}".encode()
    line = NoteSignature(WITNESS.name, WITNESS.verifier.key_id, seconds.to_bytes(8, "big") + WITNESS.sign(message))
    with pytest.raises(Modified):
        verify_cosignatures(NOTE.adding(line), TRUSTED)
