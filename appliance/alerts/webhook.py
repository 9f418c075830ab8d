"""Webhooks: one signed POST, to where the settings allow, without redirects, in a few seconds.

Source: Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks): id, timestamp and body are
joined by dots and signed with HMAC-SHA256; who receives checks the signature, the age of the timestamp, and the id,
which is the same at every attempt.
"""

from __future__ import annotations

import hmac
import ssl
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from appliance.alerts.channels import require_origin
from appliance.config.settings import Settings
from appliance.errors import Unavailable

#: Seconds to connect, and between two bytes of the answer's head; the body is not read.
TIMEOUT_S: Final = (3.0, 5.0)
#: The receiver says that it wants no more.
GONE: Final = 410


class _Pinned(HTTPAdapter):
    """Believes certificates of the CAs of one file alone."""

    def __init__(self, ca_file: str) -> None:
        self._ca_file = ca_file
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> Any:
        context = ssl.create_default_context(cafile=self._ca_file)
        return super().init_poolmanager(*arguments, ssl_context=context, **named)


def signature(key: bytes, message_id: str, timestamp: int, body: str) -> str:
    """The value of ``webhook-signature``."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return "v1," + b64encode(hmac.new(key, signed, sha256).digest()).decode()


def send_webhook(url: str, key: bytes, message_id: str, timestamp: int, body: str, settings: Settings) -> str:
    """Send one message; returns the answer in words.

    Raises
    ------
    Conflict : the settings do not allow this address any more
    Unavailable : it was not taken; ``permanent`` where the receiver wants no more
    """
    require_origin(url, settings)
    headers = {
        "Content-Type": "application/json", "User-Agent": "D2R-Appliance", "webhook-id": message_id,
        "webhook-timestamp": str(timestamp), "webhook-signature": signature(key, message_id, timestamp, body),
    }  # fmt: skip
    with requests.Session() as session:
        session.trust_env = False
        if settings.webhook_ca_file:
            session.mount("https://", _Pinned(settings.webhook_ca_file))
        try:
            with session.post(
                url, data=body.encode(), headers=headers, timeout=TIMEOUT_S, allow_redirects=False, stream=True
            ) as answer:
                status = answer.status_code
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unavailable("webhook.down", f"No answer: {type(error).__name__}.") from error
    if not 200 <= status < 300:
        raise Unavailable("webhook.refused", f"It answers {status}.", permanent=status == GONE)
    return f"{status}"
