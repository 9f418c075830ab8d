"""The clock of tokens, set by tests."""

from __future__ import annotations

from datetime import datetime

import pytest

from appliance.identity import bearer, key_holders, sessions
from appliance.identity.tokens import grants, personal, signing


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be this moment wherever tokens look at the clock."""
    for module in (bearer, key_holders, sessions, grants, personal, signing):
        monkeypatch.setattr(module, "utc_now", lambda: moment)
