"""``make client``: write the client anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from web.api.openapi import document
from web.api.v1 import AREAS
from web.client.files import client_files

FOLDER: Final = Path(__file__).resolve().parents[2] / "appliance" / "client" / "api"


def main() -> None:
    """Write every file of the client, and remove what is none any more."""
    files = client_files(document(AREAS))
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.py"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
