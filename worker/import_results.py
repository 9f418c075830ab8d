"""The job ``import_results``: record a file of measured results from elsewhere."""

from __future__ import annotations

from appliance.exchange.carrying import carry_results
from appliance.tenancy.site import Site


def run(site: Site, workspace_id: str, file_id: str) -> None:
    """Record the file, unless another worker does or it has come to its end."""
    carry_results(site.system_scope(workspace_id), file_id)
