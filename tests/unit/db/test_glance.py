"""Glances: what was asked a moment ago is not asked again, unless somebody here wrote since."""

from __future__ import annotations

import pytest

from appliance.db import glance
from appliance.db.glance import Glances
from appliance.db.models import ControlModel
from appliance.tenancy.site import Site


class Asked:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def glances(site: Site) -> Glances:
    return Glances(site.control)


def test_an_answer_is_asked_for_once(glances: Glances) -> None:
    ask, other = Asked(), Asked()
    assert [glances.at("a", ask) for _ in range(3)] == [1, 1, 1]
    assert (glances.at("b", other), other.times) == (1, 1)


def test_a_commit_here_makes_it_ask_again_and_so_does_what_failed(site: Site, glances: Glances) -> None:
    ask = Asked()
    glances.at("a", ask)
    with site.control_transaction():
        pass
    assert glances.at("a", ask) == 2
    with pytest.raises(RuntimeError), site.control_transaction():
        raise RuntimeError
    assert glances.at("a", ask) == 3


def test_a_commit_of_another_process_makes_it_ask_again(site: Site) -> None:
    ask = Asked()
    assert [site.glances.at("a", ask), site.glances.at("a", ask)] == [1, 1]
    with Site.open(site.settings) as other, other.control_transaction():
        pass
    assert site.glances.at("a", ask) == 2


def test_an_answer_that_a_commit_overtook_is_not_kept(site: Site, glances: Glances) -> None:
    ask = Asked()

    def slow() -> int:
        answer = ask()
        with site.control_transaction():
            pass
        return answer

    assert [glances.at("a", slow), glances.at("a", slow)] == [1, 2]


def test_after_its_time_it_asks_again(glances: Glances, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Asked()
    monkeypatch.setattr(glance, "LIFETIME_S", 0.0)
    assert [glances.at("a", ask), glances.at("a", ask)] == [1, 2]


def test_what_is_seen_inside_a_transaction_is_kept_for_nobody(site: Site, glances: Glances) -> None:
    ask = Asked()
    with site.control.transaction(ControlModel):
        assert [glances.at("a", ask), glances.at("a", ask)] == [1, 2]


def test_that_there_is_nothing_is_not_kept(glances: Glances) -> None:
    asked: list[int] = []
    for _ in range(3):
        assert glances.at("a", lambda: asked.append(1)) is None
    assert len(asked) == 3


def test_it_stays_small(glances: Glances, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "_MOST", 10)
    for number in range(100):
        glances.at(number, Asked())
    assert len(glances._known) <= 10
