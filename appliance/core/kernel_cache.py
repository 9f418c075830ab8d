"""Where the machine code of compiled kernels is kept: a folder named by the hash of *all* their sources.

So a kernel never runs with a stale copy of a function that it calls from another file.  This module does not bring
the compiler with it: who starts a child that will compile names the folder first.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent.parent
#: What marks a source file that holds compiled code.
_KERNEL_MARKS: Final = (b"\n@kernel", b"\n@inline_kernel", b"kernel(")


def kernel_sources_sha256() -> str:
    """Hash over every source file that holds compiled code, in the order of their names."""
    digest = sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if any(mark in source for mark in _KERNEL_MARKS):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + source + b"\0")
    return digest.hexdigest()


def cache_folder() -> Path:
    """The folder that holds the compiled kernels of this engine."""
    use_cache_folder()
    return Path(os.environ["NUMBA_CACHE_DIR"])


def use_cache_folder() -> None:
    """Point numba at a writable folder of this engine, before numba is imported here or in a child.

    A ``NUMBA_CACHE_DIR`` that is already set is left alone: whoever sets it answers for its age.
    Else the first writable one of: ``D2R_KERNEL_CACHE``, the installation's own folder, the user's
    cache, a temporary folder.  A folder that cannot be written is copied from where it is full.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return
    name = kernel_sources_sha256()[:16]
    installed = os.path.join(sys.prefix, "var", "cache", "d2r", "kernels", name)
    user = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    temporary = os.path.join(tempfile.gettempdir(), f"d2r-kernels-{os.getuid()}")
    chosen = os.environ.get("D2R_KERNEL_CACHE")
    roots = [chosen] if chosen else []
    roots += [os.path.dirname(installed), os.path.join(user, "d2r", "kernels"), temporary]
    for root in roots:
        folder = os.path.join(root, name)
        if _is_usable(folder, installed):
            os.environ["NUMBA_CACHE_DIR"] = folder
            return


def _is_usable(folder: str, full: str) -> bool:
    """Whether ``folder`` is ours alone to write; a new one starts as a copy of ``full``, if that is there.

    Machine code is run from here, so a folder that others own or may write is not used.
    """
    try:
        if not os.path.isdir(folder):
            os.makedirs(os.path.dirname(folder), mode=0o755, exist_ok=True)
            if os.path.isdir(full):
                shutil.copytree(full, folder, dirs_exist_ok=True)
            os.makedirs(folder, mode=0o755, exist_ok=True)
        status = os.stat(folder)
    except OSError:
        return False
    return status.st_uid in (0, os.getuid()) and not status.st_mode & 0o022 and os.access(folder, os.W_OK)
