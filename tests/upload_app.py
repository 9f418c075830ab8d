"""An application that serves uploads and scans only, over the appliance in ``D2R_DATA``: for tests and benchmarks."""

from __future__ import annotations

from flask import Flask

from appliance.config.settings import load_settings
from appliance.tenancy.site import Site
from web.api.dispatch import register
from web.api.v1.scans import scans
from web.api.v1.uploads import uploads
from web.problems import answer_errors
from web.rates import Rates


def create_app(site: Site | None = None) -> Flask:
    """The routes of uploads, guarded as in the real application."""
    app = Flask("d2r-uploads", static_folder=None)
    answer_errors(app)
    opened = site or Site.open(load_settings())
    register(app, opened, [uploads, scans], Rates(opened.settings))
    return app
