"""Settings: where each value comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config.settings import Settings, load_settings
from appliance.errors import Misconfigured


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def _write(data: Path, text: str) -> None:
    data.mkdir(exist_ok=True)
    (data / "settings.toml").write_text(text)


def test_everything_has_a_default(data: Path) -> None:
    settings = load_settings(data, {})
    assert (settings.bind, settings.port, settings.workers) == ("127.0.0.1", 8470, 1)
    assert settings.upload_limit_bytes == 16 * 1024**3
    assert settings.effective_redis_url == f"unix://{data}/redis/redis.sock"
    assert settings.effective_public_url == "http://127.0.0.1:8470"
    assert settings.control_db == data / "control.db"


def test_the_file_beats_the_default_and_the_environment_beats_the_file(data: Path) -> None:
    _write(data, 'port = 9000\nlog_level = "DEBUG"\n')
    settings = load_settings(data, {"D2R_PORT": "9001"})
    assert (settings.port, settings.log_level) == (9001, "DEBUG")


def test_an_empty_variable_is_none(data: Path) -> None:
    assert load_settings(data, {"D2R_PORT": ""}).port == 8470


def test_the_data_folder_comes_from_the_argument_then_the_environment_then_the_home(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"D2R_DATA": str(tmp_path / "other")}
    assert load_settings(data, environ).data == data
    assert load_settings(None, environ).data == tmp_path / "other"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(None, {}).data == tmp_path / ".local" / "share" / "d2r" / "appliance"


def test_a_misspelt_name_in_the_file_is_refused_with_the_nearest_one(data: Path) -> None:
    _write(data, "web_treads = 4\n")
    with pytest.raises(Misconfigured, match="web_threads") as refused:
        load_settings(data, {})
    assert refused.value.code == "settings.unknown"


def test_a_misspelt_variable_is_refused_with_the_nearest_one(data: Path) -> None:
    with pytest.raises(Misconfigured, match="Did you mean 'D2R_WEB_THREADS'"):
        load_settings(data, {"D2R_WEB_THREDS": "4"})


def test_variables_of_others_are_left_alone(data: Path) -> None:
    load_settings(data, {"D2R_HOME": "/x", "D2R_THREADS": "2", "D2R_SOMETHING_ELSE_ENTIRELY": "1", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "0"), ("port", "65536"), ("port", "a"), ("port", "-1"), ("port", "8471"), ("port", "8 KiB"),
        ("database", "oracle"), ("log_level", "info"), ("public_url", "ftp://x"), ("redis_url", "http://x"),
        ("lease_seconds", "1"), ("upload_limit_bytes", "1.5"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(data: Path, name: str, text: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_settings(data, {f"D2R_{name.upper()}": text})
    assert name in str(refused.value).lower()


@pytest.mark.parametrize("line", ["port = true", 'port = "x"', "bind = 3", "port = 1.5", "port = ", "port = [1]"])
def test_a_file_with_another_type_is_refused(data: Path, line: str) -> None:
    _write(data, line + "\n")
    with pytest.raises(Misconfigured):
        load_settings(data, {})


def test_a_size_may_carry_its_unit(data: Path) -> None:
    _write(data, 'free_space_floor_bytes = "512 MiB"\n')
    settings = load_settings(data, {"D2R_UPLOAD_LIMIT_BYTES": "20GiB"})
    assert settings.free_space_floor_bytes == 512 * 1024**2
    assert settings.upload_limit_bytes == 20 * 1024**3


def test_a_secret_is_read_from_its_variable_or_from_a_file_and_never_shown(data: Path, tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    assert load_settings(data, {"D2R_PASSPHRASE": "battery staple"}).passphrase == "battery staple"
    settings = load_settings(data, {"D2R_PASSPHRASE_FILE": str(secret)})
    assert settings.passphrase == "correct horse"
    assert "horse" not in repr(settings)
    both = {"D2R_PASSPHRASE_FILE": str(secret), "D2R_PASSPHRASE": "direct"}
    assert load_settings(data, both).passphrase == "direct"


def test_a_secret_file_that_cannot_be_read_is_refused(data: Path) -> None:
    with pytest.raises(Misconfigured, match="D2R_PASSPHRASE_FILE"):
        load_settings(data, {"D2R_PASSPHRASE_FILE": str(data / "nothing")})


def test_what_is_no_secret_has_no_file(data: Path) -> None:
    with pytest.raises(Misconfigured):
        load_settings(data, {"D2R_PORT_FILE": "/x"})


def test_settings_are_frozen(data: Path) -> None:
    settings: Settings = load_settings(data, {})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]
