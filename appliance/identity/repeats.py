"""Requests that may be repeated: whoever lost an answer asks again under the same key, and nothing is made twice.

The record of an answer is written in the transaction that did the work, so there is no moment at which one is there
without the other, whatever ends the process.  Writers of a database follow one another: a repetition that comes while
the first request is at work waits for it and gets its answer.  A request that failed leaves no record and may be tried
again.  Keys and requests are kept as keyed hashes: a badge number in a request cannot be guessed from them.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.aead import derive
from appliance.errors import Conflict, InvalidInput
from appliance.identity.models import AnsweredControlRequest, AnsweredRequest
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

#: How long an answer can be had again.
KEPT: Final = timedelta(hours=24)
_PURPOSE: Final = b"d2r/repeated-request/1"


@dataclass(frozen=True)
class Answer:
    """What a request was answered; ``content`` is None where it holds a secret, which is kept nowhere."""

    status: int
    content: str | None
    location: str | None = None


class Repeats:
    """The answered requests of one database, for one principal in one workspace."""

    def __init__(
        self, scope: WorkspaceScope, transaction: Callable[[], AbstractContextManager[Any]], model: Any
    ) -> None:
        self._principal = scope.principal.id
        self._secret = derive(scope.data_key, b"", _PURPOSE)
        self._transaction, self._model = transaction, model

    @classmethod
    def of_workspace(cls, scope: WorkspaceScope) -> Repeats:
        """For work in the workspace's own database."""
        return cls(scope, scope.transaction, AnsweredRequest)

    @classmethod
    def of_control(cls, site: Site, scope: WorkspaceScope) -> Repeats:
        """For work in the control database, asked for in a workspace."""
        return cls(scope, site.control_transaction, AnsweredControlRequest)

    def answer_once(self, key: str, request: object, work: Callable[[], Answer]) -> tuple[Answer, bool]:
        """The answer of ``work``, or of the request that had this key before; and whether it is a repetition.

        Parameters
        ----------
        request : all that ``work`` depends on, as JSON

        Raises
        ------
        InvalidInput : the key was used for another request
        Conflict : the answer held a secret, which was shown once
        """
        key_mac, request_mac = self._mac([self._principal, key]), self._mac(request)
        with self._transaction():
            self._model.delete().where(self._model.answered_at <= _limit()).execute()
            row = self._model.get_or_none(self._model.key_mac == key_mac)
            if row is not None:
                return _repeated(row, request_mac), True
            answer = work()
            self._model.create(
                key_mac=key_mac, request_mac=request_mac, status=answer.status, answer=answer.content,
                location=answer.location, answered_at=rfc3339_us(utc_now()),
            )  # fmt: skip
        return answer, False

    def _mac(self, value: object) -> str:
        return hmac.digest(self._secret, canonical_bytes(value), "sha256").hex()


def forget_answered(scope: WorkspaceScope) -> int:
    """Remove the answers of a workspace that are older than ``KEPT``; returns how many."""
    with scope.transaction():
        return int(AnsweredRequest.delete().where(AnsweredRequest.answered_at <= _limit()).execute())


def forget_answered_control(site: Site) -> int:
    """The same for the control database."""
    with site.control_transaction():
        old = AnsweredControlRequest.answered_at <= _limit()
        return int(AnsweredControlRequest.delete().where(old).execute())


def _repeated(row: Any, request_mac: str) -> Answer:
    if not hmac.compare_digest(row.request_mac, request_mac):
        raise InvalidInput("repeat.other", "This Idempotency-Key was used for another request.", "Take a new key.")
    if row.answer is None:
        what = (row.location or "").rpartition("/")[2]
        raise Conflict(
            "repeat.secret",
            f"This was done already ({what}), and its secret is shown once.",
            "Revoke it, make another.",
        )
    return Answer(row.status, row.answer, row.location)


def _limit() -> str:
    return rfc3339_us(utc_now() - KEPT)
