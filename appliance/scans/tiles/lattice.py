"""The lattice of 10 um on which the working set lives, and the Morton keys of its points.

The lattice is absolute (whole multiples of 10 um in the file frame), so the same point has the
same quantised coordinate in every file.  A file counts its *steps* from its own origin: three
unsigned numbers of up to 31 bits (21.4 km).  A Morton key interleaves the leading 21 bits of the
three; where a scene needs more (beyond 20.9 m), the bits below are its *rest*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import CHUNK_POINTS, inline_kernel, kernel, over_chunks
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt64 = npt.NDArray[np.uint64]
UInt32 = npt.NDArray[np.uint32]

#: Lattice steps in a millimetre (10 um).
STEPS_PER_MM: Final = 100.0
#: Bits of one axis in a Morton key: three of them fill 63 bits.
KEY_BITS: Final = 21
#: Bits of one axis in a file: int32 without its sign.
MAX_BITS: Final = 31
#: Steps from the file frame's origin that float64 still counts exactly, with room for differences.
MAX_STEPS: Final = float(2**52)
#: Bits of each axis in one look-up of the table below.
_DIGIT_BITS: Final = 3


def _axes_table() -> UInt64:
    """For 9 bits of a key the 3 bits of each axis, in fields of 21 bits."""
    key = np.arange(1 << 3 * _DIGIT_BITS, dtype=np.uint64)
    table = np.zeros_like(key)
    for bit in range(3 * _DIGIT_BITS):
        place = (bit % 3) * KEY_BITS + bit // 3
        table |= ((key >> np.uint64(bit)) & np.uint64(1)) << np.uint64(place)
    return table


_AXES: Final = _axes_table()


@kernel
def _block_bounds(xyz_mm: Float64, start: int, stop: int, bounds: Float64) -> bool:
    """Least and greatest step of a block in ``bounds`` (2, 3); False where a number is not finite."""
    for axis in range(3):
        low = np.inf
        high = -np.inf
        for i in range(start, stop):
            step = np.rint(xyz_mm[i, axis] * STEPS_PER_MM)
            if not abs(step) < MAX_STEPS:
                return False
            low = min(low, step)
            high = max(high, step)
        bounds[0, axis] = low
        bounds[1, axis] = high
    return True


@inline_kernel
def _spread(value: np.int64) -> np.uint64:
    """The low 21 bits of ``value`` with two empty bits between neighbours."""
    bits = np.uint64(value) & np.uint64(0x1FFFFF)
    bits = (bits | (bits << np.uint64(32))) & np.uint64(0x1F00000000FFFF)
    bits = (bits | (bits << np.uint64(16))) & np.uint64(0x1F0000FF0000FF)
    bits = (bits | (bits << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    bits = (bits | (bits << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    return (bits | (bits << np.uint64(2))) & np.uint64(0x1249249249249249)


@inline_kernel
def _gather(key: np.uint64) -> np.uint64:
    """The inverse of ``_spread``: every third bit of ``key``, packed."""
    bits = np.uint64(key) & np.uint64(0x1249249249249249)
    bits = (bits | (bits >> np.uint64(2))) & np.uint64(0x10C30C30C30C30C3)
    bits = (bits | (bits >> np.uint64(4))) & np.uint64(0x100F00F00F00F00F)
    bits = (bits | (bits >> np.uint64(8))) & np.uint64(0x1F0000FF0000FF)
    bits = (bits | (bits >> np.uint64(16))) & np.uint64(0x1F00000000FFFF)
    return (bits | (bits >> np.uint64(32))) & np.uint64(0x1FFFFF)


@inline_kernel
def _unpacked(low: np.uint64) -> np.uint64:
    """The three axes of 27 bits of a key: x in the lowest 21 bits, y and z in the two fields above."""
    mask = np.uint64(len(_AXES) - 1)
    first = _AXES[low & mask]
    second = _AXES[(low >> np.uint64(9)) & mask] << np.uint64(3)
    third = _AXES[(low >> np.uint64(18)) & mask] << np.uint64(6)
    axes: np.uint64 = first | second | third
    return axes


@kernel
def _block_keys(xyz_mm: Float64, start: int, stop: int, origin: Int64, shift: int, keys: UInt64) -> None:
    """Morton keys of a block: x in the lowest bit of each triple, ``shift`` bits of each axis left out."""
    for i in range(start, stop):
        x = (np.int64(np.rint(xyz_mm[i, 0] * STEPS_PER_MM)) - origin[0]) >> shift
        y = (np.int64(np.rint(xyz_mm[i, 1] * STEPS_PER_MM)) - origin[1]) >> shift
        z = (np.int64(np.rint(xyz_mm[i, 2] * STEPS_PER_MM)) - origin[2]) >> shift
        keys[i] = _spread(x) | (_spread(y) << np.uint64(1)) | (_spread(z) << np.uint64(2))


@kernel
def _rests(xyz_mm: Float64, index: UInt32, origin: Int64, shift: int, rests: UInt32) -> None:
    """The bits that the keys leave out, of the points ``index``: z, y, x from the highest bit down."""
    mask = (np.int64(1) << shift) - 1
    for i in range(len(index)):
        packed = np.int64(0)
        for axis in range(2, -1, -1):
            step = np.int64(np.rint(xyz_mm[index[i], axis] * STEPS_PER_MM)) - origin[axis]
            packed = (packed << shift) | (step & mask)
        rests[i] = packed


@kernel
def _coordinates(gaps: UInt64, first_key: np.uint64, origin: Int64, shift: int, xyz_mm: Float64) -> None:
    """Millimetres (n, 3) of running keys: steps divided by 100, the nearest float64 of each decimal.

    The upper bits of neighbours seldom differ: they are unpacked where they change, the lower 27
    by a table.
    """
    low_bits = np.uint64(9 * _DIGIT_BITS)
    low_mask = (np.uint64(1) << low_bits) - np.uint64(1)
    axis_mask = np.uint64((1 << KEY_BITS) - 1)
    key = first_key
    above = ~key >> low_bits
    x0 = y0 = z0 = np.int64(0)
    for i in range(len(gaps)):
        key += gaps[i]
        if key >> low_bits != above:
            above = key >> low_bits
            upper = key & ~low_mask
            x0 = origin[0] + (np.int64(_gather(upper)) << shift)
            y0 = origin[1] + (np.int64(_gather(upper >> np.uint64(1))) << shift)
            z0 = origin[2] + (np.int64(_gather(upper >> np.uint64(2))) << shift)
        low = _unpacked(key & low_mask)
        xyz_mm[i, 0] = (x0 + (np.int64(low & axis_mask) << shift)) / STEPS_PER_MM
        xyz_mm[i, 1] = (y0 + (np.int64((low >> np.uint64(KEY_BITS)) & axis_mask) << shift)) / STEPS_PER_MM
        xyz_mm[i, 2] = (z0 + (np.int64(low >> np.uint64(2 * KEY_BITS)) << shift)) / STEPS_PER_MM


@kernel
def _add_rests(rests: UInt32, shift: int, xyz_mm: Float64) -> None:
    """Move coordinates by the bits that the keys have left out; exact, as steps are whole."""
    mask = (np.int64(1) << shift) - 1
    for i in range(len(rests)):
        rest = np.int64(rests[i])
        for axis in range(3):
            step = np.rint(xyz_mm[i, axis] * STEPS_PER_MM) + ((rest >> (axis * shift)) & mask)
            xyz_mm[i, axis] = step / STEPS_PER_MM


@kernel
def _box(keys: UInt64, rests: UInt32, shift: int, box: Int64) -> None:
    """Least and greatest steps from the origin of keys and rests, in ``box`` (2, 3)."""
    mask = (np.int64(1) << shift) - 1
    for axis in range(3):
        low = np.int64(1) << np.int64(62)
        high = np.int64(-1)
        for i in range(len(keys)):
            rest = np.int64(rests[i]) if shift else np.int64(0)
            step = np.int64(_gather(keys[i] >> np.uint64(axis))) << shift
            step += (rest >> (axis * shift)) & mask
            low = min(low, step)
            high = max(high, step)
        box[0, axis] = low
        box[1, axis] = high


@dataclass(frozen=True)
class Frame:
    """How a file counts: from where, and in how many bits.

    ``bits`` is the number of bits of the longest axis, at least 1; ``shift`` those beyond a key.
    """

    origin_steps: tuple[int, int, int]
    bits: int

    @property
    def shift(self) -> int:
        """Bits of each axis that the keys leave out."""
        return max(0, self.bits - KEY_BITS)

    @property
    def origin(self) -> Int64:
        """The origin as int64 (3,), for kernels."""
        return np.array(self.origin_steps, np.int64)


def frame_of_points(xyz_mm: Float64) -> Frame:
    """The frame that holds these points.

    Raises
    ------
    InvalidInput : a coordinate is not finite or too large to count, or the extent is beyond 21.4 km
    """
    bounds = np.empty((-(-len(xyz_mm) // CHUNK_POINTS), 2, 3))
    finite = over_chunks(len(xyz_mm), lambda a, b: _block_bounds(xyz_mm, a, b, bounds[a // CHUNK_POINTS]))
    if not all(finite):
        raise InvalidInput(
            "tiles.points",
            "A coordinate is not a number, infinite, or beyond 45 million km.",
            "Drop invalid points before the working set is made.",
        )
    if not len(bounds):
        return Frame((0, 0, 0), 1)
    lower, upper = bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)
    bits = max(1, int((upper - lower).max()).bit_length())
    if bits > MAX_BITS:
        raise InvalidInput(
            "tiles.extent",
            f"The points span {(upper - lower).max() / STEPS_PER_MM / 1e6:.1f} km; a working set holds 21.4 km.",
            "Check the unit of the file, or drop stray points.",
        )
    return Frame((int(lower[0]), int(lower[1]), int(lower[2])), bits)


def keys_of_points(xyz_mm: Float64, frame: Frame) -> UInt64:
    """Morton keys uint64 (n,) of points (n, 3), in their order."""
    keys = np.empty(len(xyz_mm), np.uint64)
    origin, shift = frame.origin, frame.shift
    over_chunks(len(keys), lambda a, b: _block_keys(xyz_mm, a, b, origin, shift, keys))
    return keys


def rests_of_points(xyz_mm: Float64, index: UInt32, frame: Frame) -> UInt32:
    """Rests uint32 of the points ``index``; empty where the keys say it all."""
    rests = np.empty(len(index) if frame.shift else 0, np.uint32)
    if frame.shift:
        _rests(xyz_mm, index, frame.origin, frame.shift, rests)
    return rests


def coordinates_of_keys(gaps: UInt64, first_key: int, rests: UInt32, frame: Frame, xyz_mm: Float64) -> None:
    """Coordinates in ``xyz_mm`` (n, 3) of a run of keys given by their differences."""
    _coordinates(gaps, np.uint64(first_key), frame.origin, frame.shift, xyz_mm)
    if frame.shift:
        _add_rests(rests, frame.shift, xyz_mm)


def box_of_keys(keys: UInt64, rests: UInt32, frame: Frame) -> Int64:
    """Least and greatest steps from the origin, int64 (2, 3)."""
    box = np.empty((2, 3), np.int64)
    _box(keys, rests, frame.shift, box)
    return box
