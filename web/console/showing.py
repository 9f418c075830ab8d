"""Pages as answers: rendered with what every page shows, under headers that let it do nothing else."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, g

from appliance.tenancy.site import Site
from web.api.contract import ADMINISTRATORS, EDITORS, REQUESTERS, WATCHERS
from web.console.rendering import environment
from web.console.session import Session
from web.live import live_url

#: Who looks after the appliance as a whole; plant-it changes nothing that decides who may come in.
KEEPERS: Final = ADMINISTRATORS | WATCHERS
_ROLES: Final = {
    "requesters": REQUESTERS, "editors": EDITORS, "keepers": KEEPERS, "administrators": ADMINISTRATORS,
}  # fmt: skip
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'{live}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Pages:
    """The templates of one appliance's console."""

    def __init__(self, site: Site) -> None:
        self._settings = site.settings
        self._templates = environment()

    def show(self, template: str, session: Session | None, status: int = 200, **shown: Any) -> Response:
        """A page for whoever is signed in, or for anybody; of a workspace where ``slug`` is shown."""
        slug, problem = shown.pop("slug", None), shown.get("problem")
        if problem is not None:
            g.problem = problem.code
        page = self._templates.get_template(template).render(session=session, slug=slug, roles=_ROLES, **shown)
        response = Response(page, status, content_type="text/html; charset=utf-8")
        live = " " + live_url(self._settings, slug).partition("/api/")[0] if slug else ""
        response.headers["Content-Security-Policy"] = _POLICY.replace("{live}", live)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "same-origin"  # so that a browser names our pages where a form is sent
        return response


def see(address: str) -> Response:
    """Go there with GET."""
    return Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
