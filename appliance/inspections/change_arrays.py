"""What was found at each core point of a computed change, read from its stored result."""

from __future__ import annotations

import tempfile
import zipfile
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from appliance.errors import Conflict, Unavailable
from appliance.inspections.change import ARRAYS
from appliance.inspections.scan_changes import change_file, get_change, summary_of
from appliance.tenancy.scope import WorkspaceScope

#: Of more core points nothing is drawn here: 60 bytes a core point are held.
MOST_CORES: Final = 2_000_000


@dataclass(frozen=True)
class ChangeArrays:
    """The part of ``change.npz`` that a picture needs; lengths in mm, in the frame of the first scan.

    Attributes
    ----------
    cores_mm : float64 (m, 3)
    distance_mm : float64 (m,), NaN where nothing was compared
    has_level : bool (m,), whether a level of detection is known
    significant : bool (m,), change beyond that level
    """

    cores_mm: npt.NDArray[np.float64]
    distance_mm: npt.NDArray[np.float64]
    has_level: npt.NDArray[np.bool_]
    significant: npt.NDArray[np.bool_]


def can_be_drawn(cores: int) -> bool:
    """Whether a change of so many core points is read at once."""
    return cores <= MOST_CORES


def arrays_of(scope: WorkspaceScope, change_id: str) -> ChangeArrays:
    """The core points of a change.

    Raises
    ------
    NotFound : there is no such change
    Conflict : it is not computed, or has more than ``MOST_CORES`` core points
    Unavailable : the stored result cannot be read
    """
    found = summary_of(get_change(scope, change_id))
    if found is not None and not can_be_drawn(found["change"]["cores"]):
        message = f"The change has more than {MOST_CORES:,} core points; they are not read at once."
        raise Conflict("change.large", message, "Fetch change.laz and open it in a viewer.")
    with tempfile.TemporaryFile(dir=scope.settings.scratch_folder) as file:
        for block in change_file(scope, change_id, ARRAYS):
            file.write(block)
        return _read(file)


def _read(file: IO[bytes]) -> ChangeArrays:
    file.seek(0)
    try:
        with np.load(file, allow_pickle=False) as held:
            has_level = ~np.isnan(held["lod_mm"])
            return ChangeArrays(held["cores_mm"], held["distance_mm"], has_level, held["significant"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Unavailable("change.arrays", "The stored result of the change cannot be read.") from error
