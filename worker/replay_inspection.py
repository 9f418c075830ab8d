"""The job ``replay_inspection``: recompute a verdict from its evidence and keep what differs."""

from __future__ import annotations

from appliance.inspections.replaying import carry_replay
from appliance.tenancy.site import Site


def run(site: Site, workspace_id: str, replay_id: str) -> None:
    """Carry the replay, unless another worker does or it has come to its end."""
    carry_replay(site.system_scope(workspace_id), replay_id)
