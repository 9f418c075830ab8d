"""The matrix of roles: every route and every page with who may use it, written from the declarations that guard them.

``python -m web.roles`` writes docs/roles.md; a test holds each of its cells against what the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from appliance.tenancy.records import Role
from web.api.contract import API, READERS, WATCHERS
from web.api.v1 import AREAS
from web.console.routes import PAGES

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "roles.md"
#: Roles as columns; outside of workspaces nobody else can act.
ROLES: Final[tuple[Role, ...]] = ("owner", "supervisor", "operator", "auditor", "service", "device", "plant-it")
#: Whoever can sign in to the console.
_SIGNED_IN: Final = READERS | WATCHERS
_HEAD: Final = """# Who may do what

Written by `python -m web.roles` from the declarations that guard routes and pages; `tests/web/test_roles.py` holds each
cell against the server. Whatever has no row is refused to everybody. A workspace of which somebody is no member is not
there for them, whatever their role elsewhere. Beside workspaces (`/api/v1/directory`, pages below `/console/-/`) it is
the role in the appliance as a whole that counts: the owner of a workspace is nobody there. A key or token under scopes
may do what its role may and its scopes name; one without may do all that its role may. Roles are explained in
[api](api.md), how people get them in [identity](identity.md).
"""


def matrix() -> Iterator[tuple[str, str, str, str, frozenset[str] | None]]:
    """Part, name, method and address, scope, roles (None: anybody)."""
    for area in AREAS:
        for route in area:
            scope = f"`{route.scope}`" if route.scope else ""
            yield f"API: {area.name}", route.name, f"{route.method} {API}{route.path}", scope, route.roles
    for page in PAGES:
        address = page.rule.replace("<", "{").replace(">", "}")
        yield "Console", f"console.{page.name}", f"{page.method} {address}", "", page.roles or _SIGNED_IN


def roles_document() -> str:
    """docs/roles.md as it must be."""
    lines, part = [_HEAD], ""
    for found, _, address, scope, roles in matrix():
        if found != part:
            part = found
            lines += [f"\n## {part}\n", f"| | scope | {' | '.join(ROLES)} |", f"|---|---|{'---|' * len(ROLES)}"]
        cells = [scope, *("✔" if roles is None or role in roles else "" for role in ROLES)]
        lines.append(f"| `{address}` | {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(roles_document())
