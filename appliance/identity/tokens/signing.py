"""Access tokens as texts (RFC 9068): signed with Ed25519, read against a list of what may stand in them.

A token counts, in this order: 1. it is short, and of three parts; 2. its head says the one algorithm, the one type and
a key of ours, and nothing else: no key of its own, no extension, no address; 3. that key signed it; 4. issuer, audience
and times are right.  Whether its grant still counts is asked elsewhere (``access``).

Keys stand in the control database, their private halves wrapped by the master key.  The latest signs; those before it
are believed as long as tokens of theirs can last.
"""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Denied, InvalidInput
from appliance.identity.key_holders import is_over
from appliance.identity.tokens.models import TokenKeyRow
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

log = logging.getLogger(__name__)

#: EdDSA with Ed25519, as RFC 9864 names it.
ALGORITHM: Final = "Ed25519"
TYPE: Final = "at+jwt"
LIFETIME: Final = timedelta(minutes=10)
#: Clocks of the machines of one appliance may differ this much.
LEEWAY: Final = timedelta(seconds=30)
#: A key signs for so long.
KEY_LIFETIME: Final = timedelta(days=30)
_LONGEST: Final = 2_048
_CONTEXT: Final = "token-key"
_REGISTRY: Final = JWSRegistry(algorithms=[ALGORITHM])
_CLAIMS: Final = {"iss": str, "aud": str, "sub": str, "client_id": str, "sid": str, "jti": str, "iat": int, "exp": int}


@dataclass(frozen=True)
class Claims:
    """What an access token says: of whom it is, from what, in which grant, until when."""

    subject: str
    client: str
    grant: str
    expires_at: datetime


def issuer_of(site: Site) -> str:
    """What this appliance calls itself in tokens; their audience is its API."""
    return site.settings.effective_public_url


def audience_of(site: Site) -> str:
    """What tokens are for."""
    return f"{issuer_of(site)}/api/v1"


def sign(site: Site, claims: dict[str, Any]) -> str:
    """An access token that says ``claims``, beside issuer, audience and times."""
    now = utc_now()
    row = _signing_row(site)
    key = OKPKey.import_key(loads_strict(site.master.unwrap(bytes(row.wrapped), f"{_CONTEXT}/{row.kid}")))
    times = {"iat": int(now.timestamp()), "exp": int((now + LIFETIME).timestamp())}
    told = {"iss": issuer_of(site), "aud": audience_of(site), **times, **claims}
    return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": row.kid}, told, key, registry=_REGISTRY)


def read(site: Site, token: str) -> Claims:
    """What an access token of ours says.

    Raises
    ------
    Denied : it is none, or not in its time
    """
    try:
        # 1. Short, and of three parts.
        if len(token) > _LONGEST or token.count(".") != 2 or not token.isascii():
            raise refused("it is no token")
        # 2. The head.
        key = _key_of(site, token.partition(".")[0])
        # 3. The signature.
        told = jwt.decode(token, key, registry=_REGISTRY).claims
    except (JoseError, InvalidInput, ValueError, TypeError, KeyError) as error:
        raise refused(f"{type(error).__name__}") from error
    # 4. Issuer, audience, times.
    return _checked(site, told)


def jwk_set(site: Site) -> dict[str, Any]:
    """The public halves of the keys that are believed, as a set (RFC 7517)."""
    return {"keys": [loads_strict(row.public) for row in _rows(site) if not is_over(row.ends_at)]}


def rotate_keys(site: Site, by: Principal, *, at_once: bool = False) -> str:
    """Sign with another key from now on; returns its name.

    ``at_once`` : believe those before no more, as when one was stolen; else as long as their tokens last
    """
    with site.control_transaction():
        row = _new_key(site, by)
        until = rfc3339_us(utc_now() + (timedelta() if at_once else LIFETIME + LEEWAY))
        earlier = TokenKeyRow.ends_at.is_null() | (TokenKeyRow.ends_at > until)
        TokenKeyRow.update(ends_at=until, wrapped=None).where(TokenKeyRow.kid != row.kid, earlier).execute()
        TokenKeyRow.delete().where(TokenKeyRow.ends_at <= rfc3339_us(utc_now() - KEY_LIFETIME)).execute()
    return str(row.kid)


def refused(why: str) -> Denied:
    """``why`` goes to the log alone."""
    log.warning("an access token is refused: %s", why)
    return Denied("token.refused", "This token is not known, is over or was revoked.", "Ask for another one.")


def _key_of(site: Site, head: str) -> OKPKey:
    header = loads_strict(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    if not isinstance(header, dict) or set(header) != {"alg", "typ", "kid"}:
        raise refused("its head says something else")
    if header["alg"] != ALGORITHM or str(header["typ"]).lower() not in (TYPE, f"application/{TYPE}"):
        raise refused("it is of another kind")
    with site.control_session():
        row = TokenKeyRow.known(kid=str(header["kid"]))
    if row is None or is_over(row.ends_at):
        raise refused("its key is not believed")
    return OKPKey.import_key(loads_strict(row.public))


def _checked(site: Site, told: dict[str, Any]) -> Claims:
    if any(type(told.get(name)) is not kind for name, kind in _CLAIMS.items()):
        raise refused("a claim is missing")
    if told["iss"] != issuer_of(site) or told["aud"] != audience_of(site):
        raise refused("it is for somebody else")
    now = utc_now().timestamp()
    if told["exp"] <= now or told["exp"] - told["iat"] > LIFETIME.total_seconds():
        raise refused("it is over")
    if max(told["iat"], told.get("nbf", 0)) > now + LEEWAY.total_seconds():
        raise refused("its time has not come")
    until = datetime.fromtimestamp(told["exp"], utc_now().tzinfo)
    return Claims(told["sub"], told["client_id"], told["sid"], until)


def _signing_row(site: Site) -> Any:
    """The key that signs; made where there is none, or where the one before has signed for long enough."""
    row = _latest(site)
    if row is None or row.created_at <= rfc3339_us(utc_now() - KEY_LIFETIME):
        with site.control_transaction():  # whoever came first has made it
            row = _latest(site)
            if row is None or row.created_at <= rfc3339_us(utc_now() - KEY_LIFETIME):
                rotate_keys(site, SYSTEM)
                row = _latest(site)
    return row


def _latest(site: Site) -> Any:
    return next((row for row in _rows(site) if row.ends_at is None), None)


def _rows(site: Site) -> list[TokenKeyRow]:
    with site.control_session():
        return list(TokenKeyRow.select().order_by(TokenKeyRow.created_at.desc()))


def _new_key(site: Site, by: Principal) -> Any:
    key = OKPKey.generate_key("Ed25519")
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM, "use": "sig"}
    wrapped = site.master.wrap(canonical_bytes(key.as_dict(private=True)), f"{_CONTEXT}/{kid}")
    record(site, "token_key.made", {}, {"kid": kid}, by=by)
    return TokenKeyRow.create(
        kid=kid, public=canonical_bytes(public).decode(), wrapped=wrapped, created_at=rfc3339_us(utc_now())
    )
