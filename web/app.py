"""The web application: default deny, one error shape, an id on every request.

``create_app`` opens the appliance and registers the declared routes; whatever did not declare itself is not reachable.
"""

from __future__ import annotations

from flask import Flask

from appliance.config.settings import Settings, load_settings
from appliance.tenancy.site import Site
from web import health
from web.api import dispatch, openapi
from web.api.v1 import AREAS
from web.console import pages
from web.denials import Denials
from web.lean import LeanFlask
from web.metrics import Metrics
from web.problems import answer_errors
from web.rates import Rates, say_rate
from web.requests import deny_by_default, finish_requests, number_requests


def create_app(settings: Settings | None = None, site: Site | None = None) -> Flask:
    """The application over the appliance of ``settings`` (or over an open ``site``).

    Raises
    ------
    Misconfigured : there is no appliance, or it cannot be opened
    """
    site = site or Site.open(settings or load_settings())
    app, metrics, rates = LeanFlask("d2r"), Metrics(site), Rates(site.settings)
    app.debug = False  # whatever FLASK_DEBUG says
    denials = Denials(site)
    app.extensions |= {"d2r-site": site, "d2r-denials": denials}
    number_requests(app)
    finish_requests(app, metrics, site.settings)
    answer_errors(app)
    app.after_request(say_rate)
    app.after_request(denials.note)
    routes = dispatch.register(app, site, AREAS, rates)
    health.health(app, site, metrics, rates, openapi.document(AREAS, site.settings.effective_public_url))
    console = pages.register(app, site, rates)
    deny_by_default(app, frozenset(route.name for route in routes) | console, health.PUBLIC | pages.PUBLIC)
    return app
