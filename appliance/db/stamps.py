"""The stamp of a workspace's database: a row that every transaction replaces which changed anything.

It is committed with the change itself, so that it is exact where ``appliance.db.commits`` is quick: whoever read the
same stamp before and after a question was answered from one state, and whoever reads it again later knows that the
state is still the same.  Stamps are drawn, not counted: a database that was restored does not come to old ones again.
"""

from __future__ import annotations

import secrets
from typing import Final

from appliance.db.routing import Route

#: Databases of this kind have one.
_KIND: Final = "workspace"
READ: Final = "SELECT stamp FROM change_stamp"
REPLACE: Final = "UPDATE change_stamp SET stamp = ?"
_BITS: Final = 63


def has_stamp(route: Route) -> bool:
    """Whether the databases of a route have a stamp."""
    return route.kind == _KIND


def new_stamp() -> int:
    """A stamp that no state had before."""
    return secrets.randbits(_BITS)
