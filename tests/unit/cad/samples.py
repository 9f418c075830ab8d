"""Models with known area, volume and faces, and writers of each format, independent of the readers."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

#: Corners and outward triangles of the box 0..1; triangles 2 k and 2 k + 1 are side k.
_CORNERS = np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
_QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
SIDES = ("x0", "x1", "y0", "y1", "z0", "z1")


def box(size: tuple[float, float, float] = (30.0, 20.0, 10.0)) -> tuple[Float64, Int]:
    """A closed box from the origin: 8 vertices, 12 triangles."""
    triangles = [t for a, b, c, d in _QUADS for t in ((a, b, c), (a, c, d))]
    return _CORNERS * size, np.array(triangles)


def box_quads() -> list[tuple[int, int, int, int]]:
    return list(_QUADS)


def write_stl(path: Path, vertices: Float64, triangles: Int, header: bytes = b"made for a test") -> Path:
    records = b"".join(
        struct.pack("<12fH", 0, 0, 0, *(float(v) for corner in vertices[row] for v in corner), 0) for row in triangles
    )
    path.write_bytes(header.ljust(80, b"\0") + struct.pack("<I", len(triangles)) + records)
    return path


def stl_text(vertices: Float64, triangles: Int, name: str = "part") -> str:
    lines = [f"solid {name}"]
    for row in triangles:
        lines += ["  facet normal 0 0 0", "    outer loop"]
        lines += [f"      vertex {x!r} {y!r} {z!r}" for x, y, z in vertices[row].tolist()]
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {name}", ""])


def write_ply(path: Path, vertices: Float64, polygons: list[tuple[int, ...]], order: str = "<") -> Path:
    form = {"<": "binary_little_endian", ">": "binary_big_endian", "": "ascii"}[order]
    header = (
        f"ply\nformat {form} 1.0\ncomment made for a test\nelement vertex {len(vertices)}\n"
        "property double x\nproperty double y\nproperty double z\nproperty uchar red\n"
        f"element face {len(polygons)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    if not order:
        rows = [f"{x!r} {y!r} {z!r} 7" for x, y, z in vertices.tolist()]
        rows += [" ".join(map(str, (len(p), *p))) for p in polygons]
        path.write_text(header + "\n".join(rows) + "\n")
        return path
    body = b"".join(struct.pack(f"{order}3dB", *row, 7) for row in vertices.tolist())
    body += b"".join(struct.pack(f"{order}B{len(p)}i", len(p), *p) for p in polygons)
    path.write_bytes(header.encode() + body)
    return path


def box_obj() -> str:
    """The box with its six sides as quads, two groups a side pair, with texture indices and a comment."""
    vertices, _ = box()
    lines = ["# a box", "o crate", *(f"v {x!r} {y!r} {z!r}" for x, y, z in vertices.tolist()), "vt 0 0"]
    for side, quad in zip(SIDES, _QUADS, strict=True):
        lines += [f"g {side} {side[0]}", "f " + " ".join(f"{corner + 1}/1" for corner in quad)]
    return "\n".join(lines) + "\n"


def write_box_step(path: Path, unit: str = "mm", names: tuple[str, ...] = SIDES) -> Path:
    """An AP214 box 30 x 20 x 10 in ``unit``, one named ADVANCED_FACE a side."""
    return _StepBox(unit, names).write(path)


class _StepBox:
    def __init__(self, unit: str, names: tuple[str, ...]) -> None:
        self.lines: list[str] = []
        vertices, _ = box()
        points = [self.add(f"CARTESIAN_POINT('',({x},{y},{z}))") for x, y, z in vertices.tolist()]
        self.corners = [self.add(f"VERTEX_POINT('',#{point})") for point in points]
        self.points, self.places = points, vertices
        self.edges: dict[tuple[int, int], int] = {}
        faces = [self.face(quad, name) for quad, name in zip(_QUADS, names, strict=True)]
        shell = self.add(f"CLOSED_SHELL('',({','.join(f'#{face}' for face in faces)}))")
        self.frame(self.add(f"MANIFOLD_SOLID_BREP('box',#{shell})"), unit)

    def add(self, text: str) -> int:
        self.lines.append(f"#{len(self.lines) + 1}={text};")
        return len(self.lines)

    def direction(self, vector: Float64) -> int:
        x, y, z = (vector / np.linalg.norm(vector)).tolist()
        return self.add(f"DIRECTION('',({x},{y},{z}))")

    def edge(self, start: int, stop: int) -> str:
        key = (min(start, stop), max(start, stop))
        if key not in self.edges:
            along = self.places[key[1]] - self.places[key[0]]
            vector = self.add(f"VECTOR('',#{self.direction(along)},1.)")
            line = self.add(f"LINE('',#{self.points[key[0]]},#{vector})")
            self.edges[key] = self.add(f"EDGE_CURVE('',#{self.corners[key[0]]},#{self.corners[key[1]]},#{line},.T.)")
        sense = ".T." if key[0] == start else ".F."
        oriented = self.add(f"ORIENTED_EDGE('',*,*,#{self.edges[key]},{sense})")
        return f"#{oriented}"

    def face(self, quad: tuple[int, ...], name: str) -> int:
        loop = self.add(
            "EDGE_LOOP('',(" + ",".join(self.edge(a, b) for a, b in zip(quad, quad[1:] + quad[:1], strict=True)) + "))"
        )
        bound = self.add(f"FACE_OUTER_BOUND('',#{loop},.T.)")
        first, second = self.places[quad[1]] - self.places[quad[0]], self.places[quad[2]] - self.places[quad[1]]
        normal, along = self.direction(np.cross(first, second)), self.direction(first)
        axes = self.add(f"AXIS2_PLACEMENT_3D('',#{self.points[quad[0]]},#{normal},#{along})")
        plane = self.add(f"PLANE('',#{axes})")
        return self.add(f"ADVANCED_FACE('{name}',(#{bound}),#{plane},.T.)")

    def frame(self, solid: int, unit: str) -> None:
        origin = self.add("CARTESIAN_POINT('',(0.,0.,0.))")
        z, x = self.direction(np.array([0.0, 0.0, 1.0])), self.direction(np.array([1.0, 0.0, 0.0]))
        axes = self.add(f"AXIS2_PLACEMENT_3D('',#{origin},#{z},#{x})")
        length = self.length_unit(unit)
        angle = self.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
        solid_angle = self.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
        fuzz = self.add(f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-07),#{length},'d','')")
        context = self.add(
            f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#{fuzz}))"
            f"GLOBAL_UNIT_ASSIGNED_CONTEXT((#{length},#{angle},#{solid_angle}))REPRESENTATION_CONTEXT('',''))"
        )
        shape = self.add(f"ADVANCED_BREP_SHAPE_REPRESENTATION('',(#{axes},#{solid}),#{context})")
        application = self.add("APPLICATION_CONTEXT('automotive_design')")
        part_context = self.add(f"PRODUCT_CONTEXT('',#{application},'mechanical')")
        product = self.add(f"PRODUCT('box','box','',(#{part_context}))")
        formation = self.add(f"PRODUCT_DEFINITION_FORMATION('','',#{product})")
        view = self.add(f"PRODUCT_DEFINITION_CONTEXT('part definition',#{application},'design')")
        definition = self.add(f"PRODUCT_DEFINITION('design','',#{formation},#{view})")
        defined = self.add(f"PRODUCT_DEFINITION_SHAPE('','',#{definition})")
        self.add(f"SHAPE_DEFINITION_REPRESENTATION(#{defined},#{shape})")

    def length_unit(self, unit: str) -> int:
        if unit != "in":
            prefix = {"mm": ".MILLI.", "m": "$"}[unit]
            return self.add(f"(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT({prefix},.METRE.))")
        metre = self.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))")
        measure = self.add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),#{metre})")
        exponents = self.add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)")
        return self.add(f"(CONVERSION_BASED_UNIT('INCH',#{measure})LENGTH_UNIT()NAMED_UNIT(#{exponents}))")

    def write(self, path: Path) -> Path:
        head = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\n"
        head += "FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\nDATA;\n"
        path.write_text(head + "\n".join(self.lines) + "\nENDSEC;\nEND-ISO-10303-21;\n")
        return path
