"""The command ``d2r``: finds the command, runs it, and turns every error into one line and a code.

Commands are imported only when they run, so that ``d2r --help`` costs nothing of the engine.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any, Final, NoReturn

import click

from appliance import __version__
from appliance.cli.exits import EXIT_ERROR, EXIT_INTERRUPTED, exit_code_of
from appliance.errors import D2RError

#: Command -> (module, attribute, one line of help).
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "init": ("appliance.cli.init", "init", "Make an appliance: folders, keys, databases, a first workspace."),
    "push": ("appliance.cli.push", "push", "Send scans to the appliance; goes on where it stopped."),
    "inspect": ("appliance.cli.inspect", "inspect", "Compare a scan with CAD and decide: pass, fail, inconclusive."),
    "change": ("appliance.cli.change", "change", "Compare two scans without CAD, with the level of detection."),
    "changes": ("appliance.cli.changes", "changes", "What changed between two scans that the appliance holds."),
    "part": ("appliance.cli.part", "part", "Parts: what assets are compared with."),
    "asset": ("appliance.cli.asset", "asset", "Assets: the things that are scanned."),
    "cad": ("appliance.cli.cad", "cad", "CAD revisions of parts."),
    "characteristic": ("appliance.cli.characteristic", "characteristic", "What is measured on a part."),
    "trends": ("appliance.cli.trends", "trends", "What degrades, breaks its limits, differs; recall and what-if."),
    "instrument": ("appliance.cli.instrument", "instrument", "Instruments and their calibration."),
    "device": ("appliance.cli.device", "device", "Edge devices that send scans."),
    "inspection": ("appliance.cli.inspection", "inspection", "Follow, stop, repeat and replay inspections."),
    "results": ("appliance.cli.results", "results", "Measured results from elsewhere: CSV, JSON, QIF."),
    "alerts": ("appliance.cli.alerts", "alerts", "Alerts: seen, acknowledged; the rules that raise them."),
    "report": ("appliance.cli.report", "report", "Fetch signed reports and evidence packs."),
    "twin": ("appliance.cli.twin", "twin", "Twins: versions compared, followed, rolled back, exported."),
    "workspace": ("appliance.cli.workspace", "workspace", "Workspaces: made, suspended, moved, destroyed."),
    "key": ("appliance.cli.key", "key", "API keys of a workspace."),
    "token": ("appliance.cli.token", "token", "Access tokens, and personal tokens of people who script."),
    "person": ("appliance.cli.person", "person", "People who sign in, and their sessions."),
    "account": ("appliance.cli.account", "account", "Local accounts: invite, reset, unlock; break glass."),
    "ldap": ("appliance.cli.ldap", "ldap", "LDAP or Active Directory: reached, tested, roles of its groups."),
    "oidc": ("appliance.cli.oidc", "oidc", "OpenID Connect: reached, tested, roles of its groups."),
    "saml": ("appliance.cli.saml", "saml", "SAML 2.0: the provider, our metadata, roles of its groups."),
    "verify": ("appliance.cli.verify", "verify", "Check a report or evidence pack offline."),
    "replay": ("appliance.cli.replay", "replay", "Recompute a verdict from its evidence and compare."),
    "demo": ("appliance.cli.demo", "demo", "Start an appliance, push six scans of a part, prove a verdict."),
    "keys": ("appliance.cli.keys", "keys", "Show, rotate and trust signing keys."),
    "log": ("appliance.cli.log", "log", "Check the log of the server-less line, exchange it with witnesses."),
    "audit": ("appliance.cli.audit", "audit", "Verify and prove the appliance's audit logs; erase persons."),
    "witness": ("appliance.cli.witness", "witness", "Cosign checkpoints on an auditor's own machine."),
    "up": ("appliance.cli.up", "up", "Run the appliance: queue, web, workers, scheduler."),
    "down": ("appliance.cli.down", "down", "End the running appliance in order."),
    "status": ("appliance.cli.status", "status", "Show what runs where."),
    "doctor": ("appliance.cli.doctor", "doctor", "Check machine, data, processes; say what to do."),
    "selftest": ("appliance.cli.selftest", "selftest", "Compute published reference numbers again; sign the table."),
    "database": ("appliance.cli.database", "database", "PostgreSQL: schemas for workspaces, migrations."),
    "kernels": ("appliance.cli.kernels", "kernels", "Compile and cache the numeric kernels."),
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="d2r")
def root() -> None:
    """D2R Appliance: from a 3D scan and a CAD model to a verdict that anyone can re-prove."""


#: Container objects made between two looks for garbage: libraries make hundreds of thousands that stay, and the large
#: things of an inspection are arrays, which need no such look.
_GARBAGE_THRESHOLD: Final = 200_000


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    gc.set_threshold(_GARBAGE_THRESHOLD)
    code = run(arguments)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a pipe whose reader has gone
            stream.flush()
    atexit._run_exitfuncs()
    os._exit(code)  # taking gigabytes and the interpreter down piece by piece takes half a second


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows '?' and does not stop the command
    try:
        result: Any = root.main(args=arguments, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _say("Interrupted.", EXIT_INTERRUPTED)
    except click.UsageError as error:
        hint = f" Try '{error.ctx.command_path} --help'." if error.ctx else ""
        return _say(f"{error.format_message().rstrip('.')}.{hint}", EXIT_ERROR)
    except click.ClickException as error:
        return _say(error.format_message(), EXIT_ERROR)
    except D2RError as error:
        return _say(f"{error} [{error.code}]", exit_code_of(error))
    except (BrokenPipeError, SystemExit):  # the reader of a pipe has gone; the console library leaves by itself
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except OSError as error:
        return _say(f"{error.strerror or error}. Check free space and permissions of the output.", EXIT_ERROR)
    except Exception as error:  # noqa: BLE001  the last line of defence: one line, never a traceback
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    if os.environ.get("D2R_DEBUG"):
        import traceback

        traceback.print_exc()
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return _say(f"Internal error: {what}. Run again with D2R_DEBUG=1 and send the output.", EXIT_ERROR)


def _say(line: str, code: int) -> int:
    click.echo(f"d2r: {' '.join(line.split())}", err=True)
    return code


if __name__ == "__main__":
    main()
