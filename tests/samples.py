"""Small scans of known points in every format that the appliance reads, written by independent means.

The formats are written byte by byte from their descriptions, or by the libraries' own writers, never
through code of the appliance.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

#: Quarter turn about z, and where the second scanner of the E57 stood, metres.
TURN_WXYZ = (np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5))
PLACE_M = (10.0, 20.0, 30.0)


def points(count: int = 40, seed: int = 7) -> np.ndarray:
    """Points on a grid of 2^-10, which every format and a metre of scale keep exactly; float64 (n, 3)."""
    return np.random.default_rng(seed).integers(-2000, 2000, (count, 3)) / 1024.0


def e57(path: Path, xyz: np.ndarray, *, spherical: bool = False, columns: dict[str, Any] | None = None) -> Path:
    """Two scans through the low-level API: the points as they are, and posed with TURN_WXYZ and PLACE_M.

    The first scan has a colour and an intensity too; every fifth point of each is marked invalid.
    """
    import pye57
    from pye57 import libe57

    path.unlink(missing_ok=True)
    file = pye57.E57(str(path), mode="w")
    image = file.image_file
    for number in range(2):
        node = libe57.StructureNode(image)
        node.set("guid", libe57.StringNode(image, f"{{sample-{number}}}"))
        node.set("name", libe57.StringNode(image, f"station {number}"))
        if number:
            node.set("pose", _pose(image, libe57))
        prototype, data = libe57.StructureNode(image), _e57_columns(xyz, spherical)
        for name in data:
            if name.startswith(("cartesian", "spherical")) and not name.endswith("State"):
                prototype.set(name, libe57.FloatNode(image, 0.0, libe57.E57_DOUBLE))
            elif name == "intensity":
                prototype.set(name, libe57.FloatNode(image, 0.0, libe57.E57_SINGLE, 0.0, 1.0))
            else:
                top = 2 if name.endswith("State") else 255
                prototype.set(name, libe57.IntegerNode(image, 0, 0, top))
        vector = libe57.CompressedVectorNode(image, prototype, libe57.VectorNode(image, True))
        node.set("points", vector)
        file.data3d.append(node)
        buffers = libe57.VectorSourceDestBuffer()
        for name, column in data.items():
            buffers.append(libe57.SourceDestBuffer(image, name, column, len(column), True, True))
        writer = vector.writer(buffers)
        writer.write(len(xyz))
        writer.close()
    file.close()
    return path


def sealed(data: bytes) -> bytes:
    """An E57 file with every checksum made right: CRC-32C by its definition, bit by bit."""
    pages = [data[at : at + 1020] for at in range(0, len(data), 1024)]
    return b"".join(page + crc32c(page).to_bytes(4, "big") for page in pages)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli, reflected polynomial 0x82F63B78). Source: RFC 3720, appendix B.4."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def _e57_columns(xyz: np.ndarray, spherical: bool) -> dict[str, np.ndarray]:
    x, y, z = (np.ascontiguousarray(column) for column in xyz.T)
    count = np.arange(len(xyz))
    invalid = np.where(count % 5 == 4, 2, 0).astype(np.uint8)
    if spherical:
        distance = np.sqrt(x * x + y * y + z * z)
        data = {
            "sphericalRange": distance,
            "sphericalAzimuth": np.arctan2(y, x),
            "sphericalElevation": np.arcsin(z / distance),
            "sphericalInvalidState": invalid,
        }
    else:
        data = {"cartesianX": x, "cartesianY": y, "cartesianZ": z, "cartesianInvalidState": invalid}
    data["intensity"] = (count / len(xyz)).astype(np.float32)
    data["colorRed"] = count.astype(np.uint8)
    data["colorGreen"] = (2 * count).astype(np.uint8)
    data["colorBlue"] = (3 * count).astype(np.uint8)
    return data


def _pose(image: Any, libe57: Any) -> Any:
    pose, turn, shift = (libe57.StructureNode(image) for _ in range(3))
    for name, value in zip("wxyz", TURN_WXYZ, strict=True):
        turn.set(name, libe57.FloatNode(image, float(value)))
    for name, value in zip("xyz", PLACE_M, strict=True):
        shift.set(name, libe57.FloatNode(image, value))
    pose.set("rotation", turn)
    pose.set("translation", shift)
    return pose


def las(path: Path, xyz: np.ndarray) -> Path:
    """LAS 1.4 format 7, or LAZ by the extension, in steps of 2^-10, with 16-bit colours."""
    import laspy

    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = np.full(3, 2.0**-10), np.zeros(3)
    data = laspy.LasData(header)
    data.x, data.y, data.z = xyz.T
    data.intensity = np.arange(len(xyz)).astype(np.uint16)
    data.red = (np.arange(len(xyz)) * 256).astype(np.uint16)
    data.write(str(path))
    return path


def ply(path: Path, xyz: np.ndarray, form: str = "binary_little_endian") -> Path:
    """Vertices with normals and colours, and one triangle."""
    count = len(xyz)
    lines = ["ply", f"format {form} 1.0", "comment sample", f"element vertex {count}"]
    lines += [f"property double {axis}" for axis in "xyz"] + [f"property float n{axis}" for axis in "xyz"]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    lines += ["element face 1", "property list uchar int vertex_indices", "end_header", ""]
    body = b""
    sign = ">" if form == "binary_big_endian" else "<"
    for at, (x, y, z) in enumerate(xyz):
        if form == "ascii":
            body += f"{x!r} {y!r} {z!r} 0 0 2 {at} 5 6\n".replace("np.float64(", "").replace(")", "").encode()
        else:
            body += struct.pack(sign + "3d3f3B", x, y, z, 0, 0, 2, at % 256, 5, 6)
    body += b"3 0 1 2\n" if form == "ascii" else struct.pack(sign + "B3i", 3, 0, 1, 2)
    path.write_bytes("\n".join(lines).encode() + body)
    return path


def pcd(path: Path, xyz: np.ndarray, form: str = "binary") -> Path:
    """Points with packed colours and a viewpoint at 1 2 3; the last point is NaN."""
    rows = np.zeros(len(xyz), [("x", "<f8"), ("y", "<f8"), ("z", "<f8"), ("rgb", "<u4")])
    for axis, values in zip("xyz", xyz.T, strict=True):
        rows[axis] = values
    rows["x"][-1] = np.nan
    rows["rgb"] = 0x102030
    head = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 8 8 8 4\nTYPE F F F U\nCOUNT 1 1 1 1\n"
    head += f"WIDTH {len(xyz)}\nHEIGHT 1\nVIEWPOINT 1 2 3 1 0 0 0\nPOINTS {len(xyz)}\nDATA {form}\n"
    if form == "ascii":
        body = "".join(f"{float(r['x'])!r} {float(r['y'])!r} {float(r['z'])!r} {r['rgb']}\n" for r in rows).encode()
    elif form == "binary":
        body = rows.tobytes()
    else:
        full = b"".join(rows[name].tobytes() for name in rows.dtype.names or ())
        packed = lzf(full)
        body = struct.pack("<II", len(packed), len(full)) + packed
    path.write_bytes(head.encode() + body)
    return path


def lzf(data: bytes) -> bytes:
    """LZF by the simplest encoder that uses both of its forms: literals, and runs of one byte as copies."""
    out, at = bytearray(), 0
    while at < len(data):
        run = 1
        while at + run < len(data) and data[at + run] == data[at] and run < 200:
            run += 1
        out += bytes([0, data[at]])
        at += 1
        length = run - 1
        if length >= 9:
            out += bytes([7 << 5, length - 9, 0])
            at += length
        elif length >= 3:
            out += bytes([(length - 2) << 5, 0])
            at += length
    return bytes(out)


def pts(path: Path, xyz: np.ndarray) -> Path:
    """Two sections of x y z intensity red green blue, each with its count."""
    text = ""
    for part in np.array_split(xyz, 2):
        text += f"{len(part)}\n" + "".join(f"{x:.10f} {y:.10f} {z:.10f} -7 1 2 3\n" for x, y, z in part)
    path.write_text(text)
    return path


def xyz_text(path: Path, xyz: np.ndarray) -> Path:
    """Comma-separated, with named columns."""
    path.write_text("X,Y,Z,Intensity\n" + "".join(f"{x:.10f},{y:.10f},{z:.10f},{x:.3f}\n" for x, y, z in xyz))
    return path


def ptx(path: Path, xyz: np.ndarray) -> Path:
    """One scan of a grid with two columns, a quarter turn about z and a place; the first point has no return."""
    lines = [f"{2}", f"{len(xyz) // 2}", "10 20 30", "0 1 0", "-1 0 0", "0 0 1"]
    lines += ["0 1 0 0", "-1 0 0 0", "0 0 1 0", "10 20 30 1", "0 0 0 0.5 0 0 0"]
    lines += [f"{x:.10f} {y:.10f} {z:.10f} 0.25 7 8 9" for x, y, z in xyz[1:]]
    path.write_text("\n".join(lines) + "\n")
    return path
