"""``d2r log``: validate the audit log, prove entries, exchange checkpoints with witnesses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.audit.log import FileLog

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def log() -> None:
    """Check the audit log and exchange checkpoints with witnesses."""


@log.command()
@_JSON
def verify(as_json: bool) -> None:
    """Validate every entry, and that the log still leads to all that it signed and witnesses saw.

    Exit code: 0 unmodified, 1 MODIFIED (says where).
    """
    own = _open_log()
    state, anchors = own.validate(), own.anchored_sizes()
    record = {"origin": state.origin, "size": state.size, "root": state.root.hex(), "anchored_sizes": list(anchors)}
    if as_json:
        click.echo(json.dumps(record, indent=2))
        return
    click.echo(f"{state.origin}: {state.size} entries, UNMODIFIED; root {state.root.hex()}")
    outside = f"the first {anchors[-1]} entries" if anchors else "nothing: no witness has cosigned yet"
    click.echo(f"cosigned by witnesses: {outside}")


@log.command()
@click.option("--since", type=click.IntRange(min=0), default=0, help="Entries that the witness saw last (its status).")
@click.option("--out", type=_OUT, required=True, help="File to carry to the witness.")
def export(since: int, out: Path) -> None:
    """Write a signed checkpoint for a witness, with the proof that it continues what the witness saw."""
    from appliance.core.files import write_whole

    write_whole(out, _open_log().update_since(since))
    click.echo(f"{out}: hand it to the witness: d2r witness cosign FOLDER {out.name}")


@log.command("cosign-import")
@click.argument("file", type=_FILE)
def cosign_import(file: Path) -> None:
    """Keep the cosigned checkpoint in FILE as an anchor. The witness's key must be trusted (d2r keys trust add)."""
    from appliance.cli.keys import open_store
    from appliance.core.clock import rfc3339

    found = _open_log().add_anchor(_read(file), open_store().trusted())
    for one in found:
        click.echo(f"anchored: {one.key.name} saw this log at {rfc3339(one.time)}")


@log.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option(
    "--size", type=click.IntRange(min=1), help="Against the state of that many entries (a printed checkpoint)."
)
@click.option("--out", type=_OUT, required=True, help="The .tlog-proof to write.")
def prove(index: int, size: int | None, out: Path) -> None:
    """Write the proof of entry INDEX against the checkpoint that anchors it earliest."""
    from appliance.cli.keys import open_store
    from appliance.core.files import write_whole
    from appliance.crypto.vkey import ALG_COSIGNATURE

    witnesses = [key for key in open_store().trusted() if key.algorithm == ALG_COSIGNATURE]
    own = _open_log()
    write_whole(out, own.proof_at(index, size) if size else own.refresh_proof(index, witnesses))
    click.echo(f"{out}: proof of entry {index}")


@log.command()
@click.argument("proof", type=_FILE)
@click.option("--trust", multiple=True, help="Verifier key or trust file, instead of the own key store.")
@_JSON
def check(proof: Path, trust: tuple[str, ...], as_json: bool) -> int:
    """Judge a proof file: UNMODIFIED SINCE (0), MODIFIED (1) or NOT PROVABLE (2)."""
    from appliance.audit.verify import Finding, judge_record
    from appliance.cli.keys import keys_named, open_store
    from appliance.core.clock import rfc3339

    trusted = [key for text in trust for key in keys_named(text)] if trust else open_store().trusted()
    verdict = judge_record(None, _read(proof), trusted)
    if as_json:
        since = rfc3339(verdict.since) if verdict.since else None
        click.echo(json.dumps({"finding": verdict.finding.value, "since": since, "reason": verdict.reason}, indent=2))
    else:
        click.echo(str(verdict))
    return {Finding.UNMODIFIED: 0, Finding.MODIFIED: 1, Finding.NOT_PROVABLE: 2}[verdict.finding]


@log.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def publish(folder: Path) -> None:
    """Write the log as static tiles into FOLDER, for any web server."""
    state = _open_log().publish(folder)
    click.echo(f"{folder}: {state.size} entries of {state.origin}")


def _open_log() -> FileLog:
    from appliance.audit.log import FileLog
    from appliance.cli.keys import open_store

    return FileLog.of(open_store())


def _read(path: Path) -> bytes:
    from appliance.core.files import unreadable

    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
