"""An object store in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.objects.filesystem import FilesystemStore
from appliance.objects.sealed import ObjectStore

KEY = bytes(range(32))


@pytest.fixture
def files(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "objects" / "w", tmp_path / "uploads" / "w")


@pytest.fixture
def objects(files: FilesystemStore) -> ObjectStore:
    return ObjectStore(files, KEY)
