"""``d2r verify``: is this report what was signed, by whom, and since when can nobody have changed it?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from appliance.cli.exits import exit_code_of
from appliance.errors import Modified, NotFound, NotProvable

if TYPE_CHECKING:
    from appliance.crypto.vkey import VerifierKey
    from appliance.reports.verification import Verification

#: The verdicts, as both verifiers for auditors say them too.
UNMODIFIED, MODIFIED, NOT_PROVABLE = "UNMODIFIED", "MODIFIED", "NOT PROVABLE"


@click.command("verify")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--trust", "trust", multiple=True, metavar="VKEY|FILE", help="Trust this verifier key, or those in a file."
)
@click.option("--require-anchor", is_flag=True, help="Demand the cosignature of a trusted witness.")
@click.option("--json", "as_json", is_flag=True, help="Write the outcome as JSON.")
def verify(path: Path, trust: tuple[str, ...], require_anchor: bool, as_json: bool) -> int:
    """Verify report.json, report.pdf, evidence.zip or the folder that holds them, offline.

    The signed record of a self-test is verified too. Without --trust the keys of the own key store are trusted, and
    those added to it. Exit code 0: unmodified and signed by a trusted key. 1: modified. 2: not provable. 3: error.
    """
    from appliance.reports.verification import verify_path

    try:
        if (envelope := _selftest_in(path)) is not None:
            _refuse_anchor(require_anchor)
            return _verify_selftest(path, envelope, _trusted(trust), as_json=as_json)
        found = verify_path(path, _trusted(trust), require_anchor=require_anchor)
    except (Modified, NotProvable) as error:
        verdict = MODIFIED if isinstance(error, Modified) else NOT_PROVABLE
        record = {
            "verdict": verdict,
            "path": str(path),
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
        }
        click.echo(json.dumps(record, indent=2) if as_json else f"{verdict}  {path}\n  {error} [{error.code}]")
        return exit_code_of(error)
    click.echo(json.dumps(_record(found), indent=2) if as_json else _text(found))
    return 0


def _selftest_in(path: Path) -> bytes | None:
    """The bytes of ``path`` if it says that it is the record of a self-test."""
    from appliance.reports.selftest import RECORD_LIMIT_BYTES, is_selftest

    if path.suffix.lower() != ".json" or not path.is_file() or path.stat().st_size > RECORD_LIMIT_BYTES:
        return None
    envelope = path.read_bytes()
    return envelope if is_selftest(envelope) else None


def _refuse_anchor(required: bool) -> None:
    if required:
        raise NotProvable(
            "selftest.no_anchor", "The record of a self-test is in no log, so no witness has cosigned it."
        )


def _verify_selftest(path: Path, envelope: bytes, trusted: Sequence[VerifierKey], *, as_json: bool) -> int:
    """Say what the record of a self-test says; it is in no log, so it has no anchor."""
    from appliance.reports.selftest import verify_selftest

    found = verify_selftest(envelope, trusted)
    agreeing = found.checks - len(found.deviating)
    record = {
        "verdict": UNMODIFIED,
        "path": str(path),
        "selftest": {"checks": found.checks, "agreeing": agreeing, "deviating": list(found.deviating)},
        "engine": found.engine,
        "sources_sha256": found.sources_sha256,
        "issued_at_claimed": found.issued_at,
        "signed_by": found.signer.label,
    }
    lines = [
        f"{UNMODIFIED}  {path}",
        f"  self-test  {agreeing} of {found.checks} published numbers reproduced",
        f"  engine     {found.engine}, statistics {found.sources_sha256[:12]}",
        f"  signed by  {found.signer.label}, who says it was issued {found.issued_at}",
    ]
    click.echo(json.dumps(record, indent=2) if as_json else "\n".join(lines))
    return 0


def _trusted(trust: Sequence[str]) -> Sequence[VerifierKey]:
    """The keys named on the command line, or else those of the own key store."""
    from appliance.cli.keys import keys_named
    from appliance.cli.line import home_folder
    from appliance.crypto.keystore import trusted_keys

    if trust:
        return [key for text in trust for key in keys_named(text)]
    try:
        return trusted_keys(home_folder())
    except NotFound as error:
        raise NotProvable(
            "verify.no_keys", "There is no key to trust.", "Name the signer's key with --trust."
        ) from error


def _record(found: Verification) -> dict[str, Any]:
    statement, logged = found.statement, found.logged
    return {
        "verdict": UNMODIFIED,
        "path": str(found.path),
        "report": statement.number,
        "decision": statement.decision,
        "suspicions": list(statement.suspicions),
        "issued_at_claimed": statement.issued_at,
        "signed_by": statement.signer.label,
        "checked": list(found.checked),
        "log": None if logged is None else {"origin": logged.origin, "index": logged.index, "size": logged.tree_size},
        "anchors": [
            {"witness": anchor.key.label, "time": _time(anchor.time)} for anchor in (logged.anchors if logged else ())
        ],
    }


def _text(found: Verification) -> str:
    statement, logged = found.statement, found.logged
    since = _since(found)
    lines = [
        f"{UNMODIFIED}  {found.path}",
        f"  report     {statement.number}, verdict {statement.decision.replace('_', ' ')}",
        *(f"  warning    {sentence}" for sentence in statement.suspicions),
        f"  signed by  {statement.signer.label}, who says it was issued {statement.issued_at}",
        f"  log        {f'entry {logged.index} of {logged.origin}' if logged else 'no proof beside this file'}",
        f"  anchored   {since}",
        f"  checked    {', '.join(found.checked)}",
    ]
    return "\n".join(lines)


def _since(found: Verification) -> str:
    anchors = found.logged.anchors if found.logged else ()
    if anchors:
        return f"since {_time(anchors[0].time)} by witness {anchors[0].key.name}"
    return "not externally: the appliance's own administrator could have made this at any time"


def _time(moment: Any) -> str:
    from appliance.core.clock import rfc3339

    return rfc3339(moment)
