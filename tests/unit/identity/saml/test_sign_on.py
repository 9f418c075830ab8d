"""Signing in through a SAML provider: once, by the browser that was sent, for whoever the provider signs for."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from appliance.core.clock import utc_now
from appliance.errors import Denied, NotFound
from appliance.identity.groups import give_role
from appliance.identity.models import DirectoryRow, ForeignLoginRow
from appliance.identity.saml import sign_on
from appliance.identity.saml.models import SamlMessageRow
from appliance.identity.saml.provider import SOURCE, configure, known_of, remove
from appliance.identity.saml.redirect import verified
from appliance.identity.saml.sign_on import Entered, Tried, arrive, begin, finish
from appliance.identity.users import find_user
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.saml_forge import ENTITY, NAMES, SIGN_ON, TRANSIENT, minutes, plain, posted
from tests.unit.identity.saml.conftest import Plant
from tests.unit.identity.test_users import entries


def entered(plant: Plant, held: str) -> Entered:
    found = finish(plant.site, held)
    assert isinstance(found, Entered)
    return found


def refused(site: Site, code: str, response: str, state: str = "") -> None:
    with pytest.raises(Denied) as error:
        arrive(site, response, state)
    assert error.value.code == code
    noted = entries(site)[-1]
    assert (noted["kind"], noted["facts"]["source"], noted["facts"]["reason"]) == ("login.refused", "saml", code)


def test_a_person_signs_in_with_the_role_of_their_group(plant: Plant) -> None:
    found = entered(plant, plant.came())
    assert (found.is_fresh, found.place, found.principal.label) == (False, "/console/", "Ann Lee")
    assert plant.site.scope(found.principal, "main").principal.role == "supervisor"
    user = find_user(plant.site, found.principal.id)
    assert (user.source, user.login, user.subject) == ("saml", "ann", f"{ENTITY}#ann-for-good")
    assert entered(plant, plant.came()).principal.id == found.principal.id


def test_groups_of_other_directories_are_not_those_of_the_provider(plant: Plant) -> None:
    for source in ("ldap", "oidc"):
        give_role(plant.site, source, "everybody", "main", "owner", SYSTEM)  # type: ignore[arg-type]
    plant.forge.attributes = {"groups": ["everybody", "crew"]}
    principal = entered(plant, plant.came()).principal
    assert plant.site.scope(principal, "main").principal.role == "operator"


def test_somebody_without_a_role_stays_outside(plant: Plant) -> None:
    plant.forge.attributes = {"groups": ["others"]}
    held = plant.came()
    with pytest.raises(Denied) as error:
        finish(plant.site, held)
    assert error.value.code == "login.no_role"
    assert entries(plant.site)[-1]["facts"]["reason"] == "login.no_role"


def test_the_request_says_who_asks_and_is_signed(plant: Plant) -> None:
    where, _ = begin(plant.site)
    assert where.startswith(f"{SIGN_ON}&SAMLRequest=")
    told = verified(urlsplit(where).query.removeprefix("a=1&b=2&"), [plain(plant.own.identity.certificate_pem)])
    request = etree.fromstring(told.xml)
    assert (request.get("Destination"), request.get("ForceAuthn")) == (SIGN_ON, None)
    assert request.get("AssertionConsumerServiceURL") == plant.own.consumer_url
    assert request.find("saml:Issuer", NAMES).text == plant.own.entity_id
    again, _ = begin(plant.site, "saml-again")
    told = verified(urlsplit(again).query.removeprefix("a=1&b=2&"), [plain(plant.own.identity.certificate_pem)])
    assert etree.fromstring(told.xml).get("ForceAuthn") == "true"


def test_a_response_arrives_once_and_opens_once(plant: Plant) -> None:
    request, held, state = plant.sent()
    response = posted(plant.forge.genuine(request))
    arrive(plant.site, response, state)
    refused(plant.site, "saml.foreign", response)
    entered(plant, held)
    with pytest.raises(Denied) as error:
        finish(plant.site, held)
    assert error.value.code == "saml.foreign"


def test_another_browser_opens_nothing_with_it(plant: Plant) -> None:
    """Login CSRF: a victim's browser brings the response that was made for the attacker."""
    request, _, state = plant.sent()
    _, other, _ = plant.sent()
    arrive(plant.site, posted(plant.forge.genuine(request)), state)
    for held in ("", "x", other, request):
        with pytest.raises(Denied) as error:
            finish(plant.site, held)
        assert error.value.code == "saml.foreign"


