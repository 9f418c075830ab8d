"""Rows of docs/crash-matrix.md: killed while alerts are raised and told, and taken up by the next round."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.alerts.channels import WEBHOOK, add_channel, list_deliveries
from appliance.alerts.engine import look_for_alerts
from appliance.alerts.models import DELIVERED
from appliance.alerts.rules import set_rule
from appliance.alerts.service import list_alerts
from appliance.audit.database_log import DatabaseLog
from appliance.config.settings import load_settings
from appliance.core.canonical import loads_strict
from appliance.core.clock import utc_now
from appliance.plant.assets import create_asset
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.unit.alerts.receivers import Hook, webhook

_ROUND = """
import sys
from datetime import timedelta
from pathlib import Path
from appliance.alerts.delivery import deliver
from appliance.alerts.engine import look_for_alerts
from appliance.config.settings import load_settings
from appliance.core.clock import utc_now
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
with Site.open(load_settings(Path(sys.argv[1]))) as site:
    scope = site.scope(SYSTEM, "main")
    look_for_alerts(scope, utc_now() + timedelta(days=8))
    deliver(scope)
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def data(tmp_path: Path, hook: Hook) -> Path:
    """An appliance with two assets that nobody scans, a rule, and a receiver."""
    with Site.open(load_settings(tmp_path / "d", {}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        scope = site.scope(SYSTEM, "main")
        for name in ("press-1", "press-2"):
            create_asset(scope, name)
        set_rule(scope, "weekly", "missing_scans", {"interval_days": 7}, reason="as agreed")
        allowed = replace(scope, settings=replace(scope.settings, webhook_origins=hook.url))
        add_channel(allowed, "hall", WEBHOOK, hook.url)
    return tmp_path / "d"


def one_round(data: Path, hook: Hook, fault: str = "") -> int:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("D2R_")}
    environ["D2R_WEBHOOK_ORIGINS"] = hook.url
    armed = {"D2R_FAULT": fault, "D2R_ALLOW_FAULTS": "1"} if fault else {}
    return subprocess.run(
        [sys.executable, "-c", _ROUND, str(data)], env=environ | armed, capture_output=True
    ).returncode


@pytest.mark.parametrize("fault", ["alerts.looked", "audit.recorded:2", "alerts.sent", "alerts.sent:2"])
def test_who_was_killed_raises_and_tells_nothing_twice(data: Path, hook: Hook, fault: str) -> None:
    assert one_round(data, hook, fault) == -signal.SIGKILL
    for _ in range(2):
        assert one_round(data, hook) == 0
    with Site.open(load_settings(data, {})) as site:
        scope = site.scope(SYSTEM, "main")
        assert len(list_alerts(scope)) == 2
        assert [row.state for row in list_deliveries(scope)] == [DELIVERED, DELIVERED]
        assert look_for_alerts(scope, utc_now() + timedelta(days=9)) == 0
        log = DatabaseLog.of(scope)
        kinds = [loads_strict(log.entry(index))["kind"] for index in range(log.size)]
    assert kinds.count("alert.raised") == 2
    ids = [headers["webhook-id"] for _, headers, _ in hook.received]
    assert len(set(ids)) == 2
    # killed between sending and noting it: the same is sent again, under its id
    assert len(ids) == (3 if fault.startswith("alerts.sent") else 2)
