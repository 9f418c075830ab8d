"""Mesh: the signed closest point of a triangle mesh, exact in float64."""

from __future__ import annotations


def warm_up() -> None:
    """Compile and cache the kernels of this package."""
    from appliance.mesh.warm import warm_up as compile_kernels

    compile_kernels()
