"""Charts: parts of a zone that project one-to-one, locally, onto one plane of the part frame.

A chart is a connected component (over shared edges) of triangles whose normals have the same
dominant axis and side.  Every triangle of a chart is inclined at most 54.7 degrees to its plane,
so the projection is well conditioned: areas shrink at most by sqrt(3).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

#: Relative preference of z over y over x.  A 45-degree plane ties two axes and rounding would scatter its
#: triangles over both; a bias far above rounding and far below any real inclination decides once.
_AXIS_PREFERENCE: Final = np.array([1.0, 1.0 + 1e-6, 1.0 + 2e-6])


def axis_classes(normals: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Class 0..5 (+x, -x, +y, -y, +z, -z) of the dominant axis of unit ``normals`` float64 (m, 3).

    A triangle without area has no normal (NaN): it is classed with +z.
    """
    known = np.where(np.isfinite(normals), normals, 0.0)
    axis = 2 - np.argmax((np.abs(known) * _AXIS_PREFERENCE)[:, ::-1], axis=1)
    negative = np.take_along_axis(known, axis[:, None], axis=1)[:, 0] < 0.0
    return np.asarray(2 * axis + negative, dtype=np.int8)


def zone_neighbours(
    neighbours: npt.NDArray[np.int32], triangles: npt.NDArray[np.int32], place: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """Neighbours int32 (m, 3) of the zone's ``triangles``, as places in the zone; -1 beyond the zone.

    ``place`` : int32 (t,), place in the zone of each triangle of the mesh, -1 outside.
    """
    across = neighbours[triangles]
    return np.where(across >= 0, place[across], np.int32(-1)).astype(np.int32)


def label_charts(classes: npt.NDArray[np.int8], across: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Chart index int32 (m,) of each zone triangle, numbered by the first triangle of each chart."""
    count = len(classes)
    own = np.repeat(np.arange(count), 3)
    other = across.ravel()
    same = (other >= 0) & (classes[own] == classes[other])
    graph = coo_matrix((np.ones(int(same.sum()), dtype=np.int8), (own[same], other[same])), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels, dtype=np.int32)
