"""Reports: the printed PDF, the signed statement, the evidence pack, and the verification of all three."""

from __future__ import annotations


def warm_up() -> None:
    """Compile and cache the kernels of the rendered views."""
    from appliance.reports import render

    render.warm_up()
