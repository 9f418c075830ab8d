"""The API of an appliance, area by area.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from appliance.client.api.accounts import Accounts
from appliance.client.api.alert_channels import AlertChannels
from appliance.client.api.alerts import Alerts
from appliance.client.api.assets import Assets
from appliance.client.api.audit import Audit
from appliance.client.api.cad_revisions import CadRevisions
from appliance.client.api.changes import Changes
from appliance.client.api.characteristics import Characteristics
from appliance.client.api.devices import Devices
from appliance.client.api.directory import Directory
from appliance.client.api.enrolment import Enrolment
from appliance.client.api.events import Events
from appliance.client.api.inspections import Inspections
from appliance.client.api.instruments import Instruments
from appliance.client.api.keys import Keys
from appliance.client.api.oidc import Oidc
from appliance.client.api.operators import Operators
from appliance.client.api.parts import Parts
from appliance.client.api.people import People
from appliance.client.api.reports import Reports
from appliance.client.api.results_files import ResultsFiles
from appliance.client.api.saml import Saml
from appliance.client.api.scans import Scans
from appliance.client.api.suspicions import Suspicions
from appliance.client.api.tokens import Tokens
from appliance.client.api.trends import Trends
from appliance.client.api.twins import Twins
from appliance.client.api.uploads import Uploads
from appliance.client.api.workspaces import Workspaces
from appliance.client.calls import Calls
from appliance.client.connection import Connection


class Api:
    """Everything that an appliance can be asked for; every method raises as `Connection` does."""

    def __init__(self, connection: Connection) -> None:
        calls = Calls(connection)
        self.workspaces = Workspaces(calls)
        self.parts = Parts(calls)
        self.assets = Assets(calls)
        self.devices = Devices(calls)
        self.enrolment = Enrolment(calls)
        self.operators = Operators(calls)
        self.instruments = Instruments(calls)
        self.cad_revisions = CadRevisions(calls)
        self.characteristics = Characteristics(calls)
        self.uploads = Uploads(calls)
        self.scans = Scans(calls)
        self.inspections = Inspections(calls)
        self.changes = Changes(calls)
        self.results_files = ResultsFiles(calls)
        self.trends = Trends(calls)
        self.suspicions = Suspicions(calls)
        self.twins = Twins(calls)
        self.alerts = Alerts(calls)
        self.alert_channels = AlertChannels(calls)
        self.reports = Reports(calls)
        self.audit = Audit(calls)
        self.events = Events(calls)
        self.keys = Keys(calls)
        self.people = People(calls)
        self.accounts = Accounts(calls)
        self.directory = Directory(calls)
        self.oidc = Oidc(calls)
        self.saml = Saml(calls)
        self.tokens = Tokens(calls)
