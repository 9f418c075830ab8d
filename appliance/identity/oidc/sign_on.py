"""Signing in through an OpenID provider: the browser is sent there, and comes back once.

What the browser holds meanwhile, and brings back in the address too, names a row with the nonce and the verifier of
this login (RFC 7636): a code that was stolen, or that another browser brings, opens nothing.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.identity.models import DirectoryRow, ForeignLoginRow
from appliance.identity.oidc import lasting
from appliance.identity.oidc.provider import LEEWAY_S, Provider
from appliance.identity.oidc.settings import OidcSettings, check, load
from appliance.identity.records import Vouched
from appliance.identity.users import admit
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

SOURCE: Final = "oidc"
CALLBACK: Final = "/console/login/oidc/back"
#: How long somebody may take to sign in elsewhere.
BACK_WITHIN: Final = timedelta(minutes=10)
#: The source of a login in which the password had to be shown.
_AGAIN: Final = "oidc-again"
_CONTEXT: Final = "directory/oidc"
_VERIFIER: Final = "oidc/verifier"
_MOST_GROUPS: Final = 2_000
_TEXT_CHARACTERS: Final = 256
_BYTES: Final = 32

#: Providers by what is known of them: their configuration and keys are worth keeping.
_providers: dict[tuple[str, str, str], Provider] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class SignOn:
    """The settings of the provider, and since when they are so."""

    settings: OidcSettings
    redirect_uri: str
    changed_at: str
    changed_by: str


def configure(site: Site, settings: OidcSettings, secret: str | None, by: Principal) -> SignOn:
    """Keep how the provider is reached; without a secret the one before stays, for the same provider and client.

    Raises
    ------
    InvalidInput : something cannot be used, or there is no secret yet
    """
    check(settings)
    now = rfc3339_us(utc_now())
    with site.control_transaction():
        before = DirectoryRow.known(source=SOURCE)
        if secret is None and (before is None or not _is_same_client(load(before.settings), settings)):
            raise InvalidInput("oidc.secret", "The secret of the client is missing.", "Name it once more.")
        wrapped = before.secret if secret is None else site.master.wrap(secret.encode(), _CONTEXT)
        DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute()
        DirectoryRow.create(source=SOURCE, settings=settings.dump(), secret=wrapped, changed_at=now, changed_by=by.id)
        facts = {"source": SOURCE, "issuer": settings.issuer, "client_id": settings.client_id}
        record(site, "directory.configured", {}, facts, by=by)
    return SignOn(settings, _redirect_uri(site), now, by.id)


def sign_on_of(site: Site) -> SignOn | None:
    """The provider; None where there is none."""
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    return None if row is None else SignOn(load(row.settings), _redirect_uri(site), row.changed_at, row.changed_by)


def remove(site: Site, by: Principal) -> None:
    """Send nobody to the provider any more.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_transaction():
        if not DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute():
            raise NotFound("oidc.missing", "There is no OpenID provider.", "Name one: d2r oidc set.")
        record(site, "directory.removed", {}, {"source": SOURCE}, by=by)


