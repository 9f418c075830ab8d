"""Refusals are said at once here; that they are said late otherwise is a test of its own."""

from __future__ import annotations

import pytest

from appliance.identity import login


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.0)
