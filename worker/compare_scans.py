"""The job ``compare_scans``: compute what changed between two stored scans."""

from __future__ import annotations

from appliance.inspections.carry_change import carry_change
from appliance.tenancy.site import Site


def run(site: Site, workspace_id: str, change_id: str) -> None:
    """Compute the change, unless another worker does or it has come to its end."""
    carry_change(site.system_scope(workspace_id), change_id)
