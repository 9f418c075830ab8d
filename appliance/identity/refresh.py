"""People who are signed in or have tokens, asked about from time to time: whoever left the plant is out in minutes.

The directory is asked by the account that searches, the OpenID provider by the refresh token that came with the latest
login, where it gives one.  What they say counts as at a login.  A refresh token that is taken no more means that the
provider vouches for the person no more: their roles go, their sessions open nothing, and the next login brings both
back.  Who does not answer changes nothing: sessions end by their age, and the next look may find it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance.core.ids import is_id
from appliance.errors import D2RError, Denied, Unavailable
from appliance.identity.ldap import directory
from appliance.identity.oidc import lasting, sign_on
from appliance.identity.records import User
from appliance.identity.sessions import list_sessions
from appliance.identity.tokens.personal import list_personal_tokens
from appliance.identity.users import admit, find_user, withdraw
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)


def refresh_people(site: Site) -> int:
    """Ask about everybody with a session or a token; returns how many lost their last role."""
    entitled = {row.principal_id for row in list_sessions(site)} | {row.user_id for row in list_personal_tokens(site)}
    people = [find_user(site, one) for one in sorted(entitled) if is_id(one, "usr")]
    lost = 0
    if directory.directory_of(site) is not None:
        lost += _asked(site, people, directory.SOURCE, _is_in_directory)
    if sign_on.sign_on_of(site) is not None:
        lost += _asked(site, people, sign_on.SOURCE, _is_vouched_for)
    return lost


def _asked(site: Site, people: list[User], source: str, is_known: Callable[[Site, User], bool]) -> int:
    """Ask one source about its people, until it does not answer; returns how many it does not know any more."""
    lost = 0
    for user in people:
        if user.source != source:
            continue
        try:
            lost += not is_known(site, user)
        except Unavailable as error:
            log.warning("people are not asked about: %s [%s]", error, error.code)
            break
        except D2RError as error:
            log.error("a person is not asked about: %s [%s]", error, error.code)
    return lost


def _is_in_directory(site: Site, user: User) -> bool:
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


def _is_vouched_for(site: Site, user: User) -> bool:
    token = lasting.kept(site, user.id)
    if token is None:
        return True
    try:
        vouched, following = sign_on.look_again(site, token, user.subject)
    except Denied:
        log.warning("the provider vouches no more for somebody who is signed in")
        lasting.keep(site, user.id, None)
        withdraw(site, user.id)
        return False
    lasting.keep(site, user.id, following)
    try:
        if vouched is not None:
            admit(site, vouched, is_login=False)
    except Denied:
        return False
    return True
