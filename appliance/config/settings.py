"""The settings of one appliance: frozen, complete, checked before anything opens.

Each setting has one name, one type and one default.  A value comes from the environment (``D2R_PORT``), else from
``settings.toml`` in the data folder (``port = 8470``), else it is the default.  Everything that lies in the data
folder has its place here, and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from appliance.config.checks import check_values
from appliance.config.sources import data_folder, read_environment, read_file

_GIB: Final = 1 << 30
SETTINGS_FILE: Final = "settings.toml"


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    """A field with its default and what it means to an operator; a secret is never shown."""
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "secret": secret})


@dataclass(frozen=True)
class Settings:
    """Settings and places of one appliance."""

    data: Path = field(metadata={"meaning": "The data folder (mode 0700). Default: ~/.local/share/d2r/appliance."})
    name: str = _setting("", "The name that reports and logs are signed under; empty: the name in the key store.")
    bind: str = _setting("127.0.0.1", "The address that web and live events listen on.")
    port: int = _setting(8470, "The port of API and console.")
    realtime_port: int = _setting(8471, "The port of live events (WebSocket).")
    public_url: str = _setting("", "How users reach the appliance; empty: http://<bind>:<port>.")
    tls_certificates: str = _setting("", "SHA-256 of TLS certificates that devices see (hex, comma between).")
    web_processes: int = _setting(2, "Processes that answer requests; as many as there are cores is enough.")
    web_threads: int = _setting(8, "Requests that each of them serves at the same time, beside uploads and downloads.")
    workers: int = _setting(1, "Inspections carried at the same time.")
    redis_url: str = _setting("", "The Redis of the queue (unix://, redis://); empty: a private one.", secret=True)
    passphrase: str | None = _setting(None, "Opens the key store and the master key.", secret=True)
    upload_limit_bytes: int = _setting(16 * _GIB, "The largest upload.")
    inflate_limit_ratio: int = _setting(200, "A compressed upload may grow to this many times its size.")
    upload_expiry_hours: int = _setting(168, "An upload that stands still this long is removed.")
    free_space_floor_bytes: int = _setting(_GIB, "Uploads are refused when less than this would stay free.")
    checkpoint_seconds: int = _setting(300, "The longest time that an audit entry waits for a signed checkpoint.")
    lease_seconds: int = _setting(60, "A job whose worker says nothing this long is taken up by another.")
    clock_skew_seconds: int = _setting(300, "A device's clock may differ this much before its scan is marked.")
    time_zone: str = _setting("UTC", "The site's clock (Europe/Berlin), whose days and months trends count in.")
    requests_per_minute: int = _setting(6_000, "Requests that one caller may send in a minute.")
    failures_per_minute: int = _setting(60, "Wrong API keys from one address in a minute, before it is told to wait.")
    session_hours: int = _setting(12, "A session of the console ends after this time at the latest.")
    session_idle_minutes: int = _setting(60, "A session of the console ends when nobody used it this long.")
    confirm_minutes: int = _setting(10, "What matters most asks for the password again after this time.")
    personal_token_days: int = _setting(90, "The longest time that a personal access token counts.")
    password_length: int = _setting(12, "The fewest characters of a local account's password.")
    second_factor: str = _setting("optional", "Whether local accounts must have a second factor.")
    webhook_origins: str = _setting("", "Where alerts may be posted: origins such as https://hooks.plant.example.")
    webhook_ca_file: str = _setting("", "The CAs that webhooks are believed by; empty: those of the system's list.")
    smtp_host: str = _setting("", "The mail server for alerts; it must offer STARTTLS.")
    smtp_port: int = _setting(587, "The port of the mail server.")
    smtp_sender: str = _setting("", "The address that alerts are sent from.")
    smtp_ca_file: str = _setting("", "The CA that the mail server is believed by; empty: those of the system.")
    smtp_user: str = _setting("", "Who signs in at the mail server; empty: nobody does.")
    smtp_password: str = _setting("", "The password for the mail server.", secret=True)
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")

    @property
    def control_db(self) -> Path:
        """The database of workspaces, keys and the appliance's own audit log."""
        return self.data / "control.db"

    @property
    def database_file(self) -> Path:
        """Where the databases are, if they are not files: server, database, and a wrapped password."""
        return self.data / "database.json"

    @property
    def workspaces_folder(self) -> Path:
        """One database a workspace: ``<workspace id>.db``."""
        return self.data / "workspaces"

    @property
    def objects_folder(self) -> Path:
        """Sealed objects, a folder a workspace."""
        return self.data / "objects"

    @property
    def uploads_folder(self) -> Path:
        """Sealed parts of uploads under way; on the file system of the objects."""
        return self.data / "uploads"

    @property
    def scratch_folder(self) -> Path:
        """Plain working files of running jobs."""
        return self.data / "scratch"

    @property
    def keys_folder(self) -> Path:
        """The key store and the master key."""
        return self.data / "keys"

    @property
    def master_key_file(self) -> Path:
        """The sealed master key."""
        return self.keys_folder / "master.key"

    @property
    def admin_key_file(self) -> Path:
        """The API key of the first owner, for the command line on this machine."""
        return self.data / "admin.key"

    @property
    def redis_folder(self) -> Path:
        """Socket and configuration of the private Redis."""
        return self.data / "redis"

    @property
    def redis_socket(self) -> Path:
        """Where the private Redis listens."""
        return self.redis_folder / "redis.sock"

    @property
    def run_folder(self) -> Path:
        """Lock, process ids and readiness of the running appliance."""
        return self.data / "run"

    @property
    def commits_file(self) -> Path:
        """Where processes tell each other that the control database has changed."""
        return self.run_folder / "commits"

    @property
    def metrics_folder(self) -> Path:
        """Where the web processes count together."""
        return self.run_folder / "metrics"

    @property
    def logs_folder(self) -> Path:
        """What the processes write about themselves."""
        return self.data / "logs"

    @property
    def kernel_cache(self) -> Path:
        """Compiled kernels."""
        return self.data / "kernels"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder that an appliance has, the data folder first."""
        return (
            self.data, self.keys_folder, self.workspaces_folder, self.objects_folder, self.uploads_folder,
            self.scratch_folder, self.redis_folder, self.run_folder, self.logs_folder, self.kernel_cache,
        )  # fmt: skip

    @property
    def effective_redis_url(self) -> str:
        """The Redis to connect to: the one that is set, else the private one."""
        return self.redis_url or f"unix://{quote(str(self.redis_socket))}"

    @property
    def effective_public_url(self) -> str:
        """How users reach the appliance, without a slash at the end."""
        host = f"[{self.bind}]" if ":" in self.bind else self.bind
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def is_secure(self) -> bool:
        """Whether users reach the appliance over TLS alone, which a proxy of this machine ends."""
        return self.effective_public_url.startswith("https:")


def load_settings(data: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of the appliance in ``data``, else in ``D2R_DATA``, else in the user's own place.

    Raises
    ------
    Misconfigured : an unknown name (with the nearest known one), a wrong type, a value out of its range, an
        unreadable file
    """
    environment = os.environ if environ is None else environ
    folder = data_folder(data, environment)
    values = {**read_file(folder / SETTINGS_FILE, Settings), **read_environment(environment, Settings)}
    settings = Settings(data=folder, **values)
    check_values(settings)
    return settings
