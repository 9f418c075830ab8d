"""The fenced lease under which one worker, and no other, carries a row.

A claim raises the row's ``lease_token``; every later write names the token it was claimed with.  A worker that
was thought dead and wakes up finds that its token is an old one, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance.core.clock import rfc3339_us, utc_now
from appliance.inspections.models import FINAL
from appliance.tenancy.scope import WorkspaceScope


class LostLease(Exception):
    """Another worker carries this row now: stop, write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to write one row of ``model`` until ``lease_until``, as long as nobody claimed it since."""

    scope: WorkspaceScope
    model: Any
    row_id: str
    token: int

    @classmethod
    def claim(cls, scope: WorkspaceScope, model: Any, row_id: str) -> Lease | None:
        """Claim a row that is not final, not leased to a living worker, and not waiting; else None."""
        now = utc_now()
        with scope.transaction():
            row = model.get_or_none(model.id == row_id)
            if row is None or row.state in FINAL or not _is_free(row, now):
                return None
            token = int(row.lease_token) + 1
            columns = {"lease_token": token, "attempts": int(row.attempts) + 1, "lease_until": _until(scope, now)}
            model.update(**columns).where(model.id == row_id).execute()
        return cls(scope, model, row_id, token)

    @contextmanager
    def writing(self, **columns: Any) -> Iterator[None]:
        """A transaction that writes ``columns`` of the row, and whatever else the block writes, or nothing at all.

        Raises
        ------
        LostLease : another worker claimed the row
        """
        with self.scope.transaction():
            self._write(columns)
            yield

    def write(self, **columns: Any) -> None:
        """Write ``columns`` of the row.

        Raises
        ------
        LostLease : another worker claimed the row, or it has come to its end
        """
        with self.scope.transaction():
            self._write(columns)

    def renew(self, **columns: Any) -> None:
        """Hold the row for another ``lease_seconds`` from now; writes ``columns`` on the way."""
        self.write(lease_until=_until(self.scope, utc_now()), **columns)

    def row(self) -> Any:
        """The row as it stands."""
        with self.scope:
            return self.model.get_by_id(self.row_id)

    def _write(self, columns: dict[str, Any]) -> None:
        held = (self.model.id == self.row_id) & (self.model.lease_token == self.token)
        where = held & self.model.state.not_in(FINAL)
        if self.model.update(lease_token=self.token, **columns).where(where).execute() != 1:
            raise LostLease(f"{self.row_id} is carried by another worker")


def _is_free(row: Any, now: datetime) -> bool:
    moment = rfc3339_us(now)
    waiting = getattr(row, "not_before", None)
    return (row.lease_until is None or row.lease_until <= moment) and (waiting is None or waiting <= moment)


def _until(scope: WorkspaceScope, now: datetime) -> str:
    return rfc3339_us(now + timedelta(seconds=scope.settings.lease_seconds))
