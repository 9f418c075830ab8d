"""The Merkle tree against a literal transcription of RFC 6962, and against published vectors."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from pathlib import Path

import pytest

from appliance.audit import tree
from appliance.audit.tree import HashTree
from appliance.errors import Modified

#: Inputs and roots of RFC 6962 implementations (the Certificate Transparency reference tests).
INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def rfc_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = 1
    while 2 * k < len(entries):
        k *= 2
    return sha256(b"\1" + rfc_root(entries[:k]) + rfc_root(entries[k:])).digest()


def rfc_path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(entries) == 1:
        return []
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m < k:
        return rfc_path(m, entries[:k]) + [rfc_root(entries[k:])]
    return rfc_path(m - k, entries[k:]) + [rfc_root(entries[:k])]


def rfc_proof(m: int, entries: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(entries):
        return [] if whole else [rfc_root(entries)]
    k = 1
    while 2 * k < len(entries):
        k *= 2
    if m <= k:
        return rfc_proof(m, entries[:k], whole) + [rfc_root(entries[k:])]
    return rfc_proof(m - k, entries[k:], False) + [rfc_root(entries[:k])]


def grown(entries: list[bytes]) -> HashTree:
    return HashTree(map(tree.leaf_hash, entries))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_that_certificate_transparency_publishes(size: int) -> None:
    assert grown(INPUTS[:size]).root().hex() == ROOTS[size - 1]
    assert tree.root_of([tree.leaf_hash(one) for one in INPUTS[:size]]).hex() == ROOTS[size - 1]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert grown([]).root() == tree.root_of([]) == sha256(b"").digest()


def test_roots_and_proofs_of_all_small_trees_are_those_of_the_rfc() -> None:
    entries = [b"entry %d" % number for number in range(40)]
    built = grown(entries)
    for size in range(1, 41):
        assert built.root(size) == rfc_root(entries[:size])
        for index in range(size):
            assert list(built.inclusion(index, size)) == rfc_path(index, entries[:size])
        for old in range(1, size + 1):
            assert list(built.consistency(old, size)) == rfc_proof(old, entries[:size])


def test_every_inclusion_proof_up_to_300_leaves_verifies_and_no_other_place_does() -> None:
    leaves = [sha256(b"%d" % number).digest() for number in range(300)]
    built = HashTree(leaves)
    for size in [*range(1, 66), 127, 128, 129, 255, 256, 257, 299, 300]:
        root = built.root(size)
        for index in range(size):
            path = built.inclusion(index, size)
            tree.verify_inclusion(index, size, leaves[index], path, root)
            with pytest.raises(Modified):
                tree.verify_inclusion((index + 1) % size if size > 1 else 1, size, leaves[index], path, root)


def test_every_consistency_proof_up_to_300_leaves_verifies() -> None:
    built = HashTree(sha256(b"%d" % number).digest() for number in range(300))
    roots = [built.root(size) for size in range(301)]
    for new in range(301):
        for old in range(new + 1):
            path = built.consistency(old, new)
            tree.verify_consistency(old, new, roots[old], roots[new], path)
            if path and (old + new) % 7 == 0:
                with pytest.raises(Modified):
                    tree.verify_consistency(old, new, roots[old - 1], roots[new], path)
                with pytest.raises(Modified):
                    tree.verify_consistency(old, new, roots[old], roots[new - 1], path)


def test_a_changed_hash_in_any_place_of_a_proof_is_refused() -> None:
    built = grown([b"%d" % number for number in range(77)])
    inclusion, consistency = built.inclusion(50), built.consistency(50)
    for position in range(len(inclusion)):
        changed = [*inclusion[:position], sha256(inclusion[position]).digest(), *inclusion[position + 1 :]]
        with pytest.raises(Modified):
            tree.verify_inclusion(50, 77, built.leaf(50), changed, built.root())
    for position in range(len(consistency)):
        changed = [*consistency[:position], sha256(consistency[position]).digest(), *consistency[position + 1 :]]
        with pytest.raises(Modified):
            tree.verify_consistency(50, 77, built.root(50), built.root(), changed)


def test_proofs_of_another_length_are_refused() -> None:
    built = grown([b"%d" % number for number in range(9)])
    inclusion, consistency = built.inclusion(3), built.consistency(5)
    for path in (inclusion[:-1], inclusion + inclusion[:1], (), (*inclusion[:-1], b"short")):
        with pytest.raises(Modified):
            tree.verify_inclusion(3, 9, built.leaf(3), path, built.root())
    for path in (consistency[:-1], consistency + consistency[:1], (), (*consistency[:-1], b"short")):
        with pytest.raises(Modified):
            tree.verify_consistency(5, 9, built.root(5), built.root(), path)


def test_a_tree_has_no_leaf_or_state_that_it_has_not_grown_to() -> None:
    built = grown([b"a", b"b"])
    for ask in (lambda: built.root(3), lambda: built.leaf(2), lambda: built.inclusion(2), lambda: built.inclusion(-1),
                lambda: built.consistency(1, 3), lambda: built.consistency(2, 1)):  # fmt: skip
        with pytest.raises(IndexError):
            ask()


def _vectors(folder: Path) -> list[dict[str, object]]:
    found = [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]
    assert found
    return found


def test_the_published_inclusion_vectors_are_judged_as_published(shared_data: Path) -> None:
    for vector in _vectors(shared_data / "merkle" / "inclusion"):
        path = [base64.b64decode(one) for one in vector["proof"] or []]
        leaf, root = base64.b64decode(vector["leafHash"] or ""), base64.b64decode(vector["root"] or "")
        asked = (vector["leafIdx"], vector["treeSize"], leaf, path, root)
        if vector["wantErr"]:
            with pytest.raises(Modified):
                tree.verify_inclusion(*asked)
        else:
            tree.verify_inclusion(*asked)


def test_the_published_consistency_vectors_are_judged_as_published(shared_data: Path) -> None:
    for vector in _vectors(shared_data / "merkle" / "consistency"):
        path = [base64.b64decode(one) for one in vector["proof"] or []]
        first, second = base64.b64decode(vector["root1"] or ""), base64.b64decode(vector["root2"] or "")
        asked = (vector["size1"], vector["size2"], first, second, path)
        # A vector with placeholder roots of other lengths is valid to its authors; here a hash has 32 bytes.
        if vector["wantErr"] or len(first) != 32 or len(second) != 32:
            with pytest.raises(Modified):
                tree.verify_consistency(*asked)
        else:
            tree.verify_consistency(*asked)
