"""What a setting may be: ranges and spellings, each refused with the value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import available_timezones

from appliance.errors import Misconfigured

#: Setting -> smallest and largest value.
RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "port": (1, 65_535),
    "realtime_port": (1, 65_535),
    "web_processes": (1, 64),
    "web_threads": (1, 1_024),
    "workers": (1, 256),
    "upload_limit_bytes": (1, 1 << 50),
    "inflate_limit_ratio": (1, 100_000),
    "upload_expiry_hours": (1, 24 * 365),
    "free_space_floor_bytes": (0, 1 << 50),
    "checkpoint_seconds": (1, 86_400),
    "lease_seconds": (5, 3_600),
    "clock_skew_seconds": (0, 86_400 * 365),
    "requests_per_minute": (1, 1 << 40),
    "failures_per_minute": (1, 1 << 40),
    "smtp_port": (1, 65_535),
    "session_hours": (1, 24 * 30),
    "session_idle_minutes": (1, 60 * 24),
    "confirm_minutes": (1, 60 * 24),
    "personal_token_days": (1, 366),
    "password_length": (8, 64),
}
#: Setting -> its spellings.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "second_factor": ("optional", "required"),
    "log_level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}
#: Setting -> how its text must begin, where it is not empty.
BEGINNINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "public_url": ("http://", "https://"),
    "redis_url": ("unix://", "redis://", "rediss://"),
}

_FINGERPRINTS: Final = re.compile(r"([0-9a-f]{64}(,[0-9a-f]{64})*)?")


def check_values(settings: Any) -> None:
    """Return if every setting is in its range.

    Raises
    ------
    Misconfigured : names the setting, its value where that is no secret, and what is allowed
    """
    for name, (low, high) in RANGES.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            raise Misconfigured("settings.range", f"The setting '{name}' is {value}; allowed is {low} to {high}.")
    for name, choices in CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            allowed = ", ".join(choices)
            raise Misconfigured("settings.choice", f"The setting '{name}' is '{value}'; allowed is: {allowed}.")
    for name, beginnings in BEGINNINGS.items():
        value = getattr(settings, name)
        if value and not value.startswith(beginnings):
            allowed = " or ".join(beginnings)
            raise Misconfigured("settings.url", f"The setting '{name}' must begin with {allowed}.")
    if settings.time_zone not in available_timezones():
        message = f"The setting 'time_zone' is '{settings.time_zone}', which is no time zone."
        raise Misconfigured("settings.time_zone", message, "Name one as the IANA database does, such as Europe/Berlin.")
    if not _FINGERPRINTS.fullmatch(settings.tls_certificates):
        message = "The setting 'tls_certificates' must be SHA-256 in lower-case hex, commas between, without blanks."
        raise Misconfigured("settings.certificates", message)
    if settings.port == settings.realtime_port:
        raise Misconfigured("settings.ports", f"API and live events cannot share port {settings.port}.")
