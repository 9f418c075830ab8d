"""Before the start: each obstacle is one line, with what to do."""

from __future__ import annotations

import os
import socket
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.config.settings import Settings
from appliance.errors import Misconfigured, Unavailable
from appliance.supervise import preflight
from appliance.supervise.preflight import check_folder, check_port, check_space, check_start
from appliance.supervise.redis_server import check_socket_path, find_redis_server, write_configuration

Usage = namedtuple("Usage", "total used free")


def test_a_founded_appliance_may_start(settings: Settings) -> None:
    check_start(settings)


def test_a_folder_without_an_appliance_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"There is no appliance in .*Run d2r init --data"):
        check_start(Settings(data=tmp_path))


def test_a_folder_that_others_may_enter_names_the_command(settings: Settings) -> None:
    settings.data.chmod(0o750)
    with pytest.raises(Misconfigured, match=r"open to other users \(mode 0750\)\. Run chmod 700"):
        check_start(settings)


def test_a_folder_of_somebody_else_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(Misconfigured, match=r"belongs to user \d+, and this is user 4711"):
        check_folder(settings)


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != settings.logs_folder)
    with pytest.raises(Misconfigured, match=f"{settings.logs_folder} cannot be written"):
        check_folder(settings)


def test_a_full_disk_says_how_much_is_needed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(1 << 40, 1 << 40, 10 << 20))
    with pytest.raises(Unavailable, match=r"has 10 MB free; 64 MB are needed to start\. Make room"):
        check_space(settings)


@pytest.mark.parametrize("name", ["port", "realtime_port"])
def test_a_taken_port_names_its_setting(settings: Settings, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", getattr(settings, name)))
        taken.listen()
        with pytest.raises(Unavailable, match=rf"in use\. .*{name} in settings.toml, D2R_{name.upper()}"):
            check_start(settings)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable, match=r"cannot listen on 192\.0\.2\.1"):
        check_port("192.0.2.1", 18470, "port")


def test_without_redis_server_it_says_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.supervise.redis_server.shutil.which", lambda name, path: None)
    with pytest.raises(Misconfigured, match="apt-get install redis-server"):
        find_redis_server()
    check_start(replace(settings, redis_url="redis://queue.example:6379"))


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    fits = Settings(data=Path("/" + "x" * (107 - len("/redis/redis.sock") - 1)))
    check_socket_path(fits)
    with pytest.raises(Misconfigured, match="has 108 bytes; a socket's path has 107 at most"):
        check_socket_path(Settings(data=Path(f"{fits.data}x")))


def test_the_socket_of_a_killed_redis_is_removed(settings: Settings) -> None:
    settings.redis_socket.touch()
    path = write_configuration(settings)
    assert not settings.redis_socket.exists()
    assert path.stat().st_mode & 0o777 == 0o600
    assert f'unixsocket "{settings.redis_socket}"' in path.read_text()
