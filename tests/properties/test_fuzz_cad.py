"""Damaged CAD files end in a mesh or in InvalidInput, never in anything else.

Each case changes, cuts, repeats or mixes bytes of a sound file.  ``D2R_FUZZ_CASES`` sets the number
of cases a format (300 where it is not set; a STEP case costs ten of the others, so it has a tenth).
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from appliance.cad.formats import _believed
from appliance.errors import InvalidInput
from appliance.foreign.limits import Limits
from appliance.foreign.sandbox import run_in_nursery
from appliance.foreign.start import Nursery
from tests.unit.cad import samples

CASES = int(os.environ.get("D2R_FUZZ_CASES", "300"))
LIMITS = Limits(memory_bytes=3 << 30, cpu_seconds=20, wall_seconds=30.0)
#: A hang, an exception that no parser foresaw, an index out of range.
UNWANTED = ("foreign.deadline", "foreign.cpu", "foreign.broken", "index")
FORMATS = ("stl", "text.stl", "ply", "text.ply", "obj", "step")


def seed_file(folder: Path, kind: str) -> Path:
    vertices, triangles = samples.box()
    path = folder / f"seed.{kind.rpartition('.')[2]}"
    match kind:
        case "stl":
            return samples.write_stl(path, vertices, triangles)
        case "text.stl":
            path.write_text(samples.stl_text(vertices, triangles))
        case "ply":
            return samples.write_ply(path, vertices, samples.box_quads(), "<")
        case "text.ply":
            return samples.write_ply(path, vertices, samples.box_quads(), "")
        case "obj":
            path.write_text(samples.box_obj())
        case "step":
            return samples.write_box_step(path)
    return path


def mutated(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(changed) or 1)
        stop = at + rng.randint(1, 40)
        match rng.randrange(6):
            case 0:
                changed[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del changed[at:stop]
            case 2:
                changed[at:at] = changed[at:stop]
            case 3:
                changed[at : at + 4] = rng.choice(
                    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"nan ", b"-1 9", b"1e999"]
                )
            case 4:
                changed[at:stop] = rng.randbytes(stop - at)
            case 5:
                other = rng.randrange(len(changed) or 1)
                changed[at:stop] = changed[other : other + stop - at]
    return bytes(changed[: rng.randrange(len(changed) or 1)] if rng.random() < 0.1 else changed)


def outcome(nursery: Nursery, parser: str, path: Path) -> str:
    """``read``, or the code of the refusal."""
    try:
        raw = _believed(run_in_nursery(nursery, parser, path, limits=LIMITS))
    except InvalidInput as refusal:
        return refusal.code
    return "read" if raw.triangles.max(initial=-1) < len(raw.vertices) else "index"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_ends_in_a_mesh_or_in_a_reason(tmp_path: Path, kind: str) -> None:
    seed = seed_file(tmp_path, kind)
    data, rng = seed.read_bytes(), random.Random(f"cad {kind}")
    parser = f"appliance.cad.parsers:{seed.suffix[1:]}"
    modules = ["appliance.cad.parsers", *(["appliance.cad.step", "cascadio"] if kind == "step" else [])]
    cases = max(CASES // 10, 1) if kind == "step" else CASES
    ends: Counter[str] = Counter()
    with Nursery(modules) as nursery:
        for case in range(cases):
            path = tmp_path / f"case{case}{seed.suffix}"
            path.write_bytes(mutated(data, rng))
            code = outcome(nursery, parser, path)
            assert code not in UNWANTED, f"case {case} of {kind} ended in {code}"
            ends[code] += 1
            path.unlink()
    assert sum(ends.values()) == cases
    assert ends["read"] < cases
    if kind != "step":  # hardly a change of a STEP text leaves all of its entities whole
        assert ends["read"] > 0