def test_a_response_to_nobody_or_too_late_is_refused(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(plant.site, "saml.foreign", posted(plant.forge.genuine("_never-sent")))
    request, _, state = plant.sent()
    later = utc_now() + timedelta(minutes=11)
    monkeypatch.setattr(sign_on, "utc_now", lambda: later)
    refused(plant.site, "saml.foreign", posted(plant.forge.genuine(request)), state)


def test_what_arrived_waits_for_a_minute(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    held, later = plant.came(), utc_now() + timedelta(seconds=61)
    monkeypatch.setattr(sign_on, "utc_now", lambda: later)
    with pytest.raises(Denied) as error:
        finish(plant.site, held)
    assert error.value.code == "saml.foreign"


def test_an_assertion_counts_once_also_for_another_request_and_after_a_restart(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table remembers; that each request is answered once does not show in a login that nobody asked for."""
    configure(plant.site, plant.forge.settings(is_unsolicited_allowed=True), SYSTEM)
    response = posted(plant.forge.genuine(None))
    held = arrive(plant.site, response, "")
    assert held
    assert entered(plant, held).principal.label == "Ann Lee"
    refused(plant.site, "saml.refused", response)
    with plant.site.control_session():
        assert SamlMessageRow.select().count() == 1
    monkeypatch.setattr("appliance.identity.saml.provider.utc_now", lambda: utc_now() + timedelta(days=1))
    arrive(plant.site, posted(plant.forge.genuine(None)), "")
    with plant.site.control_session():
        assert SamlMessageRow.select().count() == 1  # what could not count any more anyway is forgotten


def test_nobody_comes_unasked_unless_the_owner_allows_it(plant: Plant) -> None:
    refused(plant.site, "saml.unsolicited", posted(plant.forge.genuine(None)))
    configure(plant.site, plant.forge.settings(is_unsolicited_allowed=True), SYSTEM)
    held = arrive(plant.site, posted(plant.forge.genuine(None)), "/console/main/")
    assert held
    assert entered(plant, held).place == "/console/main/"
    refused(plant.site, "saml.foreign", posted(plant.forge.genuine("_stolen")))


def test_a_forged_response_is_refused_and_the_log_says_why(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    request, held, state = plant.sent()
    bad = plant.forge.response(request, plant.forge.assertion(request))
    with caplog.at_level(logging.WARNING):
        refused(plant.site, "saml.refused", posted(bad), state)
    assert "0 signatures in Assertion" in caplog.text
    arrive(plant.site, posted(plant.forge.genuine(request)), state)  # whose request it is, is not lost by it
    entered(plant, held)


def test_the_password_is_shown_again_there_and_nobody_gets_around_it(plant: Plant) -> None:
    assert entered(plant, plant.came("saml-again")).is_fresh
    request, _, state = plant.sent("saml-again")
    old = posted(plant.forge.genuine(request, shown_at=utc_now() + minutes(-5)))
    refused(plant.site, "saml.stale", old, state)


def test_somebody_is_known_by_an_attribute_where_the_name_passes(plant: Plant) -> None:
    request, _, state = plant.sent()
    passing = posted(plant.forge.genuine(request, name="_x1", format=TRANSIENT))
    refused(plant.site, "saml.passing", passing, state)
    configure(plant.site, plant.forge.settings(id_attribute="uid"), SYSTEM)
    found = [entered(plant, plant.came(name=name, format=TRANSIENT)).principal.id for name in ("_x1", "_x2")]
    assert len(set(found)) == 1
    assert find_user(plant.site, found[0]).subject == f"{ENTITY}#ann"
    plant.forge.attributes = {"groups": ["leads"]}
    request, _, state = plant.sent()
    refused(plant.site, "saml.passing", posted(plant.forge.genuine(request)), state)


def test_a_test_says_who_would_come_in_and_lets_nobody_in(plant: Plant) -> None:
    found = finish(plant.site, plant.came("saml-test"))
    assert isinstance(found, Tried)
    assert [role for _, role in found.roles.workspaces] == ["supervisor"]
    assert found.attributes["groups"] == ("leads",)
    assert not [entry for entry in entries(plant.site) if entry["kind"] == "user.admitted"]


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ("/console/main/", "/console/main/"), ("/console/-/people", "/console/-/people"),
        ("https://evil.example/", "/console/"), ("//evil.example", "/console/"),
        ("/console//evil.example", "/console/"), ("/console/../api/v1/x", "/console/"),
        ("/console/\\evil.example", "/console/"), ("/console/main/?x", "/console/"), ("/console/%2fevil", "/console/"),
        ("javascript:alert(1)", "/console/"), ("/console/a\n", "/console/"),
        ("", "/console/"), ("/console/" + "a" * 80, "/console/"),
    ],
)  # fmt: skip
def test_one_goes_on_to_a_page_of_the_console_and_nowhere_else(plant: Plant, state: str, place: str) -> None:
    request, held, _ = plant.sent()
    arrive(plant.site, posted(plant.forge.genuine(request)), state)
    assert entered(plant, held).place == place
    assert parse_qs(urlsplit(begin(plant.site, "saml", state)[0]).query)["RelayState"] == [place]


def test_our_key_is_kept_wrapped_and_changed_only_when_asked(plant: Plant) -> None:
    before = plant.own.identity
    with plant.site.control_session():
        assert b"PRIVATE KEY" not in bytes(DirectoryRow.known(source=SOURCE).secret)
    configure(plant.site, plant.forge.settings(label="Other"), SYSTEM)
    assert plant.own.identity == before
    configure(plant.site, plant.forge.settings(), SYSTEM, is_new_key=True)
    assert plant.own.identity != before
    facts = entries(plant.site)[-1]["facts"]
    assert (facts["issuer"], facts["has_new_key"]) == (ENTITY, True)
    remove(plant.site, SYSTEM)
    assert known_of(plant.site) is None
    for act in (lambda: begin(plant.site), lambda: arrive(plant.site, "", ""), lambda: remove(plant.site, SYSTEM)):
        with pytest.raises(NotFound):
            act()


def test_our_metadata_says_what_the_provider_needs_and_is_signed(plant: Plant) -> None:
    text = plant.own.metadata()
    root = etree.fromstring(text)
    assert root.get("entityID") == plant.own.entity_id
    assert (root.get("validUntil"), root.get("cacheDuration")) == (None, None)  # a file that is kept for years
    keys = root.xpath("//md:KeyDescriptor/@use", namespaces={"md": root.nsmap["md"]})
    assert sorted(keys) == ["encryption", "signing"]
    locations = root.xpath("//@Location")
    assert sorted(locations) == sorted([plant.own.consumer_url, plant.own.logout_url])
    assert "PRIVATE" not in text
    assert Utils.validate_metadata_sign(text, plant.own.identity.certificate_pem, raise_exceptions=True)


def test_requests_that_wait_are_forgotten_in_time(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        begin(plant.site)
    later = utc_now() + timedelta(minutes=11)
    monkeypatch.setattr(sign_on, "utc_now", lambda: later)
    begin(plant.site)
    with plant.site.control_session():
        assert ForeignLoginRow.select().count() == 1
