"""Point lattices with known change, and the same question asked of every point at once."""

from __future__ import annotations

import numpy as np

UP = np.array([0.0, 0.0, 1.0])


def lattice(half_mm: float, step_mm: float, height=None) -> np.ndarray:
    """Points (n, 3) of a square about the origin; ``height`` gives z from x and y."""
    side = np.arange(-half_mm, half_mm + step_mm / 2, step_mm)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side))
    return np.stack((x, y, np.zeros_like(x) if height is None else height(x, y)), axis=1)


def heights_in_cylinder(
    points: np.ndarray, core: np.ndarray, normal: np.ndarray, radius: float, half_length: float
) -> np.ndarray:
    """Heights along the axis of the points in a cylinder, by looking at all of them."""
    offset = points - core
    height = offset @ normal
    across = np.einsum("ij,ij->i", offset, offset) - height**2
    return height[(np.abs(height) <= half_length) & (across <= radius**2)]
