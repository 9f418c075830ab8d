"""What every proof of a device has to stand: the hour, the host it was made for."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from appliance.config.settings import Settings
from appliance.core.clock import parse_rfc3339, rfc3339, utc_now
from appliance.errors import Denied

#: How far a device's clock may be off when it proves something.
MAY_DIFFER: Final = timedelta(seconds=120)


def check_time(time: str) -> None:
    """Return if a proof of ``time`` (RFC 3339) was made just now.

    Raises
    ------
    InvalidInput : it is no time
    Denied : the device's clock is off; the message says by how much, and the appliance's own time
    """
    now = utc_now()
    ahead = parse_rfc3339(time) - now
    if abs(ahead) > MAY_DIFFER:
        how = "ahead of" if ahead > timedelta() else "behind"
        seconds = abs(round(ahead.total_seconds()))
        message = f"The device's clock is {seconds} s {how} the appliance's, where it is {rfc3339(now)}."
        raise Denied("proof.clock", message, "Set the device's clock and try again.")


def check_host(settings: Settings, host: str, asked: str) -> None:
    """Return if a proof was made for this appliance.

    Parameters
    ----------
    host : what the proof says: host and port, as in the address that the device was given
    asked : the ``Host`` of the request; where ``public_url`` is set, its host counts instead

    Raises
    ------
    Denied : it was made for somebody else
    """
    own = urlsplit(settings.public_url).netloc if settings.public_url else asked
    if host.casefold() != own.casefold():
        hint = f"Use the appliance's own address, {settings.public_url or asked}."
        raise Denied("proof.host", "This proof was made for another host.", hint)
