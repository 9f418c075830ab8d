"""Lookups on PostgreSQL: small questions that every request asks, planned once a connection.

The driver's cursors cost as much as such a question itself.  Here the plan is asked for by name, through the driver's
own libpq: one call, in which other threads run, and the driver's loaders for what comes back.

And statements whose answer nobody needs: the server works on them while this program computes what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import generators
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGresult

from appliance.db.dialect import numbered


class _Plan:
    """A question that one connection's server has planned, and the loaders of its columns, which never change."""

    def __init__(self, name: bytes, connection: SchemaConnection) -> None:
        self.name, self._is_first = name, True
        self._rows: Any = Transformer(connection)

    def load(self, result: PGresult) -> list[tuple[Any, ...]]:
        """The rows of an answer, which is not kept."""
        self._rows.set_pgresult(result, set_loaders=self._is_first)
        self._is_first = False
        try:
            rows: list[tuple[Any, ...]] = self._rows.load_rows(0, result.ntuples, tuple)
            return rows
        finally:
            self._rows.set_pgresult(None, set_loaders=False)


class _Sent(NamedTuple):
    """A statement as the server takes it."""

    query: bytes
    values: Any  # the driver's own types leave out that a value may be null
    formats: list[int]

    @classmethod
    def of(cls, query: str, values: Sequence[bytes | str | int | float | None]) -> _Sent:
        """A statement whose parameters are ``?``.

        Raises
        ------
        psycopg.DataError : a text holds a NUL
        """
        written = [one if isinstance(one, bytes) else _sent(one) for one in values]
        formats = [Format.BINARY if isinstance(one, bytes) else Format.TEXT for one in values]
        return cls(numbered(query).encode(), written, list(map(int, formats)))


class SchemaConnection(psycopg.Connection[Any]):
    """A connection that knows which lookups its server has planned, and whether a statement is under way."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._plans: dict[str, _Plan] = {}
        self._is_under_way = False
        #: When its last session ended, by the monotonic clock.
        self.used_at = 0.0

    def send(self, query: str, values: Sequence[bytes | str | int | float | None] = ()) -> None:
        """Begin a statement whose parameters are ``?`` and whose answer nobody needs, after those that were begun so.

        Whatever else comes next on this connection waits for their end, and raises the first error.
        """
        sent = _Sent.of(query, values)
        if not self._is_under_way:
            self.pgconn.enter_pipeline_mode()
            self._is_under_way = True
        self._begin(sent)
        super().wait(generators.send(self.pgconn))

    def settle(self) -> None:
        """Wait for the end of the statements that are under way, if any is.

        Raises
        ------
        psycopg.Error : one failed, and those behind it were not begun
        """
        if self._is_under_way:
            for result in self._answers():
                self._require(result, ExecStatus.COMMAND_OK)

    def settle_for_good_or_ill(self) -> None:
        """The same, whether they failed or not: what they did will not stay."""
        with suppress(psycopg.Error):
            self.settle()

    def wait(self, *arguments: Any, **named: Any) -> Any:
        """What the driver does for every statement."""
        self.settle()
        return super().wait(*arguments, **named)

    def read_all(self, statements: Sequence[tuple[str, Sequence[str]]]) -> list[list[tuple[Any, ...]]]:
        """The rows of several questions whose parameters are ``?``, sent in one go.

        Raises
        ------
        psycopg.Error : one of them failed
        """
        sent = [_Sent.of(*statement) for statement in statements]
        self.settle()
        self.pgconn.enter_pipeline_mode()
        self._is_under_way = True
        for one in sent:
            self._begin(one)
        results = self._answers()
        for result in results:
            self._require(result, ExecStatus.TUPLES_OK)
        return [self._rows_of(result) for result in results]

    def _begin(self, one: _Sent) -> None:
        self.pgconn.send_query_params(
            one.query, one.values, param_formats=one.formats, result_format=Format.BINARY
        )  # fmt: skip

    def _answers(self) -> list[PGresult]:
        """What the server says of each statement that is under way; none is, afterwards."""
        results = list[PGresult]()
        self._is_under_way = False
        try:
            self.pgconn.pipeline_sync()
            super().wait(generators.send(self.pgconn))
            while not results or results[-1].status != ExecStatus.PIPELINE_SYNC:
                results += super().wait(generators.fetch_many(self.pgconn))
            self.pgconn.exit_pipeline_mode()
        except BaseException:  # the server is away, or a signal came: nobody can use what is left of the answers
            self.close()
            raise
        return results[:-1]

    def _rows_of(self, result: PGresult) -> list[tuple[Any, ...]]:
        reading: Any = Transformer(self)
        reading.set_pgresult(result)
        rows: list[tuple[Any, ...]] = reading.load_rows(0, result.ntuples, tuple)
        return rows

    def look_up(self, query: str, values: tuple[str | int | None, ...]) -> list[tuple[Any, ...]]:
        """The rows of a ``SELECT`` whose parameters are ``?``.

        Raises
        ------
        psycopg.Error : it failed; ``DataError`` : a text holds a NUL, which no row does
        """
        self.settle()
        plan = self._plans.get(query) or self._planned(query)
        sent: Any = [_sent(value) for value in values]  # the driver's own types leave out that a value may be null
        result = self.pgconn.exec_prepared(plan.name, sent, result_format=Format.BINARY)
        self._require(result, ExecStatus.TUPLES_OK)
        return plan.load(result)

    def discard(self) -> None:
        """Let the server forget what the session set, and every plan; it is done before whatever comes next."""
        self._plans.clear()
        self.send("DISCARD ALL")

    def _planned(self, query: str) -> _Plan:
        plan = _Plan(b"d2r_%d" % len(self._plans), self)
        self._require(self.pgconn.prepare(plan.name, numbered(query).encode()), ExecStatus.COMMAND_OK)
        self._plans[query] = plan
        return plan

    def _require(self, result: PGresult, status: ExecStatus) -> None:
        if result.status == status:
            return
        if self.pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message())
        raise error_from_result(result)


def _sent(value: str | float | None) -> bytes | None:
    """A parameter as text; the server takes it as the type that stands opposite."""
    if value is None:
        return None
    sent = str(value).encode()
    if b"\0" in sent:  # libpq would read it as the end
        raise psycopg.DataError("a text holds a NUL character")
    return sent
