"""Poses that nobody fitted: given by the user, or because scan and CAD share a frame."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.records import Alignment
from appliance.alignment.rigid import apply, check_rigid
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]

_NO_REPLICATES: Final = np.zeros((0, 6))


def supplied(
    part_from_scanner: Float64,
    *,
    surface: Surface | None = None,
    xyz_mm: Float64 | None = None,
    cap_mm: float = np.inf,
    mode: str = "supplied",
) -> Alignment:
    """The pose as given, checked; nothing is fitted, so no uncertainty and no ambiguity is stated.

    With ``surface`` and ``xyz_mm`` (n, 3), scanner frame, the residual over points within ``cap_mm`` is
    computed; without, or where no point is that near, it is NaN over 0 points.

    Raises
    ------
    InvalidInput : the matrix is not a rigid motion
    """
    pose = check_rigid(part_from_scanner)
    residual, used = float("nan"), 0
    if surface is not None and xyz_mm is not None:
        distance = surface.closest(apply(pose, xyz_mm)).distance_mm
        near = distance[np.abs(distance) <= cap_mm]
        used = len(near)
        residual = float(np.sqrt(np.square(near).mean())) if used else float("nan")
    return Alignment(pose, mode, residual, used, _NO_REPLICATES, np.zeros(3))


def shared_frame(*, surface: Surface | None = None, xyz_mm: Float64 | None = None, cap_mm: float = np.inf) -> Alignment:
    """Scan and CAD share a frame: ``supplied`` with the identity."""
    return supplied(np.eye(4), surface=surface, xyz_mm=xyz_mm, cap_mm=cap_mm, mode="shared_frame")
