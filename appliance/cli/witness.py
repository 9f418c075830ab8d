"""``d2r witness``: the auditor's side. It runs on the auditor's machine and exchanges files with the log."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from appliance.audit.witness import Witness
    from appliance.audit.witness_state import Seen

_FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.group()
def witness() -> None:
    """Cosign checkpoints on an auditor's own machine."""


@witness.command()
@_FOLDER
@click.option("--name", required=True, help="Name of this witness, such as audit.example/line-3.")
@click.option("--log", "log_key", required=True, help="Verifier key of the log, or a file that holds it.")
def init(folder: Path, name: str, log_key: str) -> None:
    """Make a witness of one appliance's logs in FOLDER."""
    from appliance.audit.witness import Witness
    from appliance.cli.keys import keys_named
    from appliance.cli.line import passphrase

    named = keys_named(log_key)
    if len(named) != 1:
        raise click.UsageError("--log names one key")
    made = Witness.init(folder, name, named[0], passphrase())
    click.echo(f"{made.signer.verifier}")
    click.echo(f"  fingerprint  {made.signer.verifier.fingerprint}")
    click.echo("Give this line to whoever verifies reports: d2r keys trust add LINE")


@witness.command()
@_FOLDER
@click.argument("checkpoint", type=_FILE)
@click.option("--consistency", type=_FILE, help="Update that holds the proof, where CHECKPOINT is a bare checkpoint.")
@click.option("--out", type=_OUT, help="Where to write the cosigned checkpoint (default: CHECKPOINT.cosigned).")
def cosign(folder: Path, checkpoint: Path, consistency: Path | None, out: Path | None) -> None:
    """Check that the log in CHECKPOINT continues what was seen, and cosign it.

    CHECKPOINT comes from d2r log export or d2r audit witness-exchange. Exit code: 0 cosigned, 1 the log was rewritten
    (evidence is kept in FOLDER/evidence).
    """
    from appliance.audit.checkpoint import read_checkpoint
    from appliance.audit.exchange import update_from
    from appliance.cli.line import passphrase
    from appliance.core.files import write_whole

    update = update_from(checkpoint.read_bytes(), consistency.read_bytes() if consistency else None)
    own = _open(folder, passphrase())
    losses = len(own.memory().losses)
    signed, target = own.cosign(bytes(update)), out or checkpoint.with_name(f"{checkpoint.name}.cosigned")
    write_whole(target, signed)
    state = read_checkpoint(signed)[0]
    for loss in own.memory().losses[losses:]:
        click.echo(str(loss))
    back = "d2r log cosign-import" if state.origin == own.log_key.name else "d2r audit anchor"
    click.echo(f"{target}: {state.size} entries of {state.origin} cosigned; hand it back: {back} {target.name}")


@witness.command()
@_FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Say whose logs these are, and what was seen of each last."""
    from appliance.cli.line import passphrase

    own = _open(folder, passphrase())
    memory, first = own.memory(), own.log_key.name
    others = {origin: seen for origin, seen in sorted(memory.logs.items()) if origin != first}
    if as_json:
        record = {"witness": str(own.signer.verifier), "log": str(own.log_key), **_record(memory.seen(first))}
        record["others"] = {origin: _record(seen) for origin, seen in others.items()}
        record["losses"] = [asdict(loss) for loss in memory.losses]
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    click.echo(f"witness  {own.signer.verifier}\nlog      {own.log_key}")
    shown = {first: memory.seen(first), **others} if memory.seen(first).size or not others else others
    for origin, seen in shown.items():
        command = "d2r log export" if origin == first else "d2r audit witness-exchange"
        click.echo(f"seen     {_said(seen)} of {origin}\nnext     {command} --since {seen.size} --out FILE")
    for loss in memory.losses:
        click.echo(str(loss))


@witness.command()
@_FOLDER
@click.argument("rotation", type=_FILE)
def follow(folder: Path, rotation: Path) -> None:
    """Accept the log's new key from the record of its ROTATION (d2r keys rotate --record)."""
    from appliance.cli.line import passphrase

    own = _open(folder, passphrase()).follow(rotation.read_bytes())
    click.echo(f"log      {own.log_key}")


def _record(seen: Seen) -> dict[str, Any]:
    from appliance.core.clock import rfc3339

    return {"size": seen.size, "time": rfc3339(seen.time) if seen.size else None, "root": seen.root.hex()}


def _said(seen: Seen) -> str:
    from appliance.core.clock import rfc3339

    return f"{seen.size} entries, {rfc3339(seen.time)}" if seen.size else "nothing yet"


def _open(folder: Path, passphrase: str | None) -> Witness:
    from appliance.audit.witness import Witness

    return Witness.open(folder, passphrase)
