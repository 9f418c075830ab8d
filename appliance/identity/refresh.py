"""People who are signed in or have tokens, held against their directory from time to time: who left is out in minutes.

A directory that does not answer changes nothing: sessions end by their age, and the next look may find it again.
"""

from __future__ import annotations

import logging

from appliance.core.ids import is_id
from appliance.errors import D2RError, Denied, Unavailable
from appliance.identity.ldap import directory
from appliance.identity.records import User
from appliance.identity.sessions import list_sessions
from appliance.identity.tokens.personal import list_personal_tokens
from appliance.identity.users import admit, find_user, withdraw
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)


def refresh_people(site: Site) -> int:
    """Ask the directory about everybody with a session or a token; returns how many lost their last role."""
    entitled = {row.principal_id for row in list_sessions(site)} | {row.user_id for row in list_personal_tokens(site)}
    present = sorted(one for one in entitled if is_id(one, "usr"))
    people = [user for user in (find_user(site, user_id) for user_id in present) if user.source == directory.SOURCE]
    if not people or directory.directory_of(site) is None:
        return 0
    lost = 0
    for user in people:
        try:
            lost += not _is_still_known(site, user)
        except Unavailable as error:
            log.warning("people are not held against the directory: %s [%s]", error, error.code)
            break
        except D2RError as error:
            log.error("a person is not held against the directory: %s [%s]", error, error.code)
    return lost


def _is_still_known(site: Site, user: User) -> bool:
    found = directory.look_up(site, user.login)
    if found is None or found.subject != user.subject:
        log.warning("somebody who is signed in is not in the directory any more")
        withdraw(site, user.id)
        return False
    try:
        admit(site, found, is_login=False)
    except Denied:
        return False
    return True
