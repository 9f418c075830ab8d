"""The SAML provider as the owner names it, the key of ours that goes with it, and the messages of it that counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.crypto.service_certificate import new_service_identity
from appliance.errors import NotFound
from appliance.identity.models import DirectoryRow
from appliance.identity.saml.models import SamlMessageRow
from appliance.identity.saml.own import Own, dump_identity, load_identity
from appliance.identity.saml.settings import IdentityProvider, SamlSettings, check, load
from appliance.identity.saml.trust import refused
from appliance.tenancy.records import Principal
from appliance.tenancy.site import Site

SOURCE: Final = "saml"
_CONTEXT: Final = "directory/saml"


@dataclass(frozen=True)
class Known:
    """The provider, our side towards it, and since when it is so."""

    settings: SamlSettings
    provider: IdentityProvider
    own: Own
    changed_at: str
    changed_by: str


def configure(site: Site, settings: SamlSettings, by: Principal, *, is_new_key: bool = False) -> Known:
    """Keep what is known of the provider; our key is made at the first time, and kept unless ``is_new_key``.

    Raises
    ------
    InvalidInput : something cannot be used
    """
    provider = check(settings)
    fresh = new_service_identity(site.settings.effective_public_url)  # before the transaction: primes take their time
    now = rfc3339_us(utc_now())
    with site.control_transaction():
        before = DirectoryRow.known(source=SOURCE)
        is_kept = before is not None and not is_new_key
        secret = bytes(before.secret) if is_kept else site.master.wrap(dump_identity(fresh), _CONTEXT)
        DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute()
        DirectoryRow.create(source=SOURCE, settings=settings.dump(), secret=secret, changed_at=now, changed_by=by.id)
        record(site, "directory.configured", {}, _facts(provider, is_new_key=not is_kept), by=by)
    known = known_of(site)
    assert known is not None  # it was just written
    return known


def known_of(site: Site) -> Known | None:
    """The provider; None where there is none."""
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    if row is None:
        return None
    settings = load(row.settings)
    own = Own(site.settings.effective_public_url, load_identity(site.master.unwrap(bytes(row.secret), _CONTEXT)))
    return Known(settings, check(settings), own, row.changed_at, row.changed_by)


def require_known(site: Site) -> Known:
    """The provider.

    Raises
    ------
    NotFound : there is none
    """
    known = known_of(site)
    if known is None:
        raise _missing()
    return known


def label_of(site: Site) -> str | None:
    """What stands on the button; None where there is no provider."""
    with site.control_session():
        row = DirectoryRow.known(source=SOURCE)
    return None if row is None else load(row.settings).label


def remove(site: Site, by: Principal) -> None:
    """Send nobody to the provider any more; our key is gone with it.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_transaction():
        if not DirectoryRow.delete().where(DirectoryRow.source == SOURCE).execute():
            raise _missing()
        record(site, "directory.removed", {}, {"source": SOURCE}, by=by)


def note_message(provider: IdentityProvider, message_id: str, expires_at: datetime) -> None:
    """Remember in the current control transaction that a message counted, for as long as it could count again.

    Raises
    ------
    Denied : it counted before, here or in another process
    """
    now = rfc3339_us(utc_now())
    SamlMessageRow.delete().where(SamlMessageRow.expires_at <= now).execute()
    name = sha256(f"{provider.entity_id}\n{message_id}".encode()).hexdigest()
    until = rfc3339_us(expires_at)
    if not SamlMessageRow.insert(sha256=name, expires_at=until).on_conflict_ignore().as_rowcount().execute():
        raise refused("it counted before")


def _facts(provider: IdentityProvider, *, is_new_key: bool) -> dict[str, Any]:
    keys = [facts.sha256 for facts in provider.facts()]
    return {"source": SOURCE, "issuer": provider.entity_id, "certificates": keys, "has_new_key": is_new_key}


def _missing() -> NotFound:
    return NotFound("saml.missing", "There is no SAML provider.", "Name one: d2r saml set.")
