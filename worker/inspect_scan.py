"""The job ``inspect_scan``: carry one scan from its evidence to its recorded verdict."""

from __future__ import annotations

from appliance.inspections.carry import carry
from appliance.reports.issuing import issue
from appliance.tenancy.site import Site


def run(site: Site, workspace_id: str, inspection_id: str) -> None:
    """Carry the inspection, unless another worker does or it has come to its end."""
    carry(site.system_scope(workspace_id), inspection_id, issue)
