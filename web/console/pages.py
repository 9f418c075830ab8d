from flask import Flask

from appliance.tenancy.site import Site

PUBLIC: frozenset[str] = frozenset()


def register(app: Flask, site: Site) -> frozenset[str]:
    return frozenset()
