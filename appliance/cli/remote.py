"""What the commands that speak to an appliance share: where it is, who asks, and how answers are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, Final, Literal, get_args

import click

#: Column of a table -> what to show of a record: the name of a field, or a function of the record.
Columns = Mapping[str, str | Callable[[Mapping[str, Any]], str]]

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
Unit = Literal["mm", "m", "in", "ft", "cm", "um"]
UNIT: Final = click.Choice(get_args(Unit))
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    click.option("--data", type=_FOLDER, help="The data folder of this machine's appliance."),
    click.option("--workspace", default="main", show_default=True),
    click.option("--key", "api_key", help="An API key (default: D2R_KEY or D2R_KEY_FILE, else this machine's owner)."),
    click.option("--url", help="The appliance's address (default: D2R_URL, else this machine's)."),
)


def remote(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command its options, and as first argument the API that they lead to."""

    @wraps(command)
    def run(
        *arguments: Any, url: str | None, api_key: str | None, workspace: str, data: Path | None, **options: Any
    ) -> Any:
        from appliance.client.access import connect
        from appliance.client.api import Api

        connection = connect(url, api_key, workspace, data=data)
        try:
            return command(Api(connection), *arguments, **options)
        finally:
            connection.close()

    for option in _OPTIONS:
        run = option(run)
    return run


def limit_option(default: int) -> Callable[..., Any]:
    """``--limit``: how many at most."""
    return click.option("--limit", type=click.IntRange(min=1), default=default, show_default=True)


def found_options(*orders: str) -> Callable[..., Any]:
    """``--search`` and ``--sort`` of a list that may be long."""

    def options(command: Callable[..., Any]) -> Callable[..., Any]:
        choice = click.Choice([sign + order for order in orders for sign in ("", "-")])
        command = click.option("--sort", type=choice, default="id", help="'-' puts the greatest first.")(command)
        return click.option("--search", metavar="TEXT", help="A piece of the name.")(command)

    return options


def print_records(records: Iterable[Mapping[str, Any]], columns: Columns, *, as_json: bool) -> None:
    """A table, or a JSON list of everything."""
    found = list(records)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from appliance.cli.terminal import result_console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in columns:
        table.add_column(heading, overflow="fold", no_wrap=heading == "id")
    for record in found:
        table.add_row(*(Text(_cell(record, shown)) for shown in columns.values()))
    result_console().print(table)


def print_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing, field by field, or as JSON; fields that say nothing are left out."""
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
        return
    shown = {name: value for name, value in record.items() if value not in (None, "", [], {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        click.echo(f"{name.replace('_', ' '):<{width}}  {text}")


def pairs(texts: Sequence[str]) -> dict[str, str] | None:
    """``KEY=VALUE`` texts as an object; None where there are none."""
    if not all("=" in text.strip("=") for text in texts):
        raise click.UsageError("--metadata is KEY=VALUE")
    return dict(text.split("=", 1) for text in texts) or None


def _cell(record: Mapping[str, Any], shown: str | Callable[[Mapping[str, Any]], str]) -> str:
    value = shown(record) if callable(shown) else record.get(shown)
    return "–" if value in (None, "") else str(value)
