"""``d2r push`` over a line that stands still after two thirds, for tests that kill it there."""

from __future__ import annotations

import sys
import time

from appliance.cli.main import run
from appliance.client import upload


class Stalling(upload._Rest):
    """The rest of a file, of which a part does not come."""

    def read(self, size: int = -1) -> bytes:
        block = super().read(size)
        if self._file.tell() > 16 << 20:
            time.sleep(0.5)
            print("halfway", flush=True)
            time.sleep(60)
        return block


upload._Rest = Stalling  # type: ignore[misc]
sys.exit(run(["push", *sys.argv[1:]]))
