"""A balanced tree of boxes over the triangles, for every point that the grid cannot answer.

Triangles are ordered along a Morton curve of their middles; leaf i of 2^d holds an equal share of
that order, node i has the children 2 i + 1 and 2 i + 2, and boxes grow from the leaves up.  It is
built in linear time.  Boxes are float32, rounded outwards: half the memory, never too small.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.mesh.frames import Floats, Ints, distance2

#: Triangles in a leaf, at most.
LEAF: Final = 4
#: Deep enough for 2^31 triangles in leaves of one.
STACK: Final = 64
#: Boxes are searched until they are farther than the best by this share, so that rounding
#: in a box distance never hides a triangle that is as close as the best (ties go to the lower number).
SLACK: Final = 1.0 + 1e-12
_MORTON_BITS: Final = 10

Boxes = npt.NDArray[np.float32]


class Tree(NamedTuple):
    """``order`` int32 (t,): triangles along the curve; ``boxes`` float32 (2^(d+1) - 1, 6): lower and upper corners."""

    order: Ints
    boxes: Boxes


@inline_kernel
def spread(v: int) -> int:
    """The low ten bits of ``v``, two free places between each."""
    v = (v | (v << 16)) & 0x030000FF
    v = (v | (v << 8)) & 0x0300F00F
    v = (v | (v << 4)) & 0x030C30C3
    return (v | (v << 2)) & 0x09249249


@kernel
def _curve_keys(
    vertices: Floats, triangles: Ints, lower: Floats, scale: float, start: int, stop: int, keys: npt.NDArray[np.uint32]
) -> None:
    for t in range(start, stop):
        key = 0
        for axis in range(3):
            middle = 0.0
            for j in range(3):
                middle += vertices[triangles[t, j], axis]
            place = int((middle / 3.0 - lower[axis]) * scale)
            key |= spread(min(max(place, 0), (1 << _MORTON_BITS) - 1)) << axis
        keys[t] = key


@kernel
def sorted_order(keys: npt.NDArray[np.uint32], bits: int) -> Ints:
    """The stable order of ``keys`` (of at most ``bits`` bits), by counting their digits of eleven bits."""
    count = len(keys)
    order = np.arange(count).astype(np.int32)
    other = np.empty(count, np.int32)
    shift = 0
    while shift < bits:
        places = np.zeros(2049, np.int64)
        for i in range(count):
            places[((keys[i] >> shift) & 2047) + 1] += 1
        for i in range(2048):
            places[i + 1] += places[i]
        for i in range(count):
            digit = (keys[order[i]] >> shift) & 2047
            other[places[digit]] = order[i]
            places[digit] += 1
        order, other = other, order
        shift += 11
    return order


@kernel
def _leaf_boxes(
    vertices: Floats, triangles: Ints, order: Ints, leaves: int, start: int, stop: int, boxes: Boxes
) -> None:
    count = len(order)
    for leaf in range(start, stop):
        node = leaves - 1 + leaf
        for axis in range(3):
            low, high = np.inf, -np.inf
            for i in range(leaf * count // leaves, (leaf + 1) * count // leaves):
                for j in range(3):
                    x = vertices[triangles[order[i], j], axis]
                    low, high = min(low, x), max(high, x)
            # one step of float32 outwards on each side
            boxes[node, axis] = low - abs(low) * 1.2e-7 - 1e-30
            boxes[node, 3 + axis] = high + abs(high) * 1.2e-7 + 1e-30


@kernel
def _grow_boxes(boxes: Boxes, leaves: int) -> None:
    for node in range(leaves - 2, -1, -1):
        one, two = 2 * node + 1, 2 * node + 2
        for axis in range(3):
            boxes[node, axis] = min(boxes[one, axis], boxes[two, axis])
            boxes[node, 3 + axis] = max(boxes[one, 3 + axis], boxes[two, 3 + axis])


def build_tree(vertices: Floats, triangles: Ints) -> Tree:
    """The tree over ``triangles`` (t, 3) of ``vertices`` (v, 3), which lie around the origin."""
    count = len(triangles)
    used = vertices[triangles.reshape(-1)] if len(vertices) < 64 else vertices
    lower = used.min(axis=0)
    extent = float((used.max(axis=0) - lower).max())
    scale = 1023.999 / extent if extent > 0.0 else 0.0
    keys = np.empty(count, np.uint32)
    over_chunks(count, lambda a, b: _curve_keys(vertices, triangles, lower, scale, a, b, keys))
    order = sorted_order(keys, 3 * _MORTON_BITS)
    leaves = 1
    while leaves * LEAF < count:
        leaves *= 2
    boxes = np.empty((2 * leaves - 1, 6), np.float32)
    over_chunks(leaves, lambda a, b: _leaf_boxes(vertices, triangles, order, leaves, a, b, boxes), chunk=16_384)
    _grow_boxes(boxes, leaves)
    return Tree(order, boxes)


@inline_kernel
def box_distance2(boxes: Boxes, node: int, px: float, py: float, pz: float) -> float:
    x = max(boxes[node, 0] - px, px - boxes[node, 3])
    y = max(boxes[node, 1] - py, py - boxes[node, 4])
    z = max(boxes[node, 2] - pz, pz - boxes[node, 5])
    x, y, z = max(x, 0.0), max(y, 0.0), max(z, 0.0)
    squared: float = x * x + y * y + z * z
    return squared


@inline_kernel
def allowed(frames: Floats, t: int, nx: float, ny: float, nz: float, least: float, unoriented: bool) -> bool:
    """Whether triangle ``t`` faces as the normal does: n . n_face > least (its amount where unoriented)."""
    dot: float = nx * frames[t, 9] + ny * frames[t, 10] + nz * frames[t, 11]
    return (abs(dot) if unoriented else dot) > least


@inline_kernel
def closest_in_tree(
    frames: Floats,
    order: Ints,
    boxes: Boxes,
    p: tuple[float, float, float],
    normal: tuple[float, float, float],
    least: float,
    unoriented: bool,
    best: float,
    found: int,
    stack: Ints,
) -> tuple[float, int]:
    """Squared distance and number of the closest triangle nearer than ``best`` (squared), or as given.

    Of triangles equally close the lowest number wins.  ``least`` below -1 admits every triangle, else
    only those that face as ``normal`` does.
    """
    px, py, pz = p
    count = len(order)
    leaves = (len(boxes) + 1) // 2
    top = 1
    stack[0] = 0
    while top > 0:
        top -= 1
        node = stack[top]
        if box_distance2(boxes, node, px, py, pz) > best * SLACK:
            continue
        while node < leaves - 1:
            near, far = 2 * node + 1, 2 * node + 2
            d_near, d_far = box_distance2(boxes, near, px, py, pz), box_distance2(boxes, far, px, py, pz)
            if d_far < d_near:
                near, far, d_near, d_far = far, near, d_far, d_near
            if d_far <= best * SLACK:
                stack[top] = far
                top += 1
            node = near
            if d_near > best * SLACK:
                break
        if node < leaves - 1 or box_distance2(boxes, node, px, py, pz) > best * SLACK:
            continue
        leaf = node - (leaves - 1)
        for i in range(leaf * count // leaves, (leaf + 1) * count // leaves):
            t = order[i]
            if least >= -1.0 and not (frames[t, 14] > 0.0 and allowed(frames, t, *normal, least, unoriented)):
                continue
            d = distance2(frames, t, px, py, pz, best)
            if d < best or (d == best and (found < 0 or t < found)):
                best, found = d, t
    return best, found
