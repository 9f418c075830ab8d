"""What a route promises, declared once: who may call it, what it takes, what it answers.

The same declaration guards the route, parses the request, shapes the answer and writes the OpenAPI document,
so the document cannot say anything else than the code does.  A view receives what it declared and nothing else:

    @area.route("GET", "/workspaces/{slug}/assets/{asset}", roles=READERS, answer=AssetOut, summary="One asset")
    def get_asset(call: Call, asset: str) -> Asset: ...

Order of a request, each step of which may end it: 1. the route is declared; 2. the caller is known and within its rate;
3. the workspace is the caller's; 4. role and scopes may; 5. query, body and condition have their form; 6. the view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, TypeVar

from flask import g
from pydantic import BaseModel

from appliance.tenancy.records import Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from web.api.forms import Model as Model
from web.api.forms import Page
from web.api.headers import Header

API: Final = "/api/v1"

#: Roles that read inspection data.
READERS: Final = frozenset({"owner", "supervisor", "operator", "auditor", "service"})
#: Roles that change what is inspected and how, and decide about evidence.
EDITORS: Final = frozenset({"owner", "supervisor"})
#: Roles that ask for work on what is there: replays, retries.
REQUESTERS: Final = EDITORS | {"operator", "service"}
#: Roles that bring scans in.
SENDERS: Final = frozenset({"owner", "supervisor", "operator", "device", "service"})
#: Devices read what becomes of what they sent.
SENDERS_AND_READERS: Final = SENDERS | READERS
#: Roles that read the audit log entry by entry, verify it and carry it to witnesses.
AUDITORS: Final = frozenset({"owner", "auditor"})
#: Roles that administer a workspace: keys, devices, persons.
ADMINISTRATORS: Final = frozenset({"owner"})
#: Roles that let a new device in.
ENROLLERS: Final = EDITORS | {"operator"}
#: What speaks for itself alone.
DEVICES: Final = frozenset({"device"})
#: Roles that watch the machine, beside the appliance's owner.
WATCHERS: Final = frozenset({"plant-it"})
EVERYONE: Final = READERS | SENDERS | WATCHERS
#: Whoever is known, people outside of their workspaces too: what is about the caller alone.
KNOWN: Final = EVERYONE | {"member"}


@dataclass(frozen=True)
class Call:
    """One request on its way into a view.

    ``scope`` is there on workspace routes; ``query`` and ``body`` where the route declared them; ``seen`` where it asks
    for ``If-Match``: the versions that the caller looked at, None for whichever is there.
    """

    site: Site
    principal: Principal | None
    _scope: WorkspaceScope | None = None
    query: Any = None
    body: Any = None
    route: Route | None = None
    seen: frozenset[str] | None = None

    @property
    def scope(self) -> WorkspaceScope:
        """The workspace of the request."""
        if self._scope is None:
            raise RuntimeError("this route has no workspace")
        return self._scope

    @property
    def caller(self) -> Principal:
        """Who calls."""
        if self.principal is None:
            raise RuntimeError("this route is public")
        return self.principal

    def made(self, place: str) -> None:
        """Name where in the workspace the thing lies that this request made: ``assets/ast_...``."""
        g.location = f"{API}/workspaces/{self.scope.slug}/{place}"


View = Callable[..., Any]
Declared = TypeVar("Declared", bound=View)


@dataclass(frozen=True)
class Retirement:
    """A route that is on its way out: since when, until when it answers at the least, and what takes its place."""

    deprecated: datetime
    sunset: datetime
    successor: str = ""


@dataclass(frozen=True)
class Route:
    """A declared route; ``path`` is relative to ``/api/v1`` and holds its parameters in braces.

    Attributes
    ----------
    roles : who may call; None for a public route
    body : model of a JSON body; ``takes``: media types of a body that the view itself reads; ``may_take``: of one that
        the view checks too, and that need not be there
    answer : model of the JSON answer; None where there is none (204) or it has another ``media_type``
    errors : statuses beside those that every route may answer
    version : field of the answer that differs after every change that a caller can make, on things that can be changed
    if_match : whether the caller must say which version it looked at (``If-Match``)
    once : the database of the work that an ``Idempotency-Key`` keeps from being done twice; None: takes no key
    shows_secret : whether the answer holds a secret, which is not shown again to whoever repeats the request
    proves : of a public route, whether what it takes proves something: refusals are counted like wrong keys
    retirement : said in every answer of a route that clients shall leave
    parts : names of the files that a form holds, of which the first must be there
    is_download : whether the answer is a file to keep rather than a text to show
    asks : whether a POST changes nothing: a question too long for an address, or one with a secret as its answer
    about_caller : whether it is about the caller alone, so that scopes do not bound it
    takes_headers, gives_headers : beside those that follow from the rest; the view reads and writes them itself
    """

    method: str
    path: str
    view: View
    summary: str
    roles: frozenset[str] | None
    query: type[Model] | None = None
    body: type[Model] | None = None
    takes: tuple[str, ...] = ()
    may_take: tuple[str, ...] = ()
    answer: type[BaseModel] | None = None
    status: int = 200
    media_type: str = "application/json"
    errors: tuple[int, ...] = ()
    version: str | None = None
    if_match: bool = False
    once: Literal["workspace", "control"] | None = None
    shows_secret: bool = False
    proves: bool = False
    retirement: Retirement | None = None
    parts: tuple[str, ...] = ()
    is_download: bool = False
    asks: bool = False
    about_caller: bool = False
    takes_headers: tuple[Header, ...] = ()
    gives_headers: tuple[Header, ...] = ()
    area: str = ""

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def is_tagged(self) -> bool:
        """Whether the answer is one thing, which bears an entity tag; pages of lists do not."""
        is_one = self.answer is not None and not issubclass(self.answer, Page)
        return is_one and (self.method == "GET" or self.if_match)

    @cached_property
    def is_sparse(self) -> bool:
        """Whether the caller may name the fields that it wants (``sparse``)."""
        return self.method == "GET" and self.answer is not None

    @cached_property
    def scope(self) -> str:
        """What a key or token under scopes must have to call, such as ``assets:read``; empty: nothing."""
        if self.about_caller or self.roles is None:
            return ""
        return f"{self.area}:{'read' if self.asks or self.method in ('GET', 'HEAD') else 'write'}"

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return self.path.replace("{", "<").replace("}", ">")

    @property
    def name(self) -> str:
        """A stable name: ``assets.get_asset``."""
        return f"{self.area}.{self.view.__name__}"


@dataclass
class Area:
    """The routes of one subject."""

    name: str
    description: str
    routes: list[Route] = field(default_factory=list)

    def route(
        self, method: str, path: str, *, roles: frozenset[str] | None, summary: str, **more: Any
    ) -> Callable[[Declared], Declared]:
        """Declare a route; the view stays as it is."""

        def declare(view: Declared) -> Declared:
            self.routes.append(Route(method, path, view, summary, roles, area=self.name, **more))
            return view

        return declare

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)
