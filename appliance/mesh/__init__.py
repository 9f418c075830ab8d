"""Mesh: the signed closest point of a triangle mesh, exact in float64."""
