"""What no module may do, or a named few alone: run text as code, reach out, write queries from values."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for part in ("appliance", "web", "worker") for path in (ROOT / part).rglob("*.py"))

#: Calls that run text, or trust bytes, and where they stand nevertheless.
FORBIDDEN = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
}
FORBIDDEN_BUT = {("appliance/supervise/prepare.py", "pickle.loads")}  # of its own child, through a pipe of its own
#: Libraries that open connections, and who may: the client on somebody's machine, the readiness of our own processes.
OUTBOUND = {
    "requests",
    "authlib",
    "ldap3",
    "urllib.request",
    "urllib3",
    "http.client",
    "ftplib",
    "smtplib",
    "telnetlib",
    "xmlrpc",
    "aiohttp",
}
#: Beside the client: what asks the directory and the OpenID provider that the owner has named, and what tells of alerts
#: to origins and a mail server that the settings name.
OUTBOUND_BUT = {
    "appliance/alerts/webhook.py", "appliance/alerts/mail.py",
    "appliance/client/connection.py", "appliance/identity/oidc/provider.py", "appliance/identity/ldap/connection.py",
    "appliance/identity/ldap/settings.py",
}  # fmt: skip
CONNECTING_BUT = {"appliance/supervise/readiness.py", "appliance/supervise/redis_server.py", "appliance/cli/ports.py"}
#: Names of tables and columns in queries, which no parameter can carry: all of them are constants of the module.
NAMES_IN_QUERIES = {
    ("appliance/tenancy/site.py", "column"),  # Literal["id", "slug"]
    ("appliance/audit/tables.py", "table"), ("appliance/audit/tables.py", "sql"),
    ("appliance/audit/tables.py", "where"),
    ("appliance/workspaces/bringing.py", "table.name"),
    ("appliance/isolation/stage.py", "table"), ("appliance/isolation/stage.py", "column"),
}  # fmt: skip
#: What makes schemas and roles, what tries to break in, and what carries whole tables, whose names it takes from
#: ``appliance/workspaces/archive/contents.py`` alone: statements are their subject.
WRITERS = (
    "appliance/db/", "appliance/isolation/queries.py", "appliance/workspaces/bringing.py",
    "appliance/workspaces/exporting.py",
)  # fmt: skip
QUERYING = (".fetch", ".look_up", ".run", ".execute", ".execute_sql", ".execute_plain", ".executescript")


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


@cache
def calls(path: Path) -> tuple[tuple[str, ast.Call], ...]:
    """The name of what is called, as it stands there, and the call."""
    return tuple((ast.unparse(node.func), node) for node in nodes(path) if isinstance(node, ast.Call))


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_rules_find_modules_and_calls() -> None:
    assert len(MODULES) > 300
    assert sum(name.endswith((".fetch", ".execute")) for path in MODULES for name, _ in calls(path)) > 50


def test_no_text_and_no_foreign_bytes_become_code() -> None:
    found = {(place(path), name) for path in MODULES for name, _ in calls(path) if name in FORBIDDEN}
    assert found == FORBIDDEN_BUT


def test_no_program_is_started_through_a_shell() -> None:
    for path in MODULES:
        for name, call in calls(path):
            assert not any(one.arg == "shell" for one in call.keywords), f"{place(path)}: {name}"


def test_nothing_but_the_client_reaches_out_of_the_machine() -> None:
    for path in MODULES:
        names = {name for name in imports(path) if any(f"{name}.".startswith(f"{one}.") for one in OUTBOUND)}
        assert not names or place(path) in OUTBOUND_BUT, f"{place(path)} imports {names}"
        connects = [name for name, _ in calls(path) if name.endswith(("create_connection", ".connect", ".connect_ex"))]
        connects = [name for name in connects if not name.startswith(("psycopg.", "sqlite3."))]
        is_known = place(path) in CONNECTING_BUT or place(path).startswith(("appliance/db/", "appliance/client/"))
        assert not connects or is_known, f"{place(path)}: {connects}"


def test_random_numbers_that_anybody_must_not_guess_come_from_the_system() -> None:
    known = {"appliance/client/upload.py", "appliance/db/escapes.py"}  # pauses between tries; generated attempts
    users = {place(path) for path in MODULES if "random" in set(imports(path))}
    assert {user for user in users if not user.startswith("appliance/isolation/")} == known


@pytest.mark.parametrize("path", MODULES, ids=place)
def test_no_query_is_written_from_values(path: Path) -> None:
    for name, call in calls(path):
        if not name.endswith(QUERYING) or name == "subprocess.run" or not call.args:
            continue
        query = call.args[0]
        assert not isinstance(query, ast.BinOp | ast.Call) or place(path).startswith(WRITERS), ast.unparse(call)
        for part in ast.walk(query):
            if isinstance(part, ast.FormattedValue):
                inner = ast.unparse(part.value)
                is_constant = re.fullmatch(r"_?[A-Z][A-Z_]*", inner) is not None
                is_named = (place(path), inner) in NAMES_IN_QUERIES or place(path).startswith(WRITERS)
                assert is_constant or is_named, f"{place(path)}: {ast.unparse(call)}"


def test_templates_escape_everything_and_hold_no_script() -> None:
    templates = sorted((ROOT / "web" / "templates").glob("*.html"))
    assert len(templates) > 5
    for template in templates:
        text = template.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape|\bon[a-z]+=|style=|javascript:|<script(?! src=\"/)", text), (
            template
        )


def test_scripts_keep_nothing_in_the_browser_and_run_no_text() -> None:
    scripts = sorted((ROOT / "web" / "static").rglob("*.js"))
    assert scripts
    for script in scripts:
        assert not re.search(
            r"localStorage|sessionStorage|indexedDB|\beval\(|new Function|document\.write", script.read_text()
        )


def test_every_library_is_pinned_to_one_version() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"] + setup["options.extras_require"]["test"]
    names = [re.split(r"[\[<>=!~ ]", line)[0] for line in wanted.split("\n") if line.strip()]
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line) for line in lines)
    pinned = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in lines}
    assert len(names) > 30
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in names} <= pinned
    assert "-c constraints.txt" in (ROOT / "installer" / "setup.sh").read_text()
