"""``d2r audit``: the logs of an appliance, from its data folder, beside the appliance that runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.appliance import data_option

if TYPE_CHECKING:
    from appliance.audit.database_log import DatabaseLog
    from appliance.audit.verify import Verdict
    from appliance.crypto.vkey import VerifierKey
    from appliance.tenancy.records import Principal
    from appliance.tenancy.scope import WorkspaceScope
    from appliance.tenancy.site import Site

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_CONTROL = "control"
_workspace = click.option(
    "--workspace", "slug", default="main", show_default=True, help=f"Whose log; '{_CONTROL}' for the control plane."
)
_trust = click.option("--trust", multiple=True, metavar="VKEY|FILE", help="Trust this key too, or those in a file.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """Verify and prove the appliance's audit logs; erase persons."""


@audit.command()
@data_option
@click.option("--workspace", "slug", help=f"One log only: a workspace, or '{_CONTROL}'.")
@click.option("--held", multiple=True, type=_FILE, help="A checkpoint that you kept; repeat for several.")
@click.option("--database", type=_FILE, help="A copy of a database file, instead of a data folder; needs --trust.")
@_trust
@_json
def verify(
    data: Path | None, slug: str | None, held: tuple[Path, ...], database: Path | None, trust: tuple[str, ...],
    as_json: bool,
) -> int:  # fmt: skip
    """Validate logs from their first entry on, and say since when they are provably unmodified.

    Exit code: 0 UNMODIFIED, 1 MODIFIED, 2 NOT PROVABLE (nobody outside has seen the log, and no checkpoint was given).
    """
    from appliance.audit.judgement import judge_log

    kept = [_read(path) for path in held]
    with _logs(data, slug, database, trust) as (logs, witnesses):
        found = {log.first_origin: judge_log(log, witnesses, _of(log, kept)) for log in logs}
    if as_json:
        click.echo(json.dumps({name: _record(one) for name, one in found.items()}, indent=2, ensure_ascii=False))
    else:
        for name, one in found.items():
            click.echo(f"{name}\n  {one}")
    return _worst(found.values())


@audit.command()
@data_option
@_workspace
@click.option("--out", type=_OUT, help="Where to write it; else it is printed.")
def checkpoint(data: Path | None, slug: str, out: Path | None) -> None:
    """Sign the present state of a log. Whoever keeps it can tell later whether the log was rewritten."""
    with _log(data, slug) as log:
        note = bytes(log.checkpoint())
    _write(out, note) if out else click.echo(note.decode(), nl=False)


@audit.command()
@data_option
@_workspace
@click.argument("index", type=click.IntRange(min=0))
@click.option("--size", type=click.IntRange(min=1), help="Against a state of that many entries, such as a printed one.")
@click.option("--out", type=_OUT, required=True, help="The .tlog-proof to write.")
def proof(data: Path | None, slug: str, index: int, size: int | None, out: Path) -> None:
    """Write the proof of entry INDEX against the checkpoint that anchors it earliest."""
    with _site(data) as site:
        log = _log_of(site, slug)
        _write(out, log.proof_at(index, size) if size else log.refresh_proof(index, _witnesses(site.keys.trusted())))
    click.echo(f"{out}: proof of entry {index}")


@audit.command()
@data_option
@_workspace
@click.argument("index", type=click.IntRange(min=0))
@click.option("--disclose", "purpose", help="Also open its personal fields, for this purpose; the log says so.")
def show(data: Path | None, slug: str, index: int, purpose: str | None) -> None:
    """Print entry INDEX, in which personal fields are commitments; with --disclose also what opens them."""
    from appliance.audit.disclosure import disclosed_for

    with _site(data) as site:
        click.echo(_log_of(site, slug).entry(index).decode())
        if purpose is not None:
            found = disclosed_for(_where(site, slug), index, purpose)
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@audit.command("witness-exchange")
@data_option
@_workspace
@click.option("--since", type=click.IntRange(min=0), help="Entries that the witness saw last; else the last anchor.")
@click.option("--out", type=_OUT, required=True, help="File to carry to the witness.")
def witness_exchange(data: Path | None, slug: str, since: int | None, out: Path) -> None:
    """Write what a witness needs to cosign the log: a checkpoint, and the proof that it continues what was seen."""
    with _log(data, slug) as log:
        known = since if since is not None else max(log.anchored_sizes(), default=0)
        _write(out, log.update_since(known))
    click.echo(f"{out}: from entry {known} on; at the witness: d2r witness cosign FOLDER {out.name}")


