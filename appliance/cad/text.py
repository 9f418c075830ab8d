"""Numbers in text files, found and converted by arrays instead of line by line."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput


def token_starts(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Positions in ``codes`` (bytes of ASCII text) where a word begins after white space."""
    word = codes > ord(" ")
    begins = word.copy()
    begins[1:] &= ~word[:-1]
    return np.flatnonzero(begins)


def numbers_of(text: bytes, code: str) -> npt.NDArray[np.float64]:
    """All numbers of a text that holds nothing else, each rounded once to float64.

    Raises
    ------
    InvalidInput : a word that is not a number, under the error code ``code``
    """
    return np.asarray(_converted(text, code, np.float64), dtype=np.float64)


def integers_of(text: bytes, code: str) -> npt.NDArray[np.int64]:
    """All integers of a text that holds nothing else.

    Raises
    ------
    InvalidInput : a word that is not an integer of 64 bits, under the error code ``code``
    """
    return np.asarray(_converted(text, code, np.int64), dtype=np.int64)


def _converted(text: bytes, code: str, kind: type[np.float64] | type[np.int64]) -> npt.NDArray[np.generic]:
    if not text.strip():
        return np.empty(0, dtype=kind)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.fromstring(text, dtype=kind, sep=" ")
    except (ValueError, OverflowError, DeprecationWarning) as error:
        raise InvalidInput(code, "A word stands where a number must be.", "Export the model again.") from error
