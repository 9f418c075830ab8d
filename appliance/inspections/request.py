"""What a user asks for: files, units, how to align.  The same request replayed gives the same verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class InspectionRequest:
    """One inspection.

    ``supplied`` is a JSON file with the transform; ``fit`` asks for a fit in the plan's mode, from the
    rough transform ``start`` if given; with neither, scan and CAD share a frame.  Units are None where
    the default of the format holds.  ``inspected_at`` is the moment of judging: calibrations are due
    or not on that day.
    """

    scan: Path
    cad: Path
    characteristics: Path
    inspected_at: datetime
    supplied: Path | None = None
    fit: bool = False
    start: Path | None = None
    scan_unit: str | None = None
    cad_unit: str | None = None
    zones: Path | None = None
    instrument: Path | None = None

    def evidence(self) -> dict[str, Path]:
        """The files that the verdict rests on, by their role."""
        files = {
            "scan": self.scan,
            "cad": self.cad,
            "characteristics": self.characteristics,
            "zones": self.zones,
            "instrument": self.instrument,
            "alignment": self.supplied,
            "start": self.start,
        }
        return {role: path for role, path in files.items() if path is not None}

    def parameters(self) -> dict[str, Any]:
        """What beside the files decides the verdict, for result.json."""
        return {"fit": self.fit, "scan_unit": self.scan_unit, "cad_unit": self.cad_unit}
