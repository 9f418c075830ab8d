"""The line as the command line runs it: inspect, then report with the user's own keys and log."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.errors import Misconfigured, Unavailable
from appliance.inspections.request import InspectionRequest
from appliance.inspections.steps import Steps, Watcher

if TYPE_CHECKING:
    from appliance.inspections.records import Inspection
    from appliance.reports.sections.views import View


def home_folder() -> Path:
    """Where keys and log live: ``D2R_HOME``, else the user's data folder."""
    stated = os.environ.get("D2R_HOME")
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return Path(stated) if stated else Path(data) / "d2r"


def passphrase() -> str | None:
    """The key store's passphrase from ``D2R_PASSPHRASE`` or the file ``D2R_PASSPHRASE_FILE`` names."""
    named = os.environ.get("D2R_PASSPHRASE_FILE")
    if not named:
        return os.environ.get("D2R_PASSPHRASE") or None
    try:
        return Path(named).read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("keys.passphrase_file", f"The passphrase file {named} cannot be read.") from error


def inspect_and_report(request: InspectionRequest, folder: Path, watcher: Watcher) -> Mapping[str, Any]:
    """Inspect, write the clouds and the signed report into ``folder``; returns result.json's content.

    Raises
    ------
    D2RError : whatever a station refuses
    """
    from appliance.cli.keys import open_store

    make_folder(folder)
    keys = open_store()
    try:
        inspection, views = _inspect(request, folder, watcher)
        from appliance.audit.log import FileLog
        from appliance.core.clock import utc_now
        from appliance.reports.issue import issue_report

        with Steps(watcher).step("report") as progress:
            issue_report(
                inspection, folder, keys=keys, log=FileLog.of(keys), issued_at=utc_now(), views=views, progress=progress
            )
    except BaseException:
        from appliance.inspections.records import CLOUDS

        for name in CLOUDS:
            (folder / name).unlink(missing_ok=True)
        raise
    return inspection.result


def _inspect(request: InspectionRequest, folder: Path, watcher: Watcher) -> tuple[Inspection, list[View]]:
    """The inspection, its clouds in ``folder``, and the views of its report.

    What the stations need is loaded while the scan is read in a process of its own.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    from appliance.inspections.begin import begin

    written: list[Future[dict[str, str]]] = []
    with begin(request, watcher) as begun, ThreadPoolExecutor(1) as writer:
        from dataclasses import replace

        from appliance.inspections.pipeline import complete
        from appliance.inspections.records import CLOUDS
        from appliance.reports.records import REPORT_NAMES

        for name in (*CLOUDS, *REPORT_NAMES):
            (folder / name).unlink(missing_ok=True)  # a folder never holds parts of two inspections
        writer.submit(_load_libraries)
        inspection = complete(begun, lambda *compared: written.append(writer.submit(_write_clouds, folder, *compared)))
        from appliance.reports.sections.views import render_views

        views = render_views(inspection)
    result = {**inspection.result, "clouds_sha256": written[0].result()}
    return replace(inspection, result=result), views


def _load_libraries() -> None:
    """Load compiled kernels, and what writes clouds and reports."""
    from appliance.supervise.kernels import NOT_OF_INSPECTIONS, load_compiled

    load_compiled(NOT_OF_INSPECTIONS)
    import appliance.inspections.outputs
    import appliance.reports.issue  # noqa: F401


def _write_clouds(folder: Path, *compared: Any) -> dict[str, str]:
    from appliance.inspections.outputs import write_clouds

    return write_clouds(folder, *compared)


def make_folder(folder: Path) -> None:
    """Make the folder for results, with a clear error where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable("file.unwritable", f"{folder}: {error.strerror}.", "Choose another folder.") from error
