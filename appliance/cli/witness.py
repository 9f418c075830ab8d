"""``d2r witness``: the auditor's side. It runs on the auditor's machine and exchanges files with the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.audit.witness import Witness

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
    """Make a witness of one log in FOLDER."""
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
    """Check that the log in CHECKPOINT (from d2r log export) continues what was seen, and cosign it.

    Exit code: 0 cosigned, 1 the log was rewritten (evidence is kept in FOLDER/evidence).
    """
    from appliance.audit.exchange import update_from
    from appliance.cli.line import passphrase
    from appliance.core.files import write_whole

    update = update_from(checkpoint.read_bytes(), consistency.read_bytes() if consistency else None)
    own = _open(folder, passphrase())
    signed, target = own.cosign(bytes(update)), out or checkpoint.with_name(f"{checkpoint.name}.cosigned")
    write_whole(target, signed)
    click.echo(f"{target}: {own.seen().size} entries cosigned; hand it back: d2r log cosign-import {target.name}")


@witness.command()
@_FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: Path, as_json: bool) -> None:
    """Say whose log this is, and what was seen of it last."""
    from appliance.cli.line import passphrase
    from appliance.core.clock import rfc3339

    own = _open(folder, passphrase())
    seen = own.seen()
    time = rfc3339(seen.time) if seen.size else None
    if as_json:
        record = {"witness": str(own.signer.verifier), "log": str(own.log_key), "size": seen.size, "time": time}
        click.echo(json.dumps({**record, "root": seen.root.hex()}, indent=2, ensure_ascii=False))
        return
    click.echo(f"witness  {own.signer.verifier}\nlog      {own.log_key}")
    click.echo(f"seen     {seen.size} entries, {time}" if time else "seen     nothing yet")
    click.echo(f"next     d2r log export --since {seen.size} --out FILE")


@witness.command()
@_FOLDER
@click.argument("rotation", type=_FILE)
def follow(folder: Path, rotation: Path) -> None:
    """Accept the log's new key from the record of its ROTATION (d2r keys rotate --record)."""
    from appliance.cli.line import passphrase

    own = _open(folder, passphrase()).follow(rotation.read_bytes())
    click.echo(f"log      {own.log_key}")


def _open(folder: Path, passphrase: str | None) -> Witness:
    from appliance.audit.witness import Witness

    return Witness.open(folder, passphrase)