@audit.command()
@data_option
@_workspace
@_trust
@click.argument("file", type=_FILE)
def anchor(data: Path | None, slug: str, trust: tuple[str, ...], file: Path) -> None:
    """Keep the checkpoint in FILE that a witness cosigned. Name its key with --trust, or trust it for good."""
    from appliance.core.clock import rfc3339

    with _site(data) as site:
        found = _log_of(site, slug).add_anchor(_read(file), [*site.keys.trusted(), *_named(trust)])
    for one in found:
        click.echo(f"anchored: {one.key.name} saw this log at {rfc3339(one.time)}")


@audit.command()
@data_option
@_workspace
@click.option("--reason", required=True, help="Such as: restored from the backup of 3 May, 02:00.")
@click.option("--lost", type=_FILE, help="A checkpoint over entries that are gone, if one is at hand.")
def epoch(data: Path | None, slug: str, reason: str, lost: Path | None) -> None:
    """Declare that a log lost its end (a restore, a fail-over): it goes on under a new name, and says so."""
    from appliance.audit.epochs import open_epoch

    with _site(data) as site:
        index = open_epoch(_where(site, slug), reason, lost=_read(lost) if lost else None, by=_owner(site))
        click.echo(f"entry {index}: the log goes on as {_log_of(site, slug).origin}; tell its witnesses")


@audit.command("rotate-key")
@data_option
@click.option("--record", type=_OUT, required=True, help="Where to write the record, for witnesses and auditors.")
def rotate_key(data: Path | None, record: Path) -> None:
    """Replace the appliance's signing keys; what they signed stays verifiable."""
    from appliance.audit.rotation import rotate_key as rotate

    with _site(data) as site:
        gone = rotate(site, _owner(site))
        _write(record, gone.rotation)
        click.echo(f"retired  {gone.vkey}\ncurrent  {site.keys.own_keys()[0]}")
    click.echo(f"at each witness: d2r witness follow FOLDER {record.name}")


