"""Signing in through a real OpenID provider: once, by the browser that was sent, for whoever the provider signs for."""

from __future__ import annotations

import hmac
import json
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from appliance.core.clock import utc_now
from appliance.errors import Denied, InvalidInput, Misconfigured, NotFound, Unavailable
from appliance.identity.groups import give_role
from appliance.identity.oidc import provider as providers
from appliance.identity.oidc import sign_on
from appliance.identity.oidc.provider import Provider
from appliance.identity.oidc.settings import OidcSettings, check, is_trustworthy, load
from appliance.identity.oidc.sign_on import CALLBACK, begin, configure, finish, probe, remove, sign_on_of
from appliance.identity.users import find_user
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.oidc_server import SECRET, OidcServer, new_provider
from tests.unit.identity.test_users import entries

BACK = f"http://127.0.0.1:8470{CALLBACK}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    started = new_provider(tmp_path_factory.mktemp("oidc"), BACK)
    yield started
    started.stop()


@pytest.fixture
def plant(site: Site, server: OidcServer) -> Site:
    """Leads supervise ``main``, the crew operates it."""
    configure(site, server.settings(), SECRET, SYSTEM)
    give_role(site, "oidc", "leads", "main", "supervisor", SYSTEM)
    give_role(site, "oidc", "crew", "main", "operator", SYSTEM)
    return site


def test_a_person_signs_in_with_the_role_of_their_group(plant: Site, server: OidcServer) -> None:
    address, held = begin(plant)
    principal, is_fresh = finish(plant, held, server.visit(address, "u-ann"))
    assert not is_fresh
    assert principal.label == "Ann Lee"
    assert plant.scope(principal, "main").principal.role == "supervisor"
    user = find_user(plant, principal.id)
    assert (user.source, user.login, user.subject) == ("oidc", "ann", f"{server.issuer}#u-ann")
    address, held = begin(plant)
    assert finish(plant, held, server.visit(address, "u-ann"))[0].id == principal.id


def test_a_group_of_the_directory_is_not_one_of_the_provider(plant: Site, server: OidcServer) -> None:
    give_role(plant, "ldap", "everybody", "main", "owner", SYSTEM)
    address, held = begin(plant)
    principal, _ = finish(plant, held, server.visit(address, "u-ann"))
    assert plant.scope(principal, "main").principal.role == "supervisor"


def test_somebody_without_a_role_and_somebody_unknown_stay_outside(plant: Site, server: OidcServer) -> None:
    for who, code in (("u-eve", "login.no_role"), ("u-nobody", "oidc.refused")):
        address, held = begin(plant)
        with pytest.raises(Denied) as refused:
            finish(plant, held, server.visit(address, who))
        assert refused.value.code == code
        assert entries(plant)[-1]["facts"]["reason"] == code


def test_what_came_back_comes_back_once(plant: Site, server: OidcServer) -> None:
    address, held = begin(plant)
    query = server.visit(address, "u-ann")
    finish(plant, held, query)
    with pytest.raises(Denied) as refused:
        finish(plant, held, query)
    assert refused.value.code == "oidc.foreign"


def test_another_browser_opens_nothing_with_it(plant: Site, server: OidcServer) -> None:
    """Login CSRF: a victim is led to the address with which the attacker came back."""
    address, _ = begin(plant)
    query = server.visit(address, "u-ann")
    _, other = begin(plant)
    for held in ("", other, "x"):
        with pytest.raises(Denied) as refused:
            finish(plant, held, query)
        assert refused.value.code == "oidc.foreign"


def test_a_code_of_another_login_is_refused(plant: Site, server: OidcServer) -> None:
    """A stolen code, shown in a login of the thief's own: verifier and nonce are others."""
    address, _ = begin(plant)
    stolen = server.visit(address, "u-ann")["code"]
    address, held = begin(plant)
    query = server.visit(address, "u-ben")
    with pytest.raises(Denied) as refused:
        finish(plant, held, {**query, "code": stolen})
    assert refused.value.code == "oidc.refused"


