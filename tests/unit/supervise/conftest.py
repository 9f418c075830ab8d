"""An appliance that was just founded."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config.settings import Settings, load_settings
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.unit.supervise.ports import free_port


@pytest.fixture
def settings() -> Iterator[Settings]:
    """Settings of an appliance with one workspace, ``plant``, in a folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="d2r-"))
    settings = load_settings(folder, {"D2R_PORT": str(free_port()), "D2R_REALTIME_PORT": str(free_port())})
    with Site.open(settings, create=True) as site:
        site.create_workspace("plant", "Plant", SYSTEM)
    yield settings
    shutil.rmtree(folder, ignore_errors=True)