@audit.command()
@data_option
@_workspace
@click.argument("person")
@click.option("--legal-basis", required=True, help="Such as: GDPR Art. 17(1)(a).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(data: Path | None, slug: str, person: str, legal_basis: str, yes: bool) -> None:
    """Forget PERSON: destroy the key and all that it opens. The log says that it was done, and stays provable."""
    from appliance.audit.erasure import erase as forget

    if not yes:
        click.confirm(f"Everything about {person} is destroyed for good. Go on?", abort=True)
    with _site(data) as site:
        click.echo(
            f"erased; entry {forget(_where(site, slug), person, legal_basis=legal_basis, approver=_owner(site))}"
        )


@audit.command()
@data_option
@_workspace
@click.argument("person")
@click.option("--reason", required=True, help="Such as: court order 12/26.")
@click.option("--release", "ends", is_flag=True, help="End the hold instead.")
def hold(data: Path | None, slug: str, person: str, reason: str, ends: bool) -> None:
    """Forbid the erasure of PERSON (a legal hold)."""
    from appliance.audit import erasure

    with _site(data) as site:
        act = erasure.release if ends else erasure.hold
        index = act(_where(site, slug), person, reason)
    click.echo(f"{'released' if ends else 'held'}; entry {index}")


@audit.command()
@data_option
@_workspace
@_json
def persons(data: Path | None, slug: str, as_json: bool) -> None:
    """List persons: their ids, how many entries commit to them, holds and erasures. No names."""
    from dataclasses import asdict

    from appliance.audit.persons import persons as everybody

    with _site(data) as site:
        found = everybody(_where(site, slug))  # ids and counts alone: nothing is opened
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        held = f", held since {one.held_at}" if one.held_at else ""
        erased = f", erased {one.erased_at} (entry {one.erased_entry})" if one.erased_at else ""
        click.echo(f"{one.id}  {one.records} commitments{held}{erased}")


@contextmanager
def _site(data: Path | None) -> Iterator[Site]:
    from appliance.config.settings import load_settings
    from appliance.tenancy.site import Site

    with Site.open(load_settings(data)) as site:
        yield site


@contextmanager
def _log(data: Path | None, slug: str) -> Iterator[DatabaseLog]:
    with _site(data) as site:
        yield _log_of(site, slug)


@contextmanager
def _logs(
    data: Path | None, slug: str | None, database: Path | None, trust: Sequence[str]
) -> Iterator[tuple[list[DatabaseLog], list[VerifierKey]]]:
    """The logs to verify, and the witnesses that count."""
    if database is not None:
        with _copied(database, _named(trust)) as log:
            yield [log], _witnesses(_named(trust))
        return
    from appliance.audit.schedule import logs_of

    with _site(data) as site:
        trusted = _witnesses([*site.keys.trusted(), *_named(trust)])
        yield [_log_of(site, slug)] if slug else list(logs_of(site)), trusted


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


def _log_of(site: Site, slug: str) -> DatabaseLog:
    """A log to read, and to sign its present state."""
    from appliance.audit.database_log import DatabaseLog
    from appliance.tenancy.records import SYSTEM

    return DatabaseLog.of_control(site) if slug == _CONTROL else DatabaseLog.of(site.scope(SYSTEM, slug))


def _where(site: Site, slug: str) -> WorkspaceScope | Site:
    """Where something is to be changed: a workspace, entered as the owner of this machine, or the control plane."""
    return site if slug == _CONTROL else site.scope(_owner(site), slug)


def _owner(site: Site) -> Principal:
    """Whoever may read the data folder: the owner's own API key lies in it, and acts here."""
    from appliance.core.files import unreadable
    from appliance.identity.api_keys import authenticate

    path = site.settings.admin_key_file
    try:
        return authenticate(site, path.read_text().strip())
    except OSError as error:
        raise unreadable(path, error) from error


def _of(log: DatabaseLog, held: Sequence[bytes]) -> list[bytes]:
    """Of checkpoints that an auditor holds, those of one log; those of an epoch before included."""
    from appliance.audit.checkpoint import read_checkpoint

    own = []
    for data in held:
        origin = read_checkpoint(data)[0].origin
        if origin == log.first_origin or origin.startswith(f"{log.first_origin}/epoch-"):
            own.append(data)
    return own


def _named(trust: Sequence[str]) -> list[VerifierKey]:
    from appliance.cli.keys import keys_named

    return [key for text in trust for key in keys_named(text)]


def _witnesses(keys: Sequence[VerifierKey]) -> list[VerifierKey]:
    from appliance.crypto.vkey import ALG_COSIGNATURE

    return [key for key in keys if key.algorithm == ALG_COSIGNATURE]


def _record(verdict: Verdict) -> dict[str, Any]:
    from appliance.core.clock import rfc3339

    since = rfc3339(verdict.since) if verdict.since else None
    return {"finding": verdict.finding.value, "since": since, "reason": verdict.reason}


def _worst(verdicts: Iterable[Verdict]) -> int:
    """The exit code of several verdicts: MODIFIED before NOT PROVABLE before UNMODIFIED."""
    from appliance.audit.verify import Finding

    found = {one.finding for one in verdicts}
    return 1 if Finding.MODIFIED in found else 2 if Finding.NOT_PROVABLE in found else 0


def _read(path: Path) -> bytes:
    from appliance.core.files import unreadable

    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _write(path: Path, data: bytes) -> None:
    from appliance.core.files import write_whole

    write_whole(path, data)
