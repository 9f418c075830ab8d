"""A disk that fills up while points are written: an error that says so, and no torn file."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.errors import Unavailable
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply
from appliance.scans.tiles.writer import write_tiles

COUNT = 100_000


@pytest.fixture
def little_room() -> Iterator[None]:
    """Files of this process end at 100,000 bytes: writing on fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


WRITERS: dict[str, Callable[[Path, Any], Any]] = {
    "laz": lambda path, xyz: write_laz(path, xyz, deviation_mm=np.zeros(COUNT)),
    "ply": lambda path, xyz: write_ply(path, xyz, np.zeros((COUNT, 3), np.uint8)),
    "tiles": lambda path, xyz: write_tiles(path, xyz, {}),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_is_said_and_leaves_nothing(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    xyz = np.random.default_rng(0).random((COUNT, 3)) * 1000
    WRITERS[kind](tmp_path / "fits", xyz)
    (tmp_path / "fits").unlink()
    request.getfixturevalue("little_room")
    with pytest.raises(Unavailable):
        WRITERS[kind](tmp_path / "points", xyz)
    assert list(tmp_path.iterdir()) == []
