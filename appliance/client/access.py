"""Where the appliance is, and the key that opens it: as stated, else from the environment, else this machine's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from appliance.client.connection import Connection
from appliance.client.device import Identity, connection_of
from appliance.config.settings import load_settings
from appliance.errors import Misconfigured


def connect(
    url: str | None,
    key: str | None,
    workspace: str = "main",
    *,
    data: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Connection:
    """A connection to the appliance.

    ``D2R_URL`` and ``D2R_KEY`` (or ``D2R_KEY_FILE``) stand in for what is not stated; an enrolled device has neither,
    and ``D2R_DEVICE`` says where its identity lies; on the appliance itself its data folder knows both.

    Raises
    ------
    Misconfigured : no address or key is known, or a key's file cannot be read
    """
    env = os.environ if environ is None else environ
    url, key = url or env.get("D2R_URL"), key or env.get("D2R_KEY") or _read(env.get("D2R_KEY_FILE"))
    if url and key:
        return Connection(url, key, workspace)
    if not key and (identity := env.get("D2R_DEVICE")):
        return connection_of(Identity.read(Path(identity)))
    settings = load_settings(data, env)
    if not key and not settings.admin_key_file.exists():
        hint = "State --url and --key, or set D2R_URL and D2R_KEY_FILE."
        raise Misconfigured("client.no_key", "No API key is known for the appliance.", hint)
    return Connection(url or settings.effective_public_url, key or str(_read(settings.admin_key_file)), workspace)


def _read(path: str | Path | None) -> str | None:
    """The key in a file."""
    if not path:
        return None
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            "client.key_file", f"The key file {path} cannot be read.", "Check its permissions."
        ) from error
