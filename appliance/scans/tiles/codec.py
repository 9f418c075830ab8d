"""Columns of numbers to bytes and back, by pcodec: the only module that knows this library.

Encode and decode stand together.  A column names its own number type, so a writer may narrow a
column where a tile allows it, and a reader needs no note of that.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pcodec import ChunkConfig, DeltaSpec, ModeSpec, standalone

from appliance.errors import InvalidInput

#: Gaps between Morton keys: already differences, never multiples.  Level 8 is the last whose gain
#: in size is worth its time (measured: 10 is 0.5 % smaller and takes four times as long).
_GAPS: Final = ChunkConfig(compression_level=8, mode_spec=ModeSpec.classic(), delta_spec=DeltaSpec.no_op())
#: Measured columns: level 8 would be 1 % smaller and take half as long again.
_WHOLE: Final = ChunkConfig(compression_level=6, mode_spec=ModeSpec.classic(), enable_8_bit=True)
#: Floats often are multiples of one unit, such as 1/255; the codec looks for it.
_FLOATS: Final = ChunkConfig(compression_level=6)


def encode_gaps(gaps: npt.NDArray[np.uint64]) -> bytes:
    """The differences between neighbouring Morton keys as bytes."""
    return bytes(standalone.simple_compress(gaps, _GAPS))


def encode_values(values: npt.NDArray[Any]) -> bytes:
    """A column of numbers (n,), contiguous, as bytes that hold it without loss."""
    return bytes(standalone.simple_compress(values, _FLOATS if values.dtype.kind == "f" else _WHOLE))


def decode_column(data: bytes, count: int, *dtypes: str) -> npt.NDArray[Any]:
    """The column (count,) of these bytes, in the type that it was encoded with: one of ``dtypes``.

    Raises
    ------
    InvalidInput : the bytes are no column, one of another length or type
    """
    try:
        values = standalone.simple_decompress(data)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidInput("tiles.column", f"A column cannot be decoded: {error}.") from error
    if values is None or len(values) != count:
        found = 0 if values is None else len(values)
        raise InvalidInput("tiles.column", f"A column holds {found} numbers where {count} belong.")
    if values.dtype.str not in dtypes:
        raise InvalidInput(
            "tiles.column",
            f"A column holds {values.dtype.str}, not {' or '.join(dtypes)}.",
        )
    return np.asarray(values)
