"""``d2r device``: edge devices that send scans."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.remote import FILE, Columns, found_options, limit_option, print_record, print_records, remote

if TYPE_CHECKING:
    from appliance.client.api import Api


def _made(record: Mapping[str, Any]) -> str:
    """What was made of a scan, in one cell."""
    return "\n".join(
        " ".join(filter(None, (one["id"], one["verdict"], one["report_number"]))) for one in record["inspections"]
    )


def _moment(text: str | None) -> str:
    """A time, short enough for a cell."""
    return text[:19].replace("T", " ") if text else ""


def _state(key: Mapping[str, Any]) -> str:
    """Whether a key counts, and until when."""
    if key["revoked_at"]:
        return f"revoked {_moment(key['revoked_at'])}"
    if key["expires_at"]:
        return f"until {_moment(key['expires_at'])}"
    return "current" if key["is_current"] else "counts"


_COLUMNS: Columns = {"name": "name", "enrolled": "enrolled_at", "revoked": "revoked_at", "id": "id"}
_KEYS: Columns = {
    "id": "id", "since": lambda key: _moment(key["enrolled_at"]), "last used": lambda key: _moment(key["last_used_at"]),
    "state": _state, "reason": "reason",
}  # fmt: skip
_SUSPECTS: Columns = {
    "scan": "scan_id", "received": "received_at", "state": "state", "asset": "asset_id",
    "made of it": _made,
}  # fmt: skip
_IDENTITY = click.option(
    "--identity", type=click.Path(dir_okay=False, path_type=Path), envvar="D2R_DEVICE", required=True,
    help="The file with this device's key (default: D2R_DEVICE).",
)  # fmt: skip


@click.group()
def device() -> None:
    """Edge devices that send scans."""


@device.command()
@click.argument("name")
@click.option("--vkey", help="Verifier key of what the device signs.")
@click.option("--vkey-file", type=FILE, help="The same, in a file.")
@remote
def add(api: Api, name: str, vkey: str | None, vkey_file: Path | None, as_json: bool) -> None:
    """Enrol the device NAME. Its API key: d2r key add --role device --label NAME."""
    key = vkey or (vkey_file.read_text().strip() if vkey_file else None)
    print_record(api.devices.enrol_device(name=name, vkey=key), as_json=as_json)


@device.command()
@click.argument("name", required=False)
@click.option("--reason", help="Why the device NAME, which is known already, gets another key.")
@click.option("--minutes", type=click.IntRange(1, 60), default=15, show_default=True)
@remote
def code(api: Api, name: str | None, reason: str | None, minutes: int, as_json: bool) -> None:
    """Make a code that lets one device in, once: it is typed at the device (d2r device enrol)."""
    made = api.enrolment.make_device_code(device=name, reason=reason, minutes=minutes)
    print_record(made, as_json=as_json)


@device.command()
@click.option("--url", required=True, help="The appliance's address, as the device reaches it.")
@click.option("--code", "typed", prompt="Code", help="The code that the appliance showed; asked for without it.")
@click.option("--name", default=socket.gethostname, show_default="this machine's name")
@click.option("--workspace", default="main", show_default=True)
@click.option(
    "--fingerprint", help="SHA-256 of the TLS certificate, compared with the appliance's, where no CA is known."
)
@_IDENTITY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def enrol(
    url: str, typed: str, name: str, workspace: str, fingerprint: str | None, identity: Path, as_json: bool
) -> None:  # fmt: skip
    """Let this device in: make a key here, and show the appliance that it belongs to the code. May be repeated."""
    from appliance.client.device import enrol_here

    print_record(enrol_here(url, typed, name, workspace, identity, fingerprint).shown, as_json=as_json)


@device.command()
@_IDENTITY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def renew(identity: Path, as_json: bool) -> None:
    """Replace this device's key; the old one counts for a day. May be repeated."""
    from appliance.client.device import renew_here

    print_record(renew_here(identity).shown, as_json=as_json)


@device.command("list")
@found_options("id", "name")
@limit_option(1000)
@remote
def list_(api: Api, limit: int, as_json: bool, **asked: Any) -> None:
    """List devices, revoked ones too."""
    print_records(api.devices.list_devices(at_most=limit, **asked), _COLUMNS, as_json=as_json)


@device.command()
@click.argument("name")
@remote
def show(api: Api, name: str, as_json: bool) -> None:
    """Show the device NAME (or its id)."""
    from appliance.client.names import addressed

    print_record(api.devices.get_device(addressed(name, api.devices.list_devices)), as_json=as_json)


@device.command()
@click.argument("name")
@click.option("--stolen-since", metavar="TIME", help="RFC 3339: mark and list every scan that came since then.")
@click.option("--reason", default="The key was stolen.", show_default=True, help="Why, with --stolen-since.")
@remote
def revoke(api: Api, name: str, stolen_since: str | None, reason: str, as_json: bool) -> None:
    """Trust the device NAME no more, for good. What it sent stays what it was."""
    from appliance.client.names import addressed

    address = addressed(name, api.devices.list_devices)
    if stolen_since is None:
        print_record(api.devices.revoke_device(address), as_json=as_json)
        return
    api.devices.report_device_theft(address, since=stolen_since, reason=reason)
    print_records(api.devices.list_device_suspects(address), _SUSPECTS, as_json=as_json)


@device.command()
@click.argument("name")
@click.option("--since", metavar="TIME", help="RFC 3339; without it, what is marked.")
@limit_option(1000)
@remote
def suspects(api: Api, name: str, since: str | None, limit: int, as_json: bool) -> None:
    """List the scans of the device NAME since a moment, and what depends on them; nothing is changed."""
    from appliance.client.names import addressed

    address = addressed(name, api.devices.list_devices)
    print_records(api.devices.list_device_suspects(address, since=since, at_most=limit), _SUSPECTS, as_json=as_json)


@device.command()
@click.argument("name")
@remote
def keys(api: Api, name: str, as_json: bool) -> None:
    """List the keys that the device NAME ever had, the latest first."""
    from appliance.client.names import addressed

    found = api.devices.list_device_keys(addressed(name, api.devices.list_devices))
    print_records(found["items"], _KEYS, as_json=as_json)


@device.command("revoke-key")
@click.argument("name")
@click.argument("key")
@click.option("--reason", required=True, help="Why; it stands in the audit log.")
@remote
def revoke_key(api: Api, name: str, key: str, reason: str, as_json: bool) -> None:
    """Trust one KEY (its id) of the device NAME no more, at once; its other keys go on."""
    from appliance.client.names import addressed

    address = addressed(name, api.devices.list_devices)
    print_record(api.devices.revoke_device_key(address, key, reason=reason), as_json=as_json)
