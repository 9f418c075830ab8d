"""Routes on their way out say so in every answer: since when (RFC 9745), until when (RFC 8594), what comes instead."""

from __future__ import annotations

from email.utils import format_datetime

from flask import Response

from web.api.contract import Retirement
from web.here import here


def say_retirement(response: Response) -> Response:
    """Write the headers of a retiring route on its answer, whatever it is."""
    retirement: Retirement | None = here()[1].get("retirement")
    if retirement is not None:
        response.headers["Deprecation"] = f"@{int(retirement.deprecated.timestamp())}"
        response.headers["Sunset"] = format_datetime(retirement.sunset, usegmt=True)
        if retirement.successor:
            response.headers["Link"] = f'<{retirement.successor}>; rel="successor-version"'
    return response
