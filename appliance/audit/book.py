"""The book of one workspace, or of the control plane: its log, who writes in it, what seals personal data beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from appliance.audit.database_log import DatabaseLog
from appliance.audit.rows import Rows
from appliance.core.clock import utc_now
from appliance.crypto.aead import open_small, seal_small
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

#: (secret, context) -> sealed, and back.
Sealing = Callable[[bytes, str], bytes]


@dataclass(frozen=True)
class Book:
    """A log and the side tables of its database.

    Attributes
    ----------
    principal : who acts, unless a call names somebody else
    wrap, unwrap : seal under the key of the workspace, or under the master key
    """

    log: DatabaseLog
    principal: Principal
    wrap: Sealing = field(repr=False)
    unwrap: Sealing = field(repr=False)
    clock: Callable[[], datetime] = utc_now

    @property
    def rows(self) -> Rows:
        """The database that holds the log and the side tables."""
        return self.log.tables.rows

    @classmethod
    def of_workspace(cls, scope: WorkspaceScope) -> Book:
        """The book of a workspace; personal data is sealed under the workspace's data key."""
        key = scope.data_key
        return cls(
            DatabaseLog.of(scope),
            scope.principal,
            lambda secret, context: seal_small(key, secret, context),
            lambda sealed, context: open_small(key, sealed, context),
        )

    @classmethod
    def of_control(cls, site: Site) -> Book:
        """The book of the control plane; personal data is sealed under the master key."""
        return cls(DatabaseLog.of_control(site), SYSTEM, site.master.wrap, site.master.unwrap)


#: Wherever something happens that is recorded.
Where: TypeAlias = Book | WorkspaceScope | Site


def book_of(where: Where) -> Book:
    """The book of a scope, or of the control plane of a site."""
    if isinstance(where, Book):
        return where
    return Book.of_workspace(where) if isinstance(where, WorkspaceScope) else Book.of_control(where)