def probe(site: Site) -> dict[str, Any]:
    """What the provider says about itself now.

    Raises
    ------
    NotFound : there is none
    Unavailable, Misconfigured : it does not answer, or not as it should
    """
    found = _provider(site).configuration()
    return {name: found[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")}


def begin(site: Site, *, is_again: bool = False) -> tuple[str, str]:
    """Where the browser goes, and what it holds until it comes back.

    ``is_again`` : the provider is to ask for the password, also of somebody whom it knows

    Raises
    ------
    NotFound, Unavailable, Misconfigured : as ``probe``
    """
    provider = _provider(site)
    state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    address = provider.address(state, nonce, verifier, is_again=is_again)
    now = utc_now()
    with site.control_transaction():
        ForeignLoginRow.delete().where(ForeignLoginRow.expires_at <= rfc3339_us(now)).execute()
        ForeignLoginRow.create(
            sha256=hash_of_secret(state), source=_AGAIN if is_again else SOURCE, nonce=nonce,
            expires_at=rfc3339_us(now + BACK_WITHIN), verifier=site.master.wrap(verifier.encode(), _VERIFIER),
        )  # fmt: skip
    return address, state


def finish(site: Site, held: str, query: Mapping[str, str]) -> tuple[Principal, bool]:
    """Who came back from the provider, with the roles of their groups; and whether the password was shown just now.

    Parameters
    ----------
    held : what the browser held meanwhile
    query : what the provider sent along

    Raises
    ------
    Denied : the browser was not sent by us, came twice or too late, or the provider proves nothing; or no role
    Unavailable, Misconfigured : as ``probe``
    """
    try:
        vouched, is_fresh, token = _back(site, held, query)
        principal = admit(site, vouched)
    except Denied as error:
        why = getattr(error, "__notes__", [""])[0]
        log.warning("a login through OpenID was refused: %s %s", error.code, why)
        record(site, "login.refused", {}, {"source": SOURCE, "reason": error.code})
        raise
    lasting.keep(site, principal.id, token)
    return principal, is_fresh


def look_again(site: Site, refresh_token: str, subject: str) -> tuple[Vouched | None, str]:
    """What the provider says now of a person known by ``subject``, and the refresh token for the next time.

    None where it says nothing of their groups: then it says nothing of what they may.

    Raises
    ------
    Denied : it vouches for them no more
    Unavailable, Misconfigured, NotFound : as ``probe``
    """
    provider, settings = _provider(site), _settings(site)
    issuer, _, own = subject.rpartition("#")
    if issuer != settings.issuer:
        raise Denied("oidc.refused", "This person came through another provider.")
    claims, following = provider.look_again(refresh_token, own)
    return (_vouched(settings, claims) if settings.groups_claim in claims else None), following


def _back(site: Site, held: str, query: Mapping[str, str]) -> tuple[Vouched, bool, str | None]:
    state = query.get("state", "")
    if not held or not hmac.compare_digest(hash_of_secret(held), hash_of_secret(state)):
        raise _foreign()
    with site.control_transaction():
        row = ForeignLoginRow.known(sha256=hash_of_secret(state))
        if row is not None and not row.delete_instance():
            row = None  # somebody else was faster
    if row is None or row.expires_at <= rfc3339_us(utc_now()):
        raise _foreign()
    if "error" in query or not query.get("code"):
        raise Denied("oidc.refused", "The provider let nobody in.", "Try again, or ask plant IT.")
    provider, settings = _provider(site), _settings(site)
    if query.get("iss", settings.issuer) != settings.issuer:
        raise _foreign()
    verifier = site.master.unwrap(bytes(row.verifier), _VERIFIER).decode()
    claims, token = provider.signed_in(query["code"], row.nonce, verifier)
    if row.source == _AGAIN and not _is_fresh(claims, row.expires_at):
        raise Denied("oidc.stale", "The provider did not ask for the password.", "Sign out there, and try again.")
    return _vouched(settings, claims), row.source == _AGAIN, token


def _vouched(settings: OidcSettings, claims: Mapping[str, Any]) -> Vouched:
    """The person of verified claims; known for good by issuer and subject."""
    subject = f"{settings.issuer}#{claims['sub']}"
    login = _text(claims.get(settings.login_claim)) or _text(claims["sub"])
    groups = claims.get(settings.groups_claim)
    told = groups if isinstance(groups, list) else [groups] if isinstance(groups, str) else []
    names = tuple(name for name in told[:_MOST_GROUPS] if isinstance(name, str))
    return Vouched(SOURCE, subject, login, _text(claims.get(settings.name_claim)) or login, names)


def _is_fresh(claims: Mapping[str, Any], expires_at: str) -> bool:
    """Whether the password was shown since this login began: what stands in the address, anybody can take away."""
    began = datetime.fromisoformat(expires_at) - BACK_WITHIN
    shown = claims.get("auth_time")
    return isinstance(shown, int) and shown >= began.timestamp() - LEEWAY_S


def _text(value: object) -> str:
    plain = value if isinstance(value, str) else ""
    return "".join(character for character in plain if character.isprintable())[:_TEXT_CHARACTERS].strip()


def _provider(site: Site) -> Provider:
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    if row is None:
        raise NotFound("oidc.missing", "There is no OpenID provider.", "Name one: d2r oidc set.")
    key = (row.settings, row.changed_at, _redirect_uri(site))
    with _lock:
        if key not in _providers:
            secret = site.master.unwrap(bytes(row.secret), _CONTEXT).decode()
            _providers.clear()
            _providers[key] = Provider(load(row.settings), secret, key[2])
        return _providers[key]


def _settings(site: Site) -> OidcSettings:
    known = sign_on_of(site)
    if known is None:
        raise NotFound("oidc.missing", "There is no OpenID provider.", "Name one: d2r oidc set.")
    return known.settings


def _redirect_uri(site: Site) -> str:
    return site.settings.effective_public_url + CALLBACK


def _is_same_client(before: OidcSettings, now: OidcSettings) -> bool:
    """Whether a kept secret still goes to the same provider: it is shown to no other."""
    return (before.issuer, before.client_id, before.ca_pem) == (now.issuer, now.client_id, now.ca_pem)


def _foreign() -> Denied:
    return Denied("oidc.foreign", "This login was not begun here, or too long ago.", "Begin again.")
