"""The headers of tus 1.0.0 as the document describes them, by what they are for.

Source: https://tus.io/protocols/resumable-upload (1.0.0).
"""

from __future__ import annotations

from typing import Final

from web.api.headers import Header

_BYTES: Final = "^[0-9]{1,18}$"
_MANIFEST: Final = "manifest eyJhc3NldCI6InByZXNzLTA3IiwiZm9ybWF0IjoiZTU3In0="

#: The version that both sides speak.
SPOKEN: Final = Header("Tus-Resumable", "The version of tus.", "1.0.0", required=True, constant="1.0.0")
CHECKSUM: Final = Header(
    "Upload-Checksum", "Algorithm and base64 digest of the bytes of this request.",
    "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
)  # fmt: skip
METADATA: Final = Header("Upload-Metadata", "The manifest: pairs of a key and base64.", _MANIFEST)
LENGTH: Final = Header("Upload-Length", "Bytes of the whole upload; a final one has none.", "104857600", pattern=_BYTES)
OFFSET: Final = Header("Upload-Offset", "Bytes that are there.", "52428800", required=True, pattern=_BYTES)
CONCAT: Final = Header("Upload-Concat", "'partial', or 'final;' and the addresses of partial uploads.", "partial")
OVERRIDE: Final = Header(
    "X-HTTP-Method-Override", "What is meant.", "PATCH", required=True, pattern="^(PATCH|DELETE)$"
)  # fmt: skip
_OVERRIDDEN_OFFSET: Final = Header("Upload-Offset", "Bytes that are there, of a PATCH.", "52428800", pattern=_BYTES)

#: What begins an upload, sends bytes of it, and stands for either.
BEGINS: Final = (SPOKEN, LENGTH, METADATA, CONCAT, CHECKSUM)
SENDS: Final = (SPOKEN, OFFSET, CHECKSUM)
OVERRIDES: Final = (SPOKEN, OVERRIDE, _OVERRIDDEN_OFFSET, CHECKSUM)

#: Where an upload stands and, once there is one, its scan.
STANDS: Final = (
    SPOKEN,
    OFFSET,
    Header("Upload-Expires", "Until when it is kept if nothing comes.", "Fri, 04 Dec 2026 08:00:00 GMT"),
    Header("D2R-Scan", "Address of the scan that it became.", "/api/v1/workspaces/main/scans/scn_01"),
    Header("D2R-Duplicate", "Whether the content was there before.", "false", pattern="^(true|false)$"),
)
LOOKED_AT: Final = (*STANDS, LENGTH, METADATA, CONCAT)
BEGUN: Final = (*STANDS, Header("Location", "Where its bytes go.", "/api/v1/workspaces/main/uploads/upl_01", True))
#: Of an answer that may be to either act.
OVERRIDDEN: Final = (SPOKEN, *(Header(one.name, one.meaning, one.example) for one in STANDS[1:]))
CAPABILITIES: Final = (
    SPOKEN,
    Header("Tus-Version", "Versions that are spoken.", "1.0.0", required=True),
    Header("Tus-Extension", "Extensions that are spoken.", "creation,checksum,expiration", required=True),
    Header("Tus-Max-Size", "The most bytes of an upload.", "107374182400", required=True, pattern=_BYTES),
    Header("Tus-Checksum-Algorithm", "Algorithms of checksums.", "sha256,sha1", required=True),
)
