"""``run/status.json``: what the supervisor last knew, for ``d2r status``, ``d2r doctor`` and the console."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from appliance.config.settings import Settings
from appliance.core.files import write_whole
from appliance.supervise.lock import holder
from appliance.supervise.records import ApplianceStatus, ProcessStatus

STATUS_FILE = "status.json"
LOCK_FILE = "lock"


def write_status(settings: Settings, status: ApplianceStatus) -> None:
    """Write the status, whole."""
    write_whole(settings.run_folder / STATUS_FILE, json.dumps(asdict(status), indent=1).encode(), mode=0o600)


def read_status(settings: Settings) -> ApplianceStatus:
    """How the appliance in this data folder is doing; the lock says whether it runs, the file says how."""
    pid = holder(settings.run_folder / LOCK_FILE)
    if pid is None:
        return ApplianceStatus(running=False)
    try:
        found: dict[str, Any] = json.loads((settings.run_folder / STATUS_FILE).read_bytes())
    except (OSError, ValueError):
        return ApplianceStatus(running=True, pid=pid)
    if found.get("pid") != pid:
        return ApplianceStatus(running=True, pid=pid)
    processes = tuple(ProcessStatus(**process) for process in found.pop("processes"))
    return ApplianceStatus(processes=processes, **found)
