"""Resumable uploads of scans (tus 1.0.0).

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from appliance.client.calls import Calls, Content, quoted


class UploadOut(TypedDict):
    """Where an upload stands."""

    id: str
    kind: str
    state: str
    length_bytes: int
    offset_bytes: int
    created_at: str
    expires_at: str
    scan_id: str | None
    duplicate: bool


class Uploads:
    """Resumable uploads of scans (tus 1.0.0)."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def discover_uploads(self) -> Mapping[str, str]:
        """What uploads can do."""
        return self._calls.exchange("OPTIONS", f"{self._calls.workspace}/uploads")

    def create_upload(
        self,
        content: Content | None = None,
        *,
        upload_length: str | None = None,
        upload_metadata: str | None = None,
        upload_concat: str | None = None,
        upload_checksum: str | None = None,
    ) -> Mapping[str, str]:
        """Begin an upload.

        Parameters
        ----------
        upload_length : bytes of the whole upload; a final one has none
        upload_metadata : the manifest: pairs of a key and base64
        upload_concat : 'partial', or 'final;' and the addresses of partial uploads
        upload_checksum : algorithm and base64 digest of the bytes of this request
        """
        return self._calls.exchange(
            "POST",
            f"{self._calls.workspace}/uploads",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": upload_length,
                "Upload-Metadata": upload_metadata,
                "Upload-Concat": upload_concat,
                "Upload-Checksum": upload_checksum,
            },
            content=content,
            media_type="application/offset+octet-stream",
        )

    def look_at_upload(self, upload_id: str) -> Mapping[str, str]:
        """Ask for the offset."""
        return self._calls.exchange(
            "HEAD", f"{self._calls.workspace}/uploads/{quoted(upload_id)}", headers={"Tus-Resumable": "1.0.0"}
        )

    def get_upload(self, upload_id: str, *, held: UploadOut | None = None) -> UploadOut:
        """Where an upload stands.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: UploadOut = self._calls.get(f"{self._calls.workspace}/uploads/{quoted(upload_id)}", held)
        return record

    def send_bytes(
        self, upload_id: str, content: Content | None = None, *, upload_offset: str, upload_checksum: str | None = None
    ) -> Mapping[str, str]:
        """Send bytes.

        Parameters
        ----------
        upload_offset : bytes that are there
        upload_checksum : algorithm and base64 digest of the bytes of this request
        """
        return self._calls.exchange(
            "PATCH",
            f"{self._calls.workspace}/uploads/{quoted(upload_id)}",
            headers={"Tus-Resumable": "1.0.0", "Upload-Offset": upload_offset, "Upload-Checksum": upload_checksum},
            content=content,
            media_type="application/offset+octet-stream",
        )

    def delete_upload(self, upload_id: str) -> Mapping[str, str]:
        """Give an upload up."""
        return self._calls.exchange(
            "DELETE", f"{self._calls.workspace}/uploads/{quoted(upload_id)}", headers={"Tus-Resumable": "1.0.0"}
        )

    def overridden(
        self,
        upload_id: str,
        content: Content | None = None,
        *,
        x_http_method_override: str,
        upload_offset: str | None = None,
        upload_checksum: str | None = None,
    ) -> Mapping[str, str]:
        """PATCH or DELETE, from where those cannot be sent.

        Parameters
        ----------
        x_http_method_override : what is meant
        upload_offset : bytes that are there, of a PATCH
        upload_checksum : algorithm and base64 digest of the bytes of this request
        """
        return self._calls.exchange(
            "POST",
            f"{self._calls.workspace}/uploads/{quoted(upload_id)}",
            headers={
                "Tus-Resumable": "1.0.0",
                "X-HTTP-Method-Override": x_http_method_override,
                "Upload-Offset": upload_offset,
                "Upload-Checksum": upload_checksum,
            },
            content=content,
            media_type="application/offset+octet-stream",
        )
