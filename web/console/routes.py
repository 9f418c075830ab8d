"""Which pages there are: name, method, address, who may see it, view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from web.api.contract import ADMINISTRATORS, EDITORS, READERS, REQUESTERS, WATCHERS
from web.console import administration, views

View: TypeAlias = Callable[..., Any]

_S: Final = "/console/<slug>"
_I: Final = f"{_S}/inspections/<inspection_id>"

#: Pages of a workspace.
PAGES: Final[tuple[tuple[str, str, str, frozenset[str], View], ...]] = (
    ("assets", "GET", f"{_S}/", READERS, views.assets),
    ("asset", "GET", f"{_S}/assets/<asset>", READERS, views.asset),
    ("inspection", "GET", _I, READERS, views.inspection),
    ("report_file", "GET", f"{_I}/<name>", READERS, views.report_file),
    ("quarantine", "GET", f"{_S}/quarantine", READERS, views.quarantine),
    ("act_on_inspection", "POST", f"{_I}/<act>", REQUESTERS, views.act_on_inspection),
    ("act_on_scan", "POST", f"{_S}/quarantine/<scan_id>/<act>", EDITORS, views.act_on_scan),
    ("live_ticket", "POST", f"{_S}/live-ticket", READERS, views.live_ticket),
)
#: No workspace has this name.
_A: Final = "/console/-"
#: Who looks after the appliance as a whole; plant-it changes nothing that decides who may come in.
KEEPERS: Final = ADMINISTRATORS | WATCHERS
#: Pages of the appliance as a whole, for those who have a role in it.
OWN_PAGES: Final[tuple[tuple[str, str, str, frozenset[str], View], ...]] = (
    ("people", "GET", f"{_A}/people", KEEPERS, administration.people),
    ("act_on_person", "POST", f"{_A}/people/<user_id>/<act>", ADMINISTRATORS, administration.act_on_person),
    ("act_on_session", "POST", f"{_A}/sessions/<session_id>/end", ADMINISTRATORS, administration.end_a_session),
    ("directory", "GET", f"{_A}/directory", KEEPERS, administration.directory),
    ("set_directory", "POST", f"{_A}/directory", ADMINISTRATORS, administration.set_directory),
    ("test_directory", "POST", f"{_A}/directory/test", KEEPERS, administration.test_directory),
    ("remove_directory", "POST", f"{_A}/directory/remove", ADMINISTRATORS, administration.remove_directory),
    ("give_group_role", "POST", f"{_A}/directory/groups", ADMINISTRATORS, administration.give_group_role),
    (
        "take_group_role", "POST", f"{_A}/directory/groups/<group_role_id>/take", ADMINISTRATORS,
        administration.take_group_role,
    ),
)  # fmt: skip
