"""``d2r replay``: recompute a verdict from its evidence and compare, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from appliance.errors import Modified, NotProvable


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def replay(path: Path, as_json: bool) -> int:
    """Recompute the verdict of the evidence pack in PATH (a folder or evidence.zip).

    Exit code: 0 reproduced bit for bit, 1 differs, 2 not provable, 3 error.
    """
    from appliance.cli.terminal import progress_bars
    from appliance.inspections.comparison import differences
    from appliance.inspections.engine import engine_version
    from appliance.inspections.pipeline import inspect

    pack = path / "evidence.zip" if path.is_dir() else path
    if not pack.is_file():
        raise NotProvable("replay.no_pack", f"{path} holds no evidence.zip.", "Replay needs the evidence pack.")
    with tempfile.TemporaryDirectory(prefix="d2r-replay-") as folder:
        then, files = _unpacked(pack, Path(folder))
        with progress_bars(shown=not as_json) as watcher:
            inspection = inspect(_request(then, files), watcher)
    found = differences(then, inspection.result)
    same_engine = then.get("engine") == engine_version()
    _print(then, inspection.result, [str(item) for item in found], same_engine, as_json)
    return 1 if found else 0


def _unpacked(pack: Path, folder: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """The stored result, and the evidence by role, its hashes checked against the result."""
    from appliance.core.canonical import loads_strict
    from appliance.reports.archive import member_blocks, read_pack

    then: dict[str, Any] = {}
    files: dict[str, Path] = {}
    for member in read_pack(pack):
        if member.name == "result.json":
            then = loads_strict(b"".join(member_blocks(pack, member)))
        elif member.name.startswith("evidence/"):
            _, role, name = member.name.split("/")
            files[role] = folder / role / name
            files[role].parent.mkdir()
            with files[role].open("wb") as file:
                file.writelines(member_blocks(pack, member))
    if not then:
        raise NotProvable("replay.no_result", f"{pack} holds no result.json.")
    _check_hashes(then, files)
    return then, files


def _check_hashes(then: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    from appliance.core.files import sha256_of_file

    for name, stated in then["hashes"].items():
        role = name.removesuffix("_sha256")
        if role not in files:
            raise NotProvable("replay.missing", f"The evidence pack lacks the file of '{role}'.")
        if sha256_of_file(files[role]) != stated:
            raise Modified("replay.modified", f"The file of '{role}' is not the one that the verdict rests on.")


def _request(then: Mapping[str, Any], files: Mapping[str, Path]) -> Any:
    from appliance.inspections.request import InspectionRequest

    parameters = then["parameters"]
    return InspectionRequest(
        scan=files["scan"], cad=files["cad"], characteristics=files["characteristics"],
        inspected_at=datetime.fromisoformat(then["inspected_at"]), supplied=files.get("alignment"),
        fit=parameters["fit"], start=files.get("start"), scan_unit=parameters["scan_unit"],
        cad_unit=parameters["cad_unit"], zones=files.get("zones"), instrument=files.get("instrument"),
    )  # fmt: skip


def _print(then: Mapping[str, Any], now: Mapping[str, Any], found: list[str], same: bool, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps({"reproduced": not found, "same_engine": same, "differences": found}, indent=2))
        return
    engine = "the same engine" if same else f"another engine ({then.get('engine')} then, {now['engine']} now)"
    if not found:
        click.echo(f"REPRODUCED: verdict {now['verdict']} and every figure, bit for bit, on {engine}.")
        return
    click.echo(f"DIFFERS on {engine}: verdict {then['verdict']} then, {now['verdict']} now; {len(found)} figures.")
    for line in found[:20]:
        click.echo(f"  {line}")
    if len(found) > 20:
        click.echo(f"  ... and {len(found) - 20} more")
