"""A device that came in, and the appliance as another process has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.enrolment.codes import make_code
from appliance.enrolment.enrolling import Application, enrol
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.device import HOST, Gadget


@pytest.fixture
def gadget(site: Site, scope: WorkspaceScope) -> Gadget:
    one = Gadget()
    answer, _ = enrol(site, Application(**one.application(make_code(scope)[1])), HOST)
    one.take(vars(answer))
    return one


@pytest.fixture
def other_process(site: Site) -> Iterator[Site]:
    with Site.open(site.settings) as other:
        yield other
