"""What the commands of ``d2r audit`` open: the logs of a data folder, or of a copied database file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from appliance.audit.database_log import DatabaseLog
    from appliance.crypto.vkey import VerifierKey
    from appliance.tenancy.records import Principal
    from appliance.tenancy.scope import WorkspaceScope
    from appliance.tenancy.site import Site

#: What ``--workspace`` calls the log of the appliance itself.
CONTROL: Final = "control"


@contextmanager
def open_site(data: Path | None) -> Iterator[Site]:
    from appliance.config.settings import load_settings
    from appliance.tenancy.site import Site

    with Site.open(load_settings(data)) as site:
        yield site


@contextmanager
def open_log(data: Path | None, slug: str) -> Iterator[DatabaseLog]:
    with open_site(data) as site:
        yield log_of(site, slug)


@contextmanager
def logs_to_verify(
    data: Path | None, slug: str | None, database: Path | None, trust: Sequence[str]
) -> Iterator[tuple[list[DatabaseLog], list[VerifierKey]]]:
    """The logs to verify, and the witnesses that count."""
    if database is not None:
        with _copied(database, keys_of(trust)) as log:
            yield [log], witnesses_of(keys_of(trust))
        return
    from appliance.audit.schedule import logs_of

    with open_site(data) as site:
        trusted = witnesses_of([*site.keys.trusted(), *keys_of(trust)])
        yield [log_of(site, slug)] if slug else list(logs_of(site)), trusted


@contextmanager
def _copied(database: Path, trusted: Sequence[VerifierKey]) -> Iterator[DatabaseLog]:
    """The log in a copy of a database file (``control.db`` or ``<workspace id>.db``), under keys of the auditor's."""
    from appliance.audit.database_log import DatabaseLog
    from appliance.audit.rows import FileRows
    from appliance.crypto.vkey import ALG_ED25519, Signer
    from appliance.errors import NotProvable

    keys = [key for key in trusted if key.algorithm == ALG_ED25519]
    if not keys:
        raise NotProvable("audit.no_key", "A copied file is verified under a key that you trust.", "Name it: --trust.")
    with FileRows.reading(database) as rows:
        nobody = Signer.generate(keys[0].name)
        yield DatabaseLog(rows, f"{keys[0].name}/{database.stem}", nobody, keys)


def log_of(site: Site, slug: str) -> DatabaseLog:
    """A log to read, and to sign its present state."""
    from appliance.audit.database_log import DatabaseLog
    from appliance.tenancy.records import SYSTEM

    return DatabaseLog.of_control(site) if slug == CONTROL else DatabaseLog.of(site.scope(SYSTEM, slug))


def place_of(site: Site, slug: str) -> WorkspaceScope | Site:
    """Where something is to be changed: a workspace, entered as the owner of this machine, or the control plane."""
    return site if slug == CONTROL else site.scope(owner_of_site(site), slug)


def owner_of_site(site: Site) -> Principal:
    """Whoever may read the data folder: the owner's own API key lies in it, and acts here."""
    from appliance.core.files import unreadable
    from appliance.identity.api_keys import authenticate

    path = site.settings.admin_key_file
    try:
        return authenticate(site, path.read_text().strip())
    except OSError as error:
        raise unreadable(path, error) from error


def held_of(log: DatabaseLog, held: Sequence[bytes]) -> list[bytes]:
    """Of checkpoints that an auditor holds, those of one log, under whatever name it had: epochs, other appliances."""
    from appliance.audit.checkpoint import read_checkpoint

    own, known = [], log.promises.origins()
    for data in held:
        origin = read_checkpoint(data)[0].origin
        if origin in known or origin.startswith(f"{log.first_origin}/epoch-"):
            own.append(data)
    return own


def keys_of(trust: Sequence[str]) -> list[VerifierKey]:
    from appliance.cli.keys import keys_named

    return [key for text in trust for key in keys_named(text)]


def witnesses_of(keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    from appliance.crypto.vkey import ALG_COSIGNATURE

    return [key for key in keys if key.algorithm == ALG_COSIGNATURE]


def read_file(path: Path) -> bytes:
    from appliance.core.files import unreadable

    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def write_file(path: Path, data: bytes) -> None:
    from appliance.core.files import write_whole

    write_whole(path, data)
