"""Read a scan file of any known format: the points in millimetres, the file's content deciding its format.

The parsers run in the sandbox of ``appliance.foreign``: a file that crashes, hangs or bloats its
parser is an ``InvalidInput`` like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.limits import Limits
from appliance.foreign.sandbox import Parsed, run_parser
from appliance.scans.records import PointCloud, ScanSummary, Station

#: What a file begins with -> the parser of its format.
_MAGIC: Final = (
    (b"ASTM-E57", "appliance.scans.e57.reader:parse"),
    (b"LASF", "appliance.scans.las:parse"),
    (b"ply\n", "appliance.scans.ply:parse"),
    (b"ply\r", "appliance.scans.ply:parse"),
    (b"# .PCD", "appliance.scans.pcd:parse"),
    (b"VERSION", "appliance.scans.pcd:parse"),
)
#: Formats that are plain numbers are told apart by their names.
_EXTENSIONS: Final = {
    ".e57": "appliance.scans.e57.reader:parse",
    ".las": "appliance.scans.las:parse",
    ".laz": "appliance.scans.las:parse",
    ".ply": "appliance.scans.ply:parse",
    ".pcd": "appliance.scans.pcd:parse",
    ".ptx": "appliance.scans.ptx:parse",
    ".pts": "appliance.scans.text:parse",
    ".xyz": "appliance.scans.text:parse",
    ".txt": "appliance.scans.text:parse",
    ".asc": "appliance.scans.text:parse",
    ".csv": "appliance.scans.text:parse",
}


def read_scan(
    path: Path,
    *,
    unit: str | None = None,
    limits: Limits | None = None,
    progress: Callable[[float], None] | None = None,
) -> PointCloud:
    """All valid points of a scan file.

    Parameters
    ----------
    unit : of the file's coordinates; None means metres for E57, as its standard says, else millimetres
    limits : what the parser may use; None means those for the size of the file
    progress : receives the fraction done, 0 to 1

    Returns
    -------
    Points whose arrays are writable memory of this process; they were shared with the parser, never copied.

    Raises
    ------
    InvalidInput : the format is not known, the file is broken, or it holds no valid point
    """
    if unit is not None:
        mm_per_unit(unit)
    return _cloud(run_parser(parser_for(path), path, {"unit": unit}, limits=limits, progress=progress))


def parser_for(path: Path) -> str:
    """The parser for the file, by what it begins with, else by its extension.

    Raises
    ------
    InvalidInput : the file cannot be read, or neither says a known format
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise unreadable(path, error) from error
    for magic, parser in _MAGIC:
        if head.startswith(magic):
            return parser
    if parser_by_name := _EXTENSIONS.get(path.suffix.lower()):
        return parser_by_name
    known = "E57, LAS, LAZ, COPC, PLY, PCD, PTX, PTS, XYZ"
    raise InvalidInput("scan.format", f"{path.name} is not of a known scan format.", f"Known are {known}.")


def _cloud(parsed: Parsed) -> PointCloud:
    arrays = parsed.arrays
    return PointCloud(
        summary=_summary(parsed.summary, parsed.gaps),
        xyz_mm=arrays["xyz_mm"],
        station=arrays["station"],
        intensity=arrays.get("intensity"),
        rgb=arrays.get("rgb"),
        normals=arrays.get("normals"),
    )


def _summary(summary: Mapping[str, Any], gaps: tuple[str, ...]) -> ScanSummary:
    low, high = summary["bounds_mm"]
    unbound = [f"The file was read with less protection than intended: {gap}." for gap in gaps]
    return ScanSummary(
        format=summary["format"],
        record_count=summary["record_count"],
        invalid_count=summary["invalid_count"],
        stations=tuple(_station(station) for station in summary["stations"]),
        bounds_mm=((low[0], low[1], low[2]), (high[0], high[1], high[2])),
        warnings=(*summary["warnings"], *unbound),
        metadata=summary["metadata"],
    )


def _station(station: Mapping[str, Any]) -> Station:
    position = station["position_mm"]
    place = None if position is None else (position[0], position[1], position[2])
    return Station(station["name"], station["point_count"], place)
