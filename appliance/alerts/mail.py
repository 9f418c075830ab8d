"""Mail: one message to one mailbox, over TLS with a server whose certificate is checked.

Subject and text are made of names that people gave: they are put into the message as header and body values, never as
lines, so that no name can add a header or a recipient.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from appliance.config.settings import Settings
from appliance.core.clock import parse_rfc3339
from appliance.errors import Conflict, Unavailable

TIMEOUT_S: Final = 5.0
_SUBJECT_CHARACTERS: Final = 150
#: Answers of a server that will not be another next time.
_PERMANENT: Final = range(550, 555)


def send_mail(address: str, message_id: str, workspace: str, content: dict[str, Any], settings: Settings) -> str:
    """Send one message; returns the answer in words.

    Raises
    ------
    Conflict : the settings name no server
    Unavailable : it was not taken; ``permanent`` where the server will never take it
    """
    if not settings.smtp_host or not settings.smtp_sender:
        raise Conflict("channel.no_mail", "The appliance has no mail server.")
    message = message_of(address, message_id, workspace, content, settings)
    try:
        context = ssl.create_default_context(cafile=settings.smtp_ca_file or None)
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
            server.starttls(context=context)
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(message, settings.smtp_sender, [address])
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise Unavailable("mail.refused", f"The server answers {code}.", permanent=code in _PERMANENT) from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Unavailable("mail.down", f"The mail was not taken: {type(error).__name__}.") from error
    return "taken"


def message_of(
    address: str, message_id: str, workspace: str, content: dict[str, Any], settings: Settings
) -> EmailMessage:
    """The message; the same each time that it is sent."""
    data, what = content["data"], str(content["type"]).removeprefix("alert.")
    message = EmailMessage()
    message["From"], message["To"] = settings.smtp_sender, address
    message["Subject"] = one_line(f"[{workspace}] {what}: {data['title']}")[:_SUBJECT_CHARACTERS]
    message["Date"] = format_datetime(parse_rfc3339(content["timestamp"]))
    message["Message-ID"] = f"<{message_id}@{settings.smtp_sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    lines = [
        one_line(data["title"]), "", f"Rule: {data['rule']}", f"State: {data['state']}",
        f"Raised: {data['raised_at']}", f"Workspace: {workspace}", f"Alert: {data['alert']}",
        f"{settings.effective_public_url}/console/{workspace}/alerts",
    ]  # fmt: skip
    message.set_content("\n".join(lines) + "\n")
    return message


def one_line(text: str) -> str:
    """``text`` without anything that ends a line or is no sign."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
