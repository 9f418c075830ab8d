"""Making a workspace, and the entry in the control log that says so."""

from __future__ import annotations

from appliance.audit.recording import record
from appliance.tenancy.records import Principal, Workspace
from appliance.tenancy.site import Site


def create_workspace(site: Site, slug: str, name: str, by: Principal) -> Workspace:
    """Make a workspace and write so into the control log; one that a crash left half made is finished.

    Raises
    ------
    InvalidInput : the slug or the name cannot be used
    Conflict : there is one with this slug
    """

    def noted(workspace: Workspace) -> None:
        facts = {"workspace": workspace.id, "slug": workspace.slug, "name": workspace.name}
        record(site, "workspace.created", {}, facts, by=by)

    return site.create_workspace(slug, name, by, noted)
