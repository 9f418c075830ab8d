"""What a client remembers of an upload that is not finished, so that it goes on after its process was lost.

One small file an upload, in the user's state folder, named by what is sent where; removed when the upload is done.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.files import write_whole
from appliance.errors import InvalidInput, Unavailable

_FORMAT: Final = "d2r-push/1"


def state_folder() -> Path:
    """``D2R_PUSH_STATE``, else the user's state folder."""
    stated = os.environ.get("D2R_PUSH_STATE")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(stated) if stated else Path(state) / "d2r" / "push"


@dataclass(frozen=True)
class Memory:
    """Where an upload's address is kept."""

    path: Path

    @classmethod
    def of(cls, base: str, metadata: str, folder: Path | None = None) -> Memory:
        """The memory of sending what ``metadata`` announces to the workspace at ``base``."""
        name = sha256(f"{base}\n{metadata}".encode()).hexdigest()[:32]
        return cls((folder or state_folder()) / f"{name}.json")

    def recall(self) -> str | None:
        """The address of the upload that was begun; None where there is none, or it cannot be read."""
        try:
            record = loads_strict(self.path.read_bytes())
            return str(record["location"]) if record["format"] == _FORMAT else None
        except (OSError, InvalidInput, KeyError, TypeError):
            return None

    def remember(self, location: str) -> None:
        """Keep an address, durably.

        Raises
        ------
        Unavailable : the folder cannot be written
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable("push.state", f"{self.path.parent}: {error.strerror}.", "Set D2R_PUSH_STATE.") from error
        write_whole(self.path, canonical_bytes({"format": _FORMAT, "location": location}) + b"\n", 0o600)

    def forget(self) -> None:
        """Remove what was kept."""
        self.path.unlink(missing_ok=True)
