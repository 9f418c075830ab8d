"""The private Redis: found on this machine, reachable through a socket file alone, and without a memory of its own."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Final

from appliance.config.settings import Settings
from appliance.core.files import write_whole
from appliance.errors import Misconfigured

#: More than ten thousand waiting jobs and their bookkeeping; what does not fit is refused, never dropped in silence.
MEMORY_MB: Final = 64
#: Longest path of a socket file (``sun_path`` of unix(7), with its ending zero).
SOCKET_PATH_BYTES: Final = 107
_ANSWER_S: Final = 0.5

_CONFIGURATION: Final = """\
# Written at every start.  Nothing is kept on disk: the databases are the truth.
port 0
unixsocket "{socket}"
unixsocketperm 600
dir "{folder}"
daemonize no
supervised no
save ""
appendonly no
maxmemory {memory}mb
maxmemory-policy noeviction
loglevel notice
logfile ""
databases 1
"""


def find_redis_server() -> Path:
    """The redis-server program of this machine.

    Raises
    ------
    Misconfigured : there is none
    """
    found = shutil.which("redis-server", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    if found is None:
        raise Misconfigured(
            "redis.missing", "There is no redis-server on this machine.",
            "Install it (apt-get install redis-server) or set redis_url.",
        )  # fmt: skip
    return Path(found)


def check_socket_path(settings: Settings) -> None:
    """Return if the kernel accepts the socket's path.

    Raises
    ------
    Misconfigured : it is too long
    """
    length = len(os.fsencode(settings.redis_socket))
    if length > SOCKET_PATH_BYTES:
        raise Misconfigured(
            "redis.socket_path",
            f"{settings.redis_socket} has {length} bytes; a socket's path has {SOCKET_PATH_BYTES} at most.",
            "Move the data folder to a shorter path, or set redis_url.",
        )


def write_configuration(settings: Settings) -> Path:
    """Write ``redis.conf`` and remove the socket of a Redis that was killed; returns the file's path."""
    text = _CONFIGURATION.format(socket=settings.redis_socket, folder=settings.redis_folder, memory=MEMORY_MB)
    path = settings.redis_folder / "redis.conf"
    write_whole(path, text.encode(), mode=0o600)
    settings.redis_socket.unlink(missing_ok=True)
    return path


def answers(path: Path) -> bool:
    """Whether a Redis on this socket says PONG."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_ANSWER_S)
        try:
            line.connect(str(path))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False
