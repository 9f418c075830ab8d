"""The audit log: append-only, signed, provable.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from appliance.client.calls import Calls, Content, quoted


class AnchoredOut(TypedDict):
    """The cosignatures of known witnesses under a checkpoint."""

    cosignatures: list[CosignatureOut]


class AnchorsOut(TypedDict):
    """At which sizes witnesses cosigned the log."""

    sizes: list[int]


class ConsistencyOut(TypedDict):
    """The hashes that prove that the first `old` entries are a beginning of the first `new` ones."""

    old: int
    new: int
    proof: list[str]


class CosignatureOut(TypedDict):
    """Who cosigned, and when."""

    witness: str
    time: str


class EntryOut(TypedDict):
    """One entry; `leaf_sha256` is its leaf hash in the tree (RFC 6962) over its exact bytes."""

    index: int
    leaf_sha256: str
    entry: dict[str, Any]


class JudgementOut(TypedDict):
    """One of three: UNMODIFIED (since when), MODIFIED (which entry), NOT PROVABLE (what is missing)."""

    finding: str
    reason: str
    since: str | None
    size: int


class Audit:
    """The audit log: append-only, signed, provable."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_checkpoint(self) -> bytes:
        """Sign the state. What is new since the last checkpoint is validated first."""
        return self._calls.read(f"{self._calls.workspace}/audit/checkpoint")

    def list_entries(self, *, at_most: int | None = None) -> Iterator[EntryOut]:
        """Entries, in order.

        Parameters
        ----------
        at_most : how many to take; None: all
        """
        return self._calls.pages(f"{self._calls.workspace}/audit/entries", at_most=at_most)

    def get_entry(self, index: str, *, held: EntryOut | None = None) -> EntryOut:
        """One entry.

        Personal fields are commitments, and stay so.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: EntryOut = self._calls.get(f"{self._calls.workspace}/audit/entries/{quoted(index)}", held)
        return record

    def get_entry_proof(self, index: str, *, size: int | None = None) -> bytes:
        """The proof of one entry (.tlog-proof).

        Without a size it is the proof that anchors the entry earliest.

        Parameters
        ----------
        size : entries of an earlier state, such as a printed one
        """
        return self._calls.read(f"{self._calls.workspace}/audit/entries/{quoted(index)}/proof", query={"size": size})

    def get_consistency(
        self, *, old: int, new: int | None = None, held: ConsistencyOut | None = None
    ) -> ConsistencyOut:
        """The proof that one state continues another.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: ConsistencyOut = self._calls.get(
            f"{self._calls.workspace}/audit/consistency", held, query={"old": old, "new": new}
        )
        return record

    def get_update(self, *, since: int) -> bytes:
        """What a witness needs to cosign the present state."""
        return self._calls.read(f"{self._calls.workspace}/audit/update", query={"since": since})

    def list_anchors(self, *, held: AnchorsOut | None = None) -> AnchorsOut:
        """States that witnesses cosigned.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: AnchorsOut = self._calls.get(f"{self._calls.workspace}/audit/anchors", held)
        return record

    def add_anchor(self, content: Content) -> AnchoredOut:
        """Keep a checkpoint that a witness cosigned.

        Only witnesses that the appliance's operator trusts count (d2r keys trust).
        """
        record: AnchoredOut = self._calls.send(
            f"{self._calls.workspace}/audit/anchors", content=content, media_type="application/octet-stream"
        )
        return record

    def verify_log(self, *, held: list[str] | None = None) -> JudgementOut:
        """Verify it all.

        Every entry from the first on, every promise that was signed, and the checkpoints that the auditor holds.
        """
        record: JudgementOut = self._calls.act("POST", f"{self._calls.workspace}/audit/verify", body={"held": held})
        return record
