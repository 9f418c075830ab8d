"""The areas of version 1 of the API."""

from __future__ import annotations

from typing import Final

from web.api.contract import Area
from web.api.v1.accounts import accounts
from web.api.v1.alert_channels import alert_channels
from web.api.v1.alerts import alerts
from web.api.v1.assets import assets
from web.api.v1.audit import audit
from web.api.v1.cad_revisions import cad_revisions
from web.api.v1.changes import changes
from web.api.v1.characteristics import characteristics
from web.api.v1.devices import devices
from web.api.v1.directory import directory
from web.api.v1.enrolment import enrolment
from web.api.v1.events import events
from web.api.v1.inspections import inspections
from web.api.v1.instruments import instruments
from web.api.v1.keys import keys
from web.api.v1.oidc import oidc
from web.api.v1.operators import operators
from web.api.v1.parts import parts
from web.api.v1.people import people
from web.api.v1.reports import reports
from web.api.v1.results_files import results_files
from web.api.v1.saml import saml
from web.api.v1.scans import scans
from web.api.v1.suspicions import suspicions
from web.api.v1.tokens import tokens
from web.api.v1.trends import trends
from web.api.v1.twins import twins
from web.api.v1.uploads import uploads
from web.api.v1.workspaces import workspaces

AREAS: Final[tuple[Area, ...]] = (
    workspaces, parts, assets, devices, enrolment, operators, instruments, cad_revisions, characteristics, uploads,
    scans, inspections, changes, results_files, trends, suspicions, twins, alerts, alert_channels, reports, audit,
    events, keys, people, accounts, directory, oidc, saml, tokens,
)  # fmt: skip
