"""Which database a query goes to: the one whose session is open here, and else none.

A route is one kind of database (control, workspace).  A session puts its engine on the route of the running context
(thread or task); every query of the route's models goes to that engine.  Outside of a session there is no database to
go to, so a query that forgot its scope fails loudly instead of reading somebody else's rows.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

from peewee import Proxy


class ScopeMissing(RuntimeError):
    """A query, or a fetch of its rows, outside of the scope that it belongs to: a fault of the program."""


class ScopeConflict(RuntimeError):
    """One scope entered inside another, or a row of one saved in another: a fault of the program."""


class Routed(Protocol):
    """What a route leads to."""

    name: str
    database: Any


class _Frame(NamedTuple):
    """One entered session; ``outer`` is the frame that it stands in."""

    engine: Routed
    outer: _Frame | None


class Route(Proxy):  # type: ignore[misc]
    """The way from models to the database of the running context.

    To the models it stands in for a database: every attribute comes from the one that is open here.
    """

    __slots__ = ("_frame", "kind")
    kind: str
    _frame: ContextVar[_Frame | None]

    def __init__(self, kind: str) -> None:
        object.__setattr__(self, "_callbacks", [])
        object.__setattr__(self, "obj", None)
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "_frame", ContextVar(f"d2r-{kind}", default=None))

    def engine(self) -> Any:
        """The engine whose session is open here, or None."""
        frame = self._frame.get()
        return frame and frame.engine

    def require(self) -> Any:
        """The engine whose session is open here.

        Raises
        ------
        ScopeMissing : none is
        """
        frame = self._frame.get()
        if frame is None:
            raise ScopeMissing(f"a query of the {self.kind} database outside of a scope")
        return frame.engine

    def enter(self, engine: Routed) -> None:
        """Lead to ``engine`` from here on.

        Raises
        ------
        ScopeConflict : the route leads to another engine
        """
        outer = self._frame.get()
        if outer is not None and outer.engine is not engine:
            raise ScopeConflict(f"the scope of {engine.name} inside the scope of {outer.engine.name}")
        self._frame.set(_Frame(engine, outer))

    def leave(self) -> None:
        """Lead to where the route led before the latest ``enter``."""
        frame = self._frame.get()
        self._frame.set(frame and frame.outer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.require().database, name)


CONTROL = Route("control")
WORKSPACE = Route("workspace")
