"""``d2r keys``: who signs here, and whose signatures count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from appliance.crypto.keystore import KeyStore
    from appliance.crypto.vkey import VerifierKey


@click.group()
def keys() -> None:
    """Show, rotate and trust signing keys."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    """Print the verifier keys and fingerprints; make the key store if there is none."""
    store = open_store()
    pdf = store.pdf_identity()
    if as_json:
        record = {
            "name": store.name,
            "current": _record(store.own_keys()[0]),
            "retired": [{**_record(key.vkey), "retired_at": key.retired_at_utc} for key in store.retired()],
            "trusted": [_record(key) for key in store.added_keys()],
            "pdf_certificate_sha256": pdf.fingerprint,
            "pdf_certificate": pdf.certificate_pem.decode(),
        }
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    click.echo(f"{store.own_keys()[0]}")
    click.echo(f"  fingerprint      {store.own_keys()[0].fingerprint}")
    click.echo(f"  PDF certificate  {pdf.fingerprint}")
    for gone in store.retired():
        click.echo(f"retired {gone.retired_at_utc}  {gone.vkey}")
    for key in store.added_keys():
        click.echo(f"trusted  {key}")


@keys.command()
@click.option("--record", type=click.Path(dir_okay=False, path_type=Path), help="Also write the rotation record here.")
def rotate(record: Path | None) -> None:
    """Replace the signing keys; what they signed stays verifiable.

    The rotation is written into the log. Hand its record to witnesses: d2r witness follow.
    """
    from appliance.audit.entry import Entry
    from appliance.audit.log import FileLog
    from appliance.core.clock import utc_now
    from appliance.core.files import write_whole

    store = open_store()
    gone = store.rotate()
    facts = {"new": str(store.own_keys()[0]), "old": str(gone.vkey)}
    index = FileLog.of(store).append(Entry("key.rotated", utc_now(), {"record": gone.record_sha256}, facts))
    if record:
        write_whole(record, gone.rotation)
    click.echo(f"retired  {gone.vkey}")
    click.echo(f"current  {store.own_keys()[0]}")
    click.echo(f"logged as entry {index}")


@keys.group()
def trust() -> None:
    """Keys of others: appliances whose reports count, witnesses whose cosignatures count."""


@trust.command("add")
@click.argument("vkey")
def trust_add(vkey: str) -> None:
    """Trust VKEY, a verifier key or a file of them. Compare the fingerprint with its owner first."""
    store = open_store()
    for key in keys_named(vkey):
        store.trust(key)
        click.echo(f"trusted  {key}\n  fingerprint  {key.fingerprint}")


def open_store() -> KeyStore:
    """The user's own key store, made at its first use."""
    from appliance.cli.line import home_folder, passphrase
    from appliance.crypto.keystore import KeyStore

    return KeyStore.open_or_create(home_folder(), passphrase=passphrase())


def keys_named(text: str) -> tuple[VerifierKey, ...]:
    """The keys that an argument names: a verifier key itself, or a trust file."""
    from appliance.crypto.vkey import parse_vkey, read_trust

    path = Path(text)
    return read_trust(path) if path.is_file() else (parse_vkey(text),)


def _record(key: VerifierKey) -> dict[str, str]:
    return {"vkey": str(key), "label": key.label, "fingerprint": key.fingerprint}
