"""Before anything starts: each obstacle ends in one line that says what to do.  Nothing here changes anything."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import stat
from typing import Final

from appliance.config.settings import Settings
from appliance.errors import Misconfigured, Unavailable
from appliance.supervise.redis_server import check_socket_path, find_redis_server

#: Below this the databases themselves could not be written any more.
LEAST_FREE_BYTES: Final = 64 << 20


def check_start(settings: Settings) -> None:
    """Return if nothing stands in the way of ``d2r up``.

    Raises
    ------
    Misconfigured : not initialised, wrong owner or permissions, no redis-server, a path too long for a socket
    Unavailable : the disk is full, a port is taken
    """
    check_initialised(settings)
    check_folder(settings)
    check_space(settings)
    if not settings.redis_url:
        find_redis_server()
        check_socket_path(settings)
    check_port(settings.bind, settings.port, "port")
    check_port(settings.bind, settings.realtime_port, "realtime_port")


def check_initialised(settings: Settings) -> None:
    """Return if ``d2r init`` was here.

    Raises
    ------
    Misconfigured : it was not
    """
    founded = settings.control_db.is_file() or settings.database_file.is_file()
    if not (founded and settings.master_key_file.is_file()):
        raise Misconfigured(
            "up.not_initialised", f"There is no appliance in {settings.data}.", f"Run d2r init --data {settings.data}."
        )


def check_folder(settings: Settings) -> None:
    """Return if the data folder is ours, and ours alone.

    Raises
    ------
    Misconfigured : another owner, open to others, or not writable
    """
    status = settings.data.stat()
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        raise Misconfigured(
            "data.owner", f"{settings.data} belongs to user {status.st_uid}, and this is user {os.geteuid()}.",
            "Run as its owner.",
        )  # fmt: skip
    if mode & 0o077:
        raise Misconfigured(
            "data.mode", f"{settings.data} is open to other users (mode {mode:04o}).", f"Run chmod 700 {settings.data}."
        )
    for folder in settings.folders:
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise Misconfigured("data.unwritable", f"{folder} cannot be written.", f"Run chmod 700 {folder}.")


def check_space(settings: Settings) -> None:
    """Return if the databases can be written.

    Raises
    ------
    Unavailable : the disk is full
    """
    free = shutil.disk_usage(settings.data).free
    if free < LEAST_FREE_BYTES:
        raise Unavailable(
            "disk.full", f"{settings.data} has {free >> 20} MB free; {LEAST_FREE_BYTES >> 20} MB are needed to start.",
            "Make room on this disk.",
        )  # fmt: skip


def check_port(host: str, port: int, setting: str) -> None:
    """Return if this process may listen there.

    Raises
    ------
    Unavailable : somebody listens there already, or the address is not this machine's
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = f"Port {port} on {host} is in use."
                hint = f"Stop what uses it, or set another: {setting} in settings.toml, D2R_{setting.upper()}."
            else:
                message = f"This machine cannot listen on {host}:{port}: {error.strerror}."
                hint = f"Check bind and {setting}."
            raise Unavailable("up.port", message, hint) from error
