"""The table of SAML: messages that were believed once."""

from __future__ import annotations

from peewee import TextField

from appliance.db.models import ControlModel


class SamlMessageRow(ControlModel):
    """A message that was believed; ``sha256`` is of the provider's name and the message's id."""

    sha256 = TextField(primary_key=True)
    expires_at = TextField()

    class Meta:
        table_name = "saml_message"
