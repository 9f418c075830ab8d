"""``d2r audit``: the logs of an appliance, from its data folder, beside the appliance that runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.appliance import data_option
from appliance.cli.audit_logs import (
    CONTROL,
    held_of,
    keys_of,
    log_of,
    logs_to_verify,
    open_log,
    open_site,
    owner_of_site,
    place_of,
    read_file,
    witnesses_of,
    write_file,
)

if TYPE_CHECKING:
    from appliance.audit.verify import Verdict

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_workspace = click.option(
    "--workspace", "slug", default="main", show_default=True, help=f"Whose log; '{CONTROL}' for the control plane."
)
_trust = click.option("--trust", multiple=True, metavar="VKEY|FILE", help="Trust this key too, or those in a file.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def audit() -> None:
    """Verify and prove the appliance's audit logs; erase persons."""


@audit.command()
@data_option
@click.option("--workspace", "slug", help=f"One log only: a workspace, or '{CONTROL}'.")
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

    kept = [read_file(path) for path in held]
    with logs_to_verify(data, slug, database, trust) as (logs, witnesses):
        found = {log.first_origin: judge_log(log, witnesses, held_of(log, kept)) for log in logs}
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
    with open_log(data, slug) as log:
        note = bytes(log.checkpoint())
    write_file(out, note) if out else click.echo(note.decode(), nl=False)


@audit.command()
@data_option
@_workspace
@click.argument("index", type=click.IntRange(min=0))
@click.option("--size", type=click.IntRange(min=1), help="Against a state of that many entries, such as a printed one.")
@click.option("--out", type=_OUT, required=True, help="The .tlog-proof to write.")
def proof(data: Path | None, slug: str, index: int, size: int | None, out: Path) -> None:
    """Write the proof of entry INDEX against the checkpoint that anchors it earliest."""
    with open_site(data) as site:
        log = log_of(site, slug)
        witnesses = witnesses_of(site.keys.trusted())
        write_file(out, log.proof_at(index, size) if size else log.refresh_proof(index, witnesses))
    click.echo(f"{out}: proof of entry {index}")


@audit.command()
@data_option
@_workspace
@click.argument("index", type=click.IntRange(min=0))
@click.option("--disclose", "purpose", help="Also open its personal fields, for this purpose; the log says so.")
def show(data: Path | None, slug: str, index: int, purpose: str | None) -> None:
    """Print entry INDEX, in which personal fields are commitments; with --disclose also what opens them."""
    from appliance.audit.disclosure import disclosed_for

    with open_site(data) as site:
        click.echo(log_of(site, slug).entry(index).decode())
        if purpose is not None:
            found = disclosed_for(place_of(site, slug), index, purpose)
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@audit.command("witness-exchange")
@data_option
@_workspace
@click.option("--since", type=click.IntRange(min=0), help="Entries that the witness saw last; else the last anchor.")
@click.option("--out", type=_OUT, required=True, help="File to carry to the witness.")
def witness_exchange(data: Path | None, slug: str, since: int | None, out: Path) -> None:
    """Write what a witness needs to cosign the log: a checkpoint, and the proof that it continues what was seen."""
    with open_log(data, slug) as log:
        known = since if since is not None else max(log.anchored_sizes(), default=0)
        write_file(out, log.update_since(known))
    click.echo(f"{out}: from entry {known} on; at the witness: d2r witness cosign FOLDER {out.name}")


@audit.command()
@data_option
@_workspace
@_trust
@click.argument("file", type=_FILE)
def anchor(data: Path | None, slug: str, trust: tuple[str, ...], file: Path) -> None:
    """Keep the checkpoint in FILE that a witness cosigned. Name its key with --trust, or trust it for good."""
    from appliance.core.clock import rfc3339

    with open_site(data) as site:
        found = log_of(site, slug).add_anchor(read_file(file), [*site.keys.trusted(), *keys_of(trust)])
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

    with open_site(data) as site:
        index = open_epoch(place_of(site, slug), reason, lost=read_file(lost) if lost else None, by=owner_of_site(site))
        click.echo(f"entry {index}: the log goes on as {log_of(site, slug).origin}; tell its witnesses")


@audit.command("rotate-key")
@data_option
@click.option("--record", type=_OUT, required=True, help="Where to write the record, for witnesses and auditors.")
def rotate_key(data: Path | None, record: Path) -> None:
    """Replace the appliance's signing keys; what they signed stays verifiable."""
    from appliance.audit.rotation import rotate_key as rotate

    with open_site(data) as site:
        gone = rotate(site, owner_of_site(site))
        write_file(record, gone.rotation)
        click.echo(f"retired  {gone.vkey}\ncurrent  {site.keys.own_keys()[0]}")
    click.echo(f"at each witness: d2r witness follow FOLDER {record.name}")


@audit.command()
@data_option
@_workspace
@click.argument("person")
@click.option("--legal-basis", required=True, help="Such as: GDPR Art. 17(1)(a).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(data: Path | None, slug: str, person: str, legal_basis: str, yes: bool) -> None:
    """Forget PERSON: destroy the key and all that it opens. The log says that it was done, and stays provable.

    Somebody who signs in (usr_...) is forgotten in every workspace and in the control plane, whichever is named.
    """
    from appliance.audit.erasure import erase as forget
    from appliance.core.ids import is_id
    from appliance.identity.erasing import erase_user

    if not yes:
        click.confirm(f"Everything about {person} is destroyed for good. Go on?", abort=True)
    with open_site(data) as site:
        why: Any = {"legal_basis": legal_basis, "approver": owner_of_site(site)}
        is_user = is_id(person, "usr")
        entry = erase_user(site, person, **why) if is_user else forget(place_of(site, slug), person, **why)
    click.echo(f"erased; entry {entry}")


@audit.command()
@data_option
@_workspace
@click.argument("person")
@click.option("--reason", required=True, help="Such as: court order 12/26.")
@click.option("--release", "ends", is_flag=True, help="End the hold instead.")
def hold(data: Path | None, slug: str, person: str, reason: str, ends: bool) -> None:
    """Forbid the erasure of PERSON (a legal hold)."""
    from appliance.audit import erasure

    with open_site(data) as site:
        act = erasure.release if ends else erasure.hold
        index = act(place_of(site, slug), person, reason)
    click.echo(f"{'released' if ends else 'held'}; entry {index}")


@audit.command()
@data_option
@_workspace
@_json
def persons(data: Path | None, slug: str, as_json: bool) -> None:
    """List persons: their ids, how many entries commit to them, holds and erasures. No names."""
    from dataclasses import asdict

    from appliance.audit.persons import persons as everybody

    with open_site(data) as site:
        found = everybody(place_of(site, slug))  # ids and counts alone: nothing is opened
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        held = f", held since {one.held_at}" if one.held_at else ""
        erased = f", erased {one.erased_at} (entry {one.erased_entry})" if one.erased_at else ""
        click.echo(f"{one.id}  {one.records} commitments{held}{erased}")


def _record(verdict: Verdict) -> dict[str, Any]:
    from appliance.core.clock import rfc3339

    since = rfc3339(verdict.since) if verdict.since else None
    return {"finding": verdict.finding.value, "since": since, "reason": verdict.reason}


def _worst(verdicts: Iterable[Verdict]) -> int:
    """The exit code of several verdicts: MODIFIED before NOT PROVABLE before UNMODIFIED."""
    from appliance.audit.verify import Finding

    found = {one.finding for one in verdicts}
    return 1 if Finding.MODIFIED in found else 2 if Finding.NOT_PROVABLE in found else 0
