"""Durable encrypted ingest over HTTP against what it cannot do without: sha256 + write + fsync of the same file.

    python tests/bench/ingest.py [GIGABYTES]

Both are timed in turns, five times, each going first in every other; the ratio is that of the medians.  The upload
goes through gunicorn (gthread) as the appliance runs it: one PATCH over TCP, hashed, sealed, synced, committed, made a
scan with its audit entry and receipt.  The clock runs from the first byte of the creation to the answer of the last
PATCH.  Where the disk is slow the upload gains, because it writes while it receives; with
``D2R_BENCH_FOLDER=/dev/shm`` the processors alone are compared.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.upload_server import found, serving

ROUNDS = 5
BLOCK = 1 << 20
PATH = "/api/v1/workspaces/main/uploads"


def main() -> None:
    size = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * (1 << 30))
    with tempfile.TemporaryDirectory(dir=os.environ.get("D2R_BENCH_FOLDER")) as name:
        folder = Path(name)
        token = found(folder / "data")
        with serving(folder / "data") as port:
            rounds = [one_round(folder, size, number, port, token) for number in range(ROUNDS)]
    bare, ours = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"sha256 + write + fsync  {bare:6.2f} s  {size / bare / 1e9:5.2f} GB/s")
    print(f"upload to receipt       {ours:6.2f} s  {size / ours / 1e9:5.2f} GB/s")
    print(f"ratio                   {bare / ours:6.2f}    (bar 0.6, aim 0.9)")


def one_round(folder: Path, size: int, number: int, port: int, token: str) -> tuple[float, float]:
    source = folder / "scan.xyz"
    digest = write_source(source, size, number)
    if number % 2:
        ours = time_upload(source, digest, port, token)
        os.sync()
        bare = time_bare(source, folder / "copy")
    else:
        bare = time_bare(source, folder / "copy")
        ours = time_upload(source, digest, port, token)
    print(f"round {number + 1}: bare {bare:.2f} s, upload {ours:.2f} s, ratio {bare / ours:.2f}", flush=True)
    for path in (folder / "data" / "objects").rglob("*/??/*"):
        path.unlink()
    os.sync()
    return bare, ours


def write_source(path: Path, size: int, number: int) -> str:
    """A text of ``size`` bytes that is new in every round; returns its SHA-256."""
    line, digest = f"{number}.0 1.0 2.0 ".encode(), sha256()
    block = (line * (BLOCK // len(line) + 1))[:BLOCK]
    with path.open("wb") as file:
        for _ in range(size // BLOCK):
            file.write(block)
            digest.update(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def time_bare(source: Path, target: Path) -> float:
    began, digest = time.perf_counter(), sha256()
    with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as copy:
        while block := file.read(BLOCK):
            digest.update(block)
            copy.write(block)
        os.fsync(copy.fileno())
    seconds = time.perf_counter() - began
    target.unlink()
    os.sync()
    return seconds


def time_upload(source: Path, digest: str, port: int, token: str) -> float:
    size = source.stat().st_size
    manifest = {"asset": "press-7", "format": "xyz", "sha256": digest, "size_bytes": size}
    manifest["captured_at"] = "2026-03-01T12:00:00Z"
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    described = f"manifest {b64encode(json.dumps(manifest).encode()).decode()}"
    connection = http.client.HTTPConnection("127.0.0.1", port, blocksize=BLOCK)
    began = time.perf_counter()
    connection.request("POST", PATH, headers={**headers, "Upload-Length": str(size), "Upload-Metadata": described})
    answer = connection.getresponse()
    answer.read()
    location = answer.headers["Location"]
    media = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0", "Content-Length": str(size)}
    with source.open("rb", buffering=0) as file:
        connection.request("PATCH", location, body=file, headers={**headers, **media})
        answer = connection.getresponse()
    seconds = time.perf_counter() - began
    assert answer.status == 204, answer.read()
    assert answer.headers["D2R-Duplicate"] == "false"
    connection.close()
    return seconds


if __name__ == "__main__":
    main()
