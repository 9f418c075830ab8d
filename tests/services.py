"""What a test needs from the machine: it is skipped where that is missing, except where everything must be there."""

from __future__ import annotations

import os

import pytest


def require(name: str, available: bool, reason: str) -> None:
    """Return if ``name`` is available; else skip, or fail where ``D2R_REQUIRE_SERVICES=1`` says that it must be."""
    if available:
        return
    message = f"{name} is not available: {reason}"
    if os.environ.get("D2R_REQUIRE_SERVICES") == "1":
        pytest.fail(message)
    pytest.skip(message)