def test_an_answer_of_another_issuer_or_too_late_is_refused(
    plant: Site, server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, held = begin(plant)
    with pytest.raises(Denied):
        finish(plant, held, {**server.visit(address, "u-ann"), "iss": "https://evil.example"})
    address, held = begin(plant)
    query = server.visit(address, "u-ann")
    moment = utc_now() + timedelta(minutes=11)
    monkeypatch.setattr(sign_on, "utc_now", lambda: moment)
    with pytest.raises(Denied):
        finish(plant, held, query)


def test_the_password_is_shown_again_there_and_nobody_gets_around_it(
    plant: Site, server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, held = begin(plant, is_again=True)
    assert "prompt=login" in address
    assert finish(plant, held, server.visit(address, "u-ann"))[1]
    address, held = begin(plant, is_again=True)
    without = address.replace("&prompt=login", "").replace("&max_age=0", "")
    with pytest.raises(Denied) as refused:
        finish(plant, held, server.visit(without, "u-ann"))
    assert refused.value.code == "oidc.stale"
    address, held = begin(plant, is_again=True)
    query = server.visit(address, "u-ann")
    bare = Provider.signed_in
    long_ago = {"auth_time": 1_700_000_000}
    monkeypatch.setattr(Provider, "signed_in", lambda *told: (bare(*told)[0] | long_ago, None))
    with pytest.raises(Denied) as refused:
        finish(plant, held, query)
    assert refused.value.code == "oidc.stale"


def test_keys_that_the_provider_changed_are_fetched_anew(
    plant: Site, server: OidcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, held = begin(plant)
    finish(plant, held, server.visit(address, "u-ann"))
    server.stop()
    server.new_keys()
    server.start()
    monkeypatch.setattr(providers, "_ANEW_S", 0.0)
    address, held = begin(plant)
    assert finish(plant, held, server.visit(address, "u-ben"))[0].label == "Ben Ora"


def test_a_provider_that_is_down_is_said_so(plant: Site, server: OidcServer) -> None:
    configure(plant, server.settings(label="Again"), SECRET, SYSTEM)  # nothing is remembered of it
    server.stop()
    try:
        with pytest.raises(Unavailable) as refused:
            begin(plant)
    finally:
        server.start()
    assert refused.value.code == "oidc.down"
    assert probe(plant)["issuer"] == server.issuer


def test_a_wrong_secret_lets_nobody_in(plant: Site, server: OidcServer) -> None:
    configure(plant, server.settings(), "another-secret-of-32-characters!!!", SYSTEM)
    address, held = begin(plant)
    with pytest.raises(Denied):
        finish(plant, held, server.visit(address, "u-ann"))


def test_a_provider_that_calls_itself_otherwise_is_not_believed(site: Site, server: OidcServer) -> None:
    configure(site, server.settings(issuer=f"http://localhost:{server.port}"), SECRET, SYSTEM)
    with pytest.raises(Misconfigured, match="call itself"):
        begin(site)


def test_the_secret_is_kept_wrapped_and_goes_to_no_other_provider(site: Site, server: OidcServer) -> None:
    with pytest.raises(InvalidInput):
        configure(site, server.settings(), None, SYSTEM)
    configure(site, server.settings(), SECRET, SYSTEM)
    configure(site, server.settings(label="Other"), None, SYSTEM)
    with pytest.raises(InvalidInput):
        configure(site, server.settings(issuer="https://evil.example"), None, SYSTEM)
    known = sign_on_of(site)
    assert known
    assert (known.settings.label, known.redirect_uri) == ("Other", BACK)
    remove(site, SYSTEM)
    with pytest.raises(NotFound):
        begin(site)


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("https://sso.plant", True), ("http://127.0.0.1:80", True), ("http://[::1]/x", True),
        ("http://localhost", True), ("http://sso.plant", False), ("ftp://x", False), ("", False), ("https://", False),
        ("https://a:b@x", False), ("http://127.0.0.1.evil.example", False), ("http://localhost@evil.example", False),
    ],
)  # fmt: skip
def test_only_https_and_this_machine_are_trusted(url: str, is_so: bool) -> None:
    assert is_trustworthy(url) == is_so


def test_settings_are_checked_when_they_are_said() -> None:
    good = OidcSettings("https://sso.plant", "d2r", "Plant")
    assert load(check(good).dump()) == good
    for change in (
        {"issuer": "http://sso.plant"}, {"issuer": "https://sso.plant?x=1"}, {"client_id": " "}, {"label": ""},
        {"ca_pem": "nonsense"}, {"groups_claim": "a\nb"},
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            check(replace(good, **change))


class Forger:
    """A provider of whom we hold the keys: it answers a code with whatever the test signs."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
        self.other = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": self.key.kid})
        self.token: dict[str, Any] = {}
        self.status = 200
        self.asked: list[dict[str, str]] = []
        self.info: dict[str, Any] = {"sub": "u-ann", "groups": ["leads"]}
        forger = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers = {"/jwks": KeySet([forger.key]).as_dict(), "/me": forger.info}
                self._answer(answers.get(self.path, forger.configuration))

            def do_POST(self) -> None:
                forger.asked.append(dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))
                self._answer(forger.token, forger.status)

            def _answer(self, value: Any, status: int = 200) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def configuration(self) -> dict[str, str]:
        places = {
            "authorization_endpoint": "auth",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
            "userinfo_endpoint": "me",
        }
        return {"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in places.items()}}

    def claims(self, **other: Any) -> dict[str, Any]:
        now = int(utc_now().timestamp())
        told = {"iss": self.issuer, "aud": "d2r", "sub": "u-ann", "iat": now, "exp": now + 60, "nonce": "n"}
        return {name: value for name, value in (told | other).items() if value is not None}

    def signed(self, key: Any = None, header: dict[str, Any] | None = None, **other: Any) -> str:
        chosen = header or {"alg": "RS256", "kid": self.key.kid}
        algorithms = [chosen["alg"]]
        return jwt.encode(chosen, self.claims(**other), key or self.key, algorithms=algorithms)


@pytest.fixture(scope="module")
def forger() -> Iterator[Forger]:
    made = Forger()
    yield made
    made.server.shutdown()


def _none(forger: Forger) -> str:
    head, body, _ = forger.signed().split(".")
    none = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    assert head != none
    return f"{none}.{body}."


def _confused(forger: Forger) -> str:
    """HS256 under the public key, which everybody has."""
    head = {"alg": "HS256", "kid": forger.key.kid}
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, forger.claims())]
    tag = hmac.digest(forger.key.as_pem(private=False), b".".join(parts), "sha256")
    return b".".join([*parts, urlsafe_b64encode(tag).rstrip(b"=")]).decode()


def _unsigned(forger: Forger) -> str:
    head, _, rest = forger.signed().partition(".")
    return f"{head}.{rest.partition('.')[0]}."


def _altered(forger: Forger) -> str:
    head, body, signature = forger.signed().split(".")
    other = forger.signed(sub="u-ben").split(".")[1]
    assert other != body
    return f"{head}.{other}.{signature}"


FORGED: dict[str, Callable[[Forger], str]] = {
    "none": _none,
    "algorithm confusion": _confused,
    "no signature": _unsigned,
    "another body": _altered,
    "another key of the same name": lambda forger: forger.signed(forger.other),
    "an unknown key": lambda forger: forger.signed(forger.other, {"alg": "RS256", "kid": "other"}),
    "another issuer": lambda forger: forger.signed(iss="https://evil.example"),
    "another audience": lambda forger: forger.signed(aud="another"),
    "two audiences without a party": lambda forger: forger.signed(aud=["another", "third"]),
    "expired": lambda forger: forger.signed(exp=int(utc_now().timestamp()) - 120),
    "from tomorrow": lambda forger: forger.signed(iat=int(utc_now().timestamp()) + 86_400),
    "no time": lambda forger: forger.signed(exp=None),
    "another nonce": lambda forger: forger.signed(nonce="m"),
    "no nonce": lambda forger: forger.signed(nonce=None),
    "no subject": lambda forger: forger.signed(sub=None),
    "another access token": lambda forger: forger.signed(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "no token": lambda forger: "nonsense",
}  # fmt: skip


def known_by(forger: Forger) -> Provider:
    return Provider(OidcSettings(forger.issuer, "d2r", "Forger"), "secret", BACK)


def test_what_is_signed_rightly_is_believed(forger: Forger) -> None:
    forger.token = {"access_token": "a", "token_type": "Bearer", "id_token": forger.signed()}
    found, token = known_by(forger).signed_in("code", "n", "v")
    assert token is None
    assert (found["sub"], found["groups"]) == ("u-ann", ["leads"])


@pytest.mark.parametrize("forged", FORGED)
def test_what_proves_nothing_is_refused(forger: Forger, forged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_ANEW_S", 0.0)
    forger.token = {"access_token": "a", "token_type": "Bearer", "id_token": FORGED[forged](forger)}
    with pytest.raises(Denied) as refused:
        known_by(forger).signed_in("code", "n", "v")
    assert refused.value.code == "oidc.refused"


def test_without_an_id_token_or_with_user_info_of_another_nobody_is_believed(forger: Forger) -> None:
    forger.token = {"access_token": "a", "token_type": "Bearer"}
    with pytest.raises(Denied):
        known_by(forger).signed_in("code", "n", "v")
    forger.token["id_token"] = forger.signed()
    forger.info = {"sub": "u-ben", "groups": ["owners"]}
    try:
        with pytest.raises(Denied):
            known_by(forger).signed_in("code", "n", "v")
    finally:
        forger.info = {"sub": "u-ann", "groups": ["leads"]}
