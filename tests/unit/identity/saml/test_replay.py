"""The same message in several processes, at the same moment or later: one of them believes it, once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import Denied
from appliance.identity.models import ForeignLoginRow
from appliance.identity.saml.provider import configure
from appliance.identity.saml.sign_on import arrive, finish
from appliance.tenancy.records import SYSTEM
from tests.saml_forge import posted
from tests.unit.identity.saml.conftest import Plant

ROOT = Path(__file__).resolve().parents[4]
_ARRIVE = """
import sys; from pathlib import Path; from appliance.config.settings import load_settings
from appliance.errors import Denied; from appliance.identity.saml.sign_on import arrive, finish
from appliance.tenancy.site import Site
with Site.open(load_settings(Path(sys.argv[1]), {})) as site:
    try: arrive(site, sys.stdin.read(), ""); print("believed")
    except Denied as error: print(error.code)
"""


def elsewhere(plant: Plant, response: str, processes: int) -> list[str]:
    """What several processes say that get one response at the same time."""
    command = [sys.executable, "-c", _ARRIVE, str(plant.site.settings.data)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    running = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(processes)]  # type: ignore[call-overload]
    for process in running:
        process.stdin.write(response)
        process.stdin.close()
    return sorted(process.stdout.read().strip() for process in running if process.wait(60) == 0)


@pytest.fixture
def response(plant: Plant) -> str:
    """One that nobody asked for: nothing but the memory of it stops it from counting twice."""
    configure(plant.site, plant.forge.settings(is_unsolicited_allowed=True), SYSTEM)
    return posted(plant.forge.genuine(None))


def test_of_several_processes_one_believes_it(plant: Plant, response: str) -> None:
    assert elsewhere(plant, response, 3) == ["believed", "saml.refused", "saml.refused"]


def test_what_a_process_believed_that_has_ended_is_not_believed_again(plant: Plant, response: str) -> None:
    assert elsewhere(plant, response, 1) == ["believed"]
    with pytest.raises(Denied) as refused:
        arrive(plant.site, response, "")
    assert refused.value.__notes__ == ["it counted before"]


def at_once(act: Callable[[], object]) -> list[str]:
    """What six threads hear that do the same at the same moment."""
    said, together = [], threading.Barrier(6)

    def bring() -> None:
        together.wait()
        try:
            act()
            said.append("believed")
        except Denied as error:
            said.append(error.code)

    threads = [threading.Thread(target=bring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def test_an_answer_to_a_request_arrives_once_however_many_bring_it(plant: Plant) -> None:
    request, _, state = plant.sent()
    response = posted(plant.forge.genuine(request))
    assert at_once(lambda: arrive(plant.site, response, state)) == ["believed"] + ["saml.foreign"] * 5
    with plant.site.control_session():
        assert ForeignLoginRow.select().where(ForeignLoginRow.source == "saml-arrived").count() == 1


def test_what_arrived_opens_once_however_many_take_it(plant: Plant) -> None:
    held = plant.came()
    assert at_once(lambda: finish(plant.site, held)) == ["believed"] + ["saml.foreign"] * 5
