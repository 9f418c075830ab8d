"""The import rule of the design: a package imports only what stands above it in the chain."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPLIANCE = ROOT / "appliance"
#: What stands above the appliance: faces that import it, and never each other.
FACES = ("web", "worker")

#: The chain of docs/architecture.md; packages on one line never import each other.
CHAIN = [
    {"errors"},
    {"core"},
    {"config"},
    {"crypto"},
    {"client"},
    {"db"},
    {"queue"},
    {"tenancy"},
    {"audit"},
    {"objects"},
    {"identity"},
    {"plant"},
    {"enrolment"},
    {"foreign"},
    {"scans", "cad"},
    {"mesh"},
    {"alignment", "deviation"},
    {"change"},
    {"qc"},
    {"spc"},
    {"rollups"},
    {"measurements"},
    {"inspections"},
    {"twin"},
    {"ingest", "reports"},
    {"exchange", "trends"},
    {"alerts"},
    {"workspaces"},
    {"isolation"},
    {"simulate"},
    {"supervise"},
    {"cli"},
]
RANK = {package: rank for rank, packages in enumerate(CHAIN) for package in packages}

#: Records that stand free of I/O and may be read from anywhere to their right.
PURE = ["scans/records.py", "cad/records.py", "audit/tree.py", "mesh", "alignment", "deviation", "change", "qc", "spc"]
PURE_LIBRARIES = {"numpy", "scipy", "numba"}
PURE_INTERNAL = {
    "appliance.errors", "appliance.core.bounds", "appliance.core.kernels", "appliance.core.units",
    "appliance.scans.records", "appliance.cad.records", "appliance.audit.tree", "appliance.mesh", "appliance.alignment",
    "appliance.deviation", "appliance.change", "appliance.qc", "appliance.spc",
}  # fmt: skip
IMPURE_STANDARD = {"os", "time", "datetime", "random", "socket", "subprocess", "sqlite3", "urllib", "http", "tempfile"}

#: A third-party library -> the packages or modules that may import it.
GATES = {
    "psycopg": ["db"],
    "nacl": ["crypto"],
    "cryptography": ["crypto"],
    "pyhanko": ["reports"],
    "fpdf": ["reports"],
    "segno": ["reports", "web/console/profile.py"],
    "ldap3": ["identity/ldap"],
    "authlib": ["identity/oidc"],
    "joserfc": ["identity/oidc", "identity/tokens/signing.py"],
    "onelogin": ["identity/saml"],
    "xmlsec": ["identity/saml"],
    "lxml": ["identity/saml"],
    "argon2": ["identity/local/passwords.py"],
    "zxcvbn": ["identity/local/policy.py"],
    "pyotp": ["identity/second_factor.py"],
    "pye57": ["scans/e57", "simulate/e57_file.py"],
    "google_crc32c": ["scans/e57/pages.py"],
    "laspy": ["scans/las", "scans/export"],
    "lazrs": ["scans/las"],
    "defusedxml": ["exchange/qif_tree.py"],
    "pcodec": ["scans/tiles/codec.py"],
    "cascadio": ["cad/step"],
    "rfc8785": ["core/canonical.py"],
    "zstandard": ["core/zstd.py"],
    "requests": ["alerts/webhook.py", "client/connection.py", "identity/oidc/provider.py"],
    "pydantic": ["ingest/manifest.py", "web/api", "web/problems.py"],
    "flask": ["web"],
    "limits": ["web/rates.py"],
    "gunicorn": ["supervise/patient_worker.py", "supervise/refusals.py"],
    "werkzeug": ["web/api/intake.py", "web/lean.py", "web/problems.py"],
    "jinja2": ["web/console/rendering.py"],
    "wsproto": ["web/realtime/socket.py"],
    "prometheus_client": ["web/metrics.py"],
    "numba": ["core/kernels.py"],
    "peewee": ["db", "*/models.py", "*/repository.py", "queue/outbox.py"],
    "redis": ["queue"],
    "rq": ["queue"],
    "rich": ["cli"],
    "click": ["cli"],
}


def modules() -> list[Path]:
    return sorted(APPLIANCE.rglob("*.py"))


def face_modules() -> list[Path]:
    return sorted(path for face in FACES for path in (ROOT / face).rglob("*.py"))


def place(path: Path) -> str:
    """Where a module stands: below ``appliance``, or below the root where it is one of a face."""
    return path.relative_to(APPLIANCE if path.is_relative_to(APPLIANCE) else ROOT).as_posix()


@cache
def imported(path: Path) -> tuple[str, ...]:
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(path: Path) -> str:
    return path.relative_to(APPLIANCE).parts[0].removesuffix(".py")


def test_the_rule_finds_packages_and_imports() -> None:
    packages = {package_of(path) for path in modules()} - {"__init__"}
    assert packages <= set(RANK), "a folder of the tree has no place in the chain of this test"
    edges = [name for path in modules() for name in imported(path) if name.startswith("appliance.")]
    assert len(edges) > 100


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(APPLIANCE)))
def test_a_module_imports_only_what_stands_above_it(path: Path) -> None:
    own = package_of(path)
    for name in imported(path):
        if not name.startswith("appliance.") or own == "__init__":
            continue
        other = name.split(".")[1]
        if other in RANK and other != own:
            assert RANK[other] < RANK[own], f"{own} imports {name}"


@pytest.mark.parametrize("path", face_modules(), ids=place)
def test_a_face_imports_neither_another_face_nor_the_command_line(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        top = name.split(".")[0]
        assert top not in FACES or top == own, f"{path}: {name}"
        assert not f"{name}.".startswith(("appliance.cli.", "appliance.client.", "tests.")), f"{path}: {name}"


def test_the_appliance_imports_no_face() -> None:
    assert face_modules()
    for path in modules():
        assert not {name.split(".")[0] for name in imported(path)} & set(FACES), path


@pytest.mark.parametrize("entry", PURE)
def test_the_pure_zone_touches_neither_files_nor_clock_nor_libraries(entry: str) -> None:
    target = APPLIANCE / entry
    paths = sorted(target.rglob("*.py")) if target.is_dir() else [target]
    assert paths
    for path in paths:
        for name in imported(path):
            top = name.split(".")[0]
            if top == "appliance":
                allowed = name == "appliance" or any(
                    name == inner or name.startswith(inner + ".") for inner in PURE_INTERNAL
                )
                assert allowed or f"{name}." in {f"{inner.rpartition('.')[0]}." for inner in PURE_INTERNAL}, (
                    f"{path}: {name}"
                )
            else:
                assert top in PURE_LIBRARIES or top in sys.stdlib_module_names, f"{path}: {name}"
                assert top not in IMPURE_STANDARD, f"{path}: {name}"


@pytest.mark.parametrize("library", sorted(GATES))
def test_a_library_is_imported_through_its_gate_only(library: str) -> None:
    importers = {
        place(path)
        for path in (*modules(), *face_modules())
        for name in imported(path)
        if name.split(".")[0] == library
    }
    assert importers, f"nobody imports {library}: remove its gate"
    for importer in importers:
        assert any(importer.startswith(gate) or fnmatch(importer, gate) for gate in GATES[library]), (
            f"{importer} imports {library}"
        )
