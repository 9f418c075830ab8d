"""``d2r push``: scans from a device to the appliance; broken links, lost processes and restarts cost time only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from appliance.client.device import Identity
    from appliance.crypto.vkey import Signer

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_UNIT = click.Choice(["mm", "m", "in", "ft", "cm", "um"])


@click.command()
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="FILE...")
@click.option("--asset", required=True, help="What was scanned: the asset's name.")
@click.option("--device", help="The device that scanned.")
@click.option("--operator", help="The badge of who scanned; never a name.")
@click.option("--captured-at", help="RFC 3339 time of the scan (default: the file's last change).")
@click.option("--format", "scan_format", help="The format, where the file's name does not tell.")
@click.option("--unit", type=_UNIT, help="Unit of the coordinates, where the format states none.")
@click.option("--alignment", help="'fit', or a JSON file with a 4x4 part_from_scanner.")
@click.option("--instrument", help="The instrument's name, or its statement (a TOML file).")
@click.option("--priority", type=click.Choice(["high", "normal", "low"]), default="normal", show_default=True)
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Free metadata; may be repeated.")
@click.option("--compress/--no-compress", default=None, help="Send compressed (default: where the format gains).")
@click.option("--sign", is_flag=True, help="Sign the manifest with this machine's key (d2r keys show).")
@click.option("--identity", type=_FILE, help="The identity of this device (default: D2R_DEVICE); it signs manifests.")
@click.option("--url", help="The appliance's address (default: D2R_URL, else this machine's).")
@click.option("--key", help="An API key (default: D2R_KEY or D2R_KEY_FILE, else this machine's owner).")
@click.option("--workspace", default="main", show_default=True)
@click.option("--data", type=_FOLDER, help="The data folder of this machine's appliance.")
@click.option("--receipts", type=_FOLDER, help="Folder for receipts (default: beside each file).")
@click.option("--wait", is_flag=True, help="Wait for the verdicts; the exit code is theirs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def push(
    files: tuple[Path, ...], url: str | None, key: str | None, workspace: str, data: Path | None, compress: bool | None,
    sign: bool, identity: Path | None, receipts: Path | None, wait: bool, as_json: bool, **options: Any,
) -> int:  # fmt: skip
    """Send scans to the appliance; run again, it goes on where it stopped.

    Exit code: 0 sent (with --wait: pass), 1 fail, 2 inconclusive or not measured, 3 error or quarantined.
    """
    from appliance.cli.pushing import Order, exit_code, print_deliveries, push_files
    from appliance.client.access import connect
    from appliance.client.device import connection_of

    known = _identity(identity, key)
    signer = known.signer if known else _signer() if sign else None
    order = Order(tuple(files), _fields(options), compress, signer, receipts, wait)
    connection = connection_of(known) if known else connect(url, key, workspace, data=data)
    try:
        deliveries = push_files(connection, order, quiet=as_json)
    finally:
        connection.close()
    if as_json:
        click.echo(json.dumps([delivery.record() for delivery in deliveries], indent=2, ensure_ascii=False))
    else:
        print_deliveries(deliveries)
    return exit_code(deliveries)


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """The manifest's fields that the options state."""
    fields = {name: options[name] for name in ("asset", "device", "operator", "captured_at", "unit")}
    fields["format"] = options["scan_format"]
    fields["priority"] = None if options["priority"] == "normal" else options["priority"]
    fields["metadata"] = dict(_pair(text) for text in options["metadata"])
    fields["alignment"] = _alignment(options["alignment"])
    return {**fields, **_instrument(options["instrument"])}


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError("--metadata is KEY=VALUE")
    return name, value


def _alignment(text: str | None) -> Any:
    """``fit``, or the pose in an alignment file, in the manifest's form."""
    from appliance.core.canonical import loads_strict

    if text in (None, "fit"):
        return text
    content = loads_strict(_read(Path(str(text))))
    table = content.get("alignment", content) if isinstance(content, dict) else {"part_from_scanner": content}
    known = ("part_from_scanner", "unit", "translation_u_mm", "rotation_u_rad")
    return {name: table[name] for name in known if table.get(name) is not None}


def _instrument(text: str | None) -> dict[str, str]:
    if text is None or not text.lower().endswith(".toml"):
        return {} if text is None else {"instrument": text}
    return {"instrument_statement": _read(Path(text)).decode("utf-8-sig")}


def _read(path: Path) -> bytes:
    from appliance.core.files import unreadable

    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def _identity(path: Path | None, key: str | None) -> Identity | None:
    """Who this device is, where it was enrolled with a key of its own and no API key is stated."""
    from appliance.client.device import Identity

    place = path or os.environ.get("D2R_DEVICE")
    return Identity.read(Path(place)) if place and not key else None


def _signer() -> Signer:
    from appliance.cli.keys import open_store

    return open_store().signer()
