"""The demonstration: one housing, scanned six times over its life.

1 new; 2 and 3 its pad wears; 4 a dent in the top; 5 the bore was not scanned; 6 only flat faces seen
from above were scanned, which leaves the alignment free to slide.  Everything is drawn from fixed
seeds: the same files on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from appliance.core.files import write_whole
from appliance.simulate.e57_file import write_e57
from appliance.simulate.part import EDGE_MM, SimulatedPart, machined_housing
from appliance.simulate.scan import Displacement, StationSetup, simulate_scan
from appliance.simulate.stl_file import write_part

Float64 = npt.NDArray[np.float64]

NOISE_MM: Final = 0.02
POINTS: Final = 1_000_000
_STRAYS: Final = 42
_DENT_AT_MM: Final = (36.0, 74.0)
_DENT_SIGMA_MM: Final = 3.0

#: Seven setups about 0.6 m away: four from above, one straight down, two from below (the part was turned).
_STATIONS: Final = tuple(
    StationSetup(name, (80.0 + dx, 50.0 + dy, 15.0 + dz))
    for name, dx, dy, dz in (
        ("north-east", 420, 320, 380), ("north-west", -420, 330, 380), ("south-west", -420, -330, 380),
        ("south-east", 430, -320, 380), ("above", 10, 5, 650), ("below-1", 250, 250, -420),
        ("below-2", -250, -260, -420),
    )
)  # fmt: skip

PLAN: Final = """\
# Inspection plan of the housing; limits are deviations from nominal.
name = "Housing 4711"
version = "B"
unit = "mm"
alignment = "reference_zones"
reference_zones = ["base", "front", "left", "top"]

[[characteristic]]
name = "Pad wear"
zone = "pad"
quantity = "min"
lower = -0.15
coverage = 0.95
detect = 5
edge = 0.5

[[characteristic]]
name = "Pad profile"
zone = "pad"
quantity = "profile"
lower = -0.20
upper = 0.20
coverage = 0.95
detect = 5
edge = 0.5

[[characteristic]]
name = "Top profile"
zone = "top"
quantity = "profile"
lower = -0.20
upper = 0.20
coverage = 0.90
detect = 5
edge = 0.5

[[characteristic]]
name = "Boss side"
zone = "boss_side"
quantity = "profile"
lower = -0.25
upper = 0.25
coverage = 0.85
detect = 6
edge = 0.8

[[characteristic]]
name = "Bore floor height"
zone = "bore_floor"
quantity = "mean"
lower = -0.10
upper = 0.10
coverage = 0.85
detect = 5
edge = 0.5

[[characteristic]]
name = "Stub height"
zone = "stub_top"
quantity = "mean"
lower = -0.10
upper = 0.10
coverage = 0.90
detect = 5
edge = 0.5
"""

INSTRUMENT: Final = """\
maker = "Simulated Metrology"
model = "Strip projector S5"
serial = "S5-0042"
certificate = "SIM-2026-017"
calibrated_on = 2026-01-15
due_on = 2036-01-15
mpe_mm = 0.030
temperature_c = 21.0
temperature_corrected = false
expansion_per_k = 11.5e-6
noise_correlation_mm = 0.2
"""


@dataclass(frozen=True)
class Case:
    """One scan of the series, and what its truth is."""

    name: str
    story: str
    wear_mm: float = 0.0
    dent_mm: float = 0.0
    hidden_zones: tuple[str, ...] = ()
    only_zones: tuple[str, ...] = ()
    seed: int = 0
    stations: tuple[StationSetup, ...] = field(default=_STATIONS)


CASES: Final = (
    Case("scan-1", "new part", seed=1),
    Case("scan-2", "pad worn by 0.05 mm", wear_mm=0.05, seed=2),
    Case("scan-3", "pad worn by 0.11 mm", wear_mm=0.11, seed=3),
    Case("scan-4", "pad worn by 0.13 mm, dent of 0.5 mm in the top", wear_mm=0.13, dent_mm=0.5, seed=4),
    Case("scan-5", "bore not scanned", wear_mm=0.05, hidden_zones=("bore_wall", "bore_floor"), seed=5),
    Case("scan-6", "flat faces from above only", only_zones=("top", "pad", "boss_top", "stub_top"), seed=6,
         stations=_STATIONS[:5]),
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """The files of the demonstration."""

    part: SimulatedPart
    cad: Path
    plan: Path
    instrument: Path

    @classmethod
    def write(cls, folder: Path, edge_mm: float = EDGE_MM) -> Series:
        """Write the part (triangles of about ``edge_mm``), its plan and the instrument's statement into ``folder``."""
        part = machined_housing(edge_mm)
        cad = write_part(folder, "housing", part)
        plan, instrument = folder / "housing.plan.toml", folder / "scanner.toml"
        write_whole(plan, PLAN.encode())
        write_whole(instrument, INSTRUMENT.encode())
        return cls(part, cad, plan, instrument)

    def write_scan(self, folder: Path, case: Case, points: int = POINTS) -> Path:
        """Simulate one scan of the series and write it as E57 into ``folder``."""
        seen = self._seen(case)
        stations = simulate_scan(
            self.part.mesh, case.stations, points, noise_mm=NOISE_MM, seed=case.seed,
            displacement=self._displacement(case), strays=_STRAYS, seen=seen,
        )  # fmt: skip
        path = folder / f"{case.name}.e57"
        write_e57(path, stations, file_from_part(case.seed))
        return path

    def _seen(self, case: Case) -> npt.NDArray[np.bool_]:
        seen = np.full(len(self.part.mesh.triangles), not case.only_zones)
        for zone in case.only_zones:
            seen[self.part.zones[zone]] = True
        for zone in case.hidden_zones:
            seen[self.part.zones[zone]] = False
        return seen

    def _displacement(self, case: Case) -> Displacement:
        on_pad = np.zeros(len(self.part.mesh.triangles), dtype=bool)
        on_pad[self.part.zones["pad"]] = True
        on_top = np.zeros_like(on_pad)
        on_top[self.part.zones["top"]] = True
        return _worn(case, on_pad, on_top)


def _worn(case: Case, on_pad: npt.NDArray[np.bool_], on_top: npt.NDArray[np.bool_]) -> Displacement:
    def displacement(points_mm: Float64, triangle: npt.NDArray[np.int32]) -> Float64:
        along = (points_mm[:, 0] - 110.0) / 50.0
        wear = -case.wear_mm * (0.7 + 0.3 * np.clip(along, 0.0, 1.0))
        away = np.square(points_mm[:, :2] - np.asarray(_DENT_AT_MM)).sum(axis=1)
        dent = -case.dent_mm * np.exp(-away / (2.0 * _DENT_SIGMA_MM**2))
        return np.asarray(np.where(on_pad[triangle], wear, 0.0) + np.where(on_top[triangle], dent, 0.0))

    return displacement


def file_from_part(seed: int) -> Float64:
    """Where the part lay in the room: every scan of the series finds it somewhere else."""
    generator = np.random.default_rng(1000 + seed)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(generator.uniform(-1.0, 1.0, 3)).as_matrix()
    pose[:3, 3] = generator.uniform(-1500.0, 1500.0, 3)
    return pose
