"""PLY, read back byte for byte by its own specification."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.scans.export import ply
from appliance.scans.export.ply import write_ply

HEADER = (
    b"ply\nformat binary_little_endian 1.0\ncomment unit mm\nelement vertex 2500\n"
    b"property double x\nproperty double y\nproperty double z\n"
    b"property uchar red\nproperty uchar green\nproperty uchar blue\n"
)


def test_every_number_stands_where_the_header_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ply, "BLOCK_POINTS", 1000)
    rng = np.random.default_rng(6)
    xyz, rgb = rng.normal(5e8, 1e3, (2500, 3)), rng.integers(0, 256, (2500, 3)).astype(np.uint8)
    deviation = rng.normal(0, 1, 2500)
    deviation[7] = np.nan
    seen: list[float] = []
    write_ply(tmp_path / "a.ply", xyz, rgb, deviation_mm=deviation, progress=seen.append)
    assert seen == [0.4, 0.8, 1.0, 1.0]
    data = (tmp_path / "a.ply").read_bytes()
    header = HEADER + b"property float scalar_deviation_mm\nend_header\n"
    assert data.startswith(header)
    raw = np.frombuffer(data[len(header) :], np.uint8).reshape(2500, 31)
    assert np.array_equal(raw[:, :24].copy().view("<f8"), xyz)
    assert np.array_equal(raw[:, 24:27], rgb)
    assert np.array_equal(raw[:, 27:].copy().view("<f4")[:, 0], deviation.astype(np.float32), equal_nan=True)


def test_without_deviations_there_is_no_scalar_field(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", np.ones((2500, 3)), np.zeros((2500, 3), np.uint8))
    data = (tmp_path / "a.ply").read_bytes()
    assert data.startswith(HEADER + b"end_header\n")
    assert len(data) == len(HEADER) + len(b"end_header\n") + 2500 * 27


def test_no_points_make_a_header_alone(tmp_path: Path) -> None:
    write_ply(tmp_path / "a.ply", np.empty((0, 3)), np.empty((0, 3), np.uint8))
    data = (tmp_path / "a.ply").read_bytes()
    assert b"element vertex 0\n" in data
    assert data.endswith(b"end_header\n")


def test_what_the_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    xyz, rgb = np.ones((4, 3)), np.zeros((4, 3), np.uint8)
    broken = xyz.copy()
    broken[0, 0] = np.inf
    with pytest.raises(InvalidInput):
        write_ply(tmp_path / "a.ply", broken, rgb)
    with pytest.raises(InvalidInput):
        write_ply(tmp_path / "a.ply", xyz, rgb[:3])
    with pytest.raises(InvalidInput):
        write_ply(tmp_path / "a.ply", xyz, rgb, deviation_mm=np.zeros(5))
    assert list(tmp_path.iterdir()) == []
