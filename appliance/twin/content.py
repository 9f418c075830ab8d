"""The content of a version: what its hash is over, and whether a row still is what it was made as.

Versions are chained: the hash covers that of the parent, of the field and of the skin, so that the hash of a head,
which stands in the audit log, fixes the whole history of the twin.
"""

from __future__ import annotations

from typing import Any, Final

from appliance.core.canonical import canonical_sha256
from appliance.errors import Modified
from appliance.twin.models import TwinVersion

_FORMAT: Final = "d2r-twin/1"
#: What a version says about itself.  Names of objects are left out: they hold under one workspace's key alone.
_COVERED: Final = (
    "id", "asset_id", "number", "parent_id", "parent_sha256", "part_id", "cad_revision_id", "cad_sha256",
    "inspection_id", "envelope_sha256", "verdict", "amends_id", "restores_id", "reason", "measured_at", "recorded_at",
    "recorded_by", "cells", "cells_sha256", "zones_sha256", "field_sha256", "skin_sha256",
)  # fmt: skip


def content_sha256(version: TwinVersion) -> str:
    """Hash over everything that a version says, lower-case hex."""
    said: dict[str, Any] = {name: getattr(version, name) for name in _COVERED}
    return canonical_sha256(said | {"format": _FORMAT, "coverage": repr(float(version.coverage))})


def verify_version(version: TwinVersion) -> TwinVersion:
    """The version, if it is what it was made as.

    Raises
    ------
    Modified : a column was changed since
    """
    if content_sha256(version) != version.content_sha256:
        raise Modified("twin.version", f"Version {version.number} of the twin is not what was recorded.")
    return version
