"""What an object store must do: keep whole files under names, and nothing else.

A store sees ciphertext and keyed names only.  Sealing, hashing and naming stand above it
(``appliance.objects.sealed``), so that a folder and an S3 bucket are worth the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol


class Store(Protocol):
    """Whole files under names; names are 64 lower-case hex digits."""

    def new_draft(self) -> Path:
        """The path of a new empty file (0600), on the store's side, for what may become an object."""

    def adopt(self, draft: Path, name: str) -> None:
        """Give a draft, whose bytes are synced, its name, durably; it replaces what bore that name."""

    def open(self, name: str) -> BinaryIO:
        """The file under ``name``, open for reading at any place.

        Raises
        ------
        NotFound : there is none
        """

    def exists(self, name: str) -> bool:
        """Whether there is a file under ``name``."""

    def delete(self, name: str) -> None:
        """Remove the file under ``name``, durably; a name that is not there is no error."""

    def settle(self) -> None:
        """Make durable what a store that is deferred has adopted; of another one everything is."""

    def names(self) -> Iterator[str]:
        """All names, in no order."""
