"""Compile and cache the kernels of this package, so that nobody's first model pays for it."""

from __future__ import annotations

import numpy as np

from appliance.cad.raw import no_faces
from appliance.cad.records import TriangleMesh
from appliance.cad.regions import Seed, face_group
from appliance.cad.topology import topology
from appliance.cad.weld import weld


def warm_up() -> None:
    """Call every kernel once, on one tetrahedron, with the types of production."""
    corners = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], dtype=np.int32)
    vertices, triangles = weld(corners, triangles)
    mesh = TriangleMesh(vertices, triangles, no_faces(4))
    face_group(mesh, topology(mesh), Seed((0.2, 0.2, 0.0)))
