"""A workspace with an asset, and a sender of scans."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.ingest import finishing, service
from appliance.ingest.manifest import Manifest, manifest_of
from appliance.ingest.models import UploadRow
from appliance.plant.assets import create_asset
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope

#: A scan in a text format, which begins with numbers.
SCAN = b"0.0 0.0 0.0\n1.0 0.0 0.5\n" * 400


def manifest_fields(content: bytes, **more: Any) -> dict[str, Any]:
    """The manifest of an uncompressed XYZ file."""
    fields = {
        "asset": "press-7",
        "format": "xyz",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "captured_at": "2026-03-01T12:00:00Z",
    }
    return {name: value for name, value in {**fields, **more}.items() if value is not None}


def manifest(content: bytes, **more: Any) -> Manifest:
    return manifest_of(manifest_fields(content, **more))


@dataclass
class Sender:
    """Sends scans into a workspace, and notes which inspections were asked for."""

    scope: WorkspaceScope
    inspected: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def inspect(self, scope: WorkspaceScope, scan_id: str, **inputs: Any) -> None:
        self.inspected.append((scan_id, inputs))

    def begin(self, content: bytes, **more: Any) -> UploadRow:
        return service.begin(self.scope, len(content), manifest=manifest(content, **more))

    def append(
        self, upload: UploadRow, offset: int, data: bytes, checksum: service.Checksum | None = None
    ) -> UploadRow:
        return service.append(self.scope, upload.id, offset, reader(data), len(data), checksum)

    def finish(self, upload: UploadRow) -> tuple[UploadRow, Scan]:
        done = finishing.finish(self.scope, upload.id, self.inspect)
        with self.scope:
            return done, Scan.get_by_id(done.scan_id)

    def send(self, content: bytes, *, sent: bytes | None = None, **more: Any) -> tuple[UploadRow, Scan]:
        """One scan in one request; ``sent`` are the bytes on the wire, where they differ from what is announced."""
        data = content if sent is None else sent
        upload = service.begin(self.scope, len(data), manifest=manifest(content, **more))
        self.append(upload, 0, data)
        return self.finish(upload)


def reader(data: bytes) -> service.Read:
    """``data`` as a request's body."""
    rest = memoryview(data)

    def read(size: int) -> bytes:
        nonlocal rest
        block, rest = bytes(rest[:size]), rest[size:]
        return block

    return read


@pytest.fixture
def sender(scope: WorkspaceScope) -> Sender:
    object.__setattr__(scope.settings, "free_space_floor_bytes", 0)
    create_asset(scope, "press-7")
    return Sender(scope)
