"""Access tokens: one algorithm, one type, our keys, our audience, and nothing that a head could talk us into."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.clock import utc_now
from appliance.errors import Denied
from appliance.identity.api_keys import authenticate as key_holder
from appliance.identity.api_keys import create_api_key
from appliance.identity.tokens import signing
from appliance.identity.tokens.access import authenticate
from appliance.identity.tokens.grants import exchange
from appliance.identity.tokens.models import TokenKeyRow
from appliance.identity.tokens.signing import KEY_LIFETIME, LEEWAY, LIFETIME, jwk_set, rotate_keys
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from tests.token_clock import at

OWNER = Principal("key_owner", "key", "owner", "owner")


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Forge:
    """A token of ours, and our own key to sign others with: written here without the library under test."""

    def __init__(self, site: Site) -> None:
        self.site = site
        holder = key_holder(site, create_api_key(site, "main", "operator", "cell", SYSTEM)[1])
        self.token = exchange(site, holder, holder.holder).access_token
        self.head, self.claims = (json.loads(raw(one)) for one in self.token.split(".")[:2])
        with site.control_session():
            row = TokenKeyRow.select().get()
        self.public = json.loads(row.public)
        private = json.loads(site.master.unwrap(bytes(row.wrapped), f"token-key/{row.kid}"))
        self.key = Ed25519PrivateKey.from_private_bytes(raw(private["d"]))

    def signed(self, head: Any = None, claims: Any = None, key: Ed25519PrivateKey | None = None) -> str:
        """A token with this head and these claims, signed by our key or another."""
        text = f"{part(self.head if head is None else head)}.{part(self.claims if claims is None else claims)}"
        return f"{text}.{part((key or self.key).sign(text.encode()))}"

    def with_head(self, **changed: Any) -> str:
        """Rightly signed, with another head; None removes a name."""
        head = {name: value for name, value in {**self.head, **changed}.items() if value is not None}
        return self.signed(head)

    def with_claims(self, **changed: Any) -> str:
        """Rightly signed, with other claims; None removes a name."""
        claims = {name: value for name, value in {**self.claims, **changed}.items() if value is not None}
        return self.signed(None, claims)

    def opens(self, token: str) -> bool:
        """Whether a token is believed."""
        try:
            authenticate(self.site, token)
        except Denied as refused:
            return not refused.code.endswith(".refused")
        return True


@pytest.fixture
def forge(site: Site) -> Forge:
    return Forge(site)


def test_a_token_says_what_rfc_9068_wants_and_no_role(forge: Forge) -> None:
    assert forge.head == {"alg": "Ed25519", "typ": "at+jwt", "kid": forge.public["kid"]}
    assert set(forge.claims) == {"iss", "aud", "sub", "client_id", "sid", "jti", "iat", "exp"}
    assert forge.claims["exp"] - forge.claims["iat"] == LIFETIME.total_seconds() <= 900
    assert forge.opens(forge.token)
    assert forge.opens(forge.signed())  # so the forge below is refused for what it changes, and nothing else


def test_an_algorithm_that_is_confused_opens_nothing(forge: Forge) -> None:
    for secret in (raw(forge.public["x"]), json.dumps(forge.public).encode(), forge.public["x"].encode()):
        for algorithm in ("HS256", "HS512"):
            text = f"{part(forge.head | {'alg': algorithm})}.{part(forge.claims)}"
            mac = hmac.digest(secret, text.encode(), "sha256" if algorithm == "HS256" else "sha512")
            assert not forge.opens(f"{text}.{part(mac)}")


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "EdDSA", "ES256", "RS256", "ed25519", 1, None])
def test_no_other_algorithm_is_taken(forge: Forge, algorithm: Any) -> None:
    assert not forge.opens(forge.with_head(alg=algorithm))
    assert not forge.opens(f"{part(forge.head | {'alg': algorithm})}.{part(forge.claims)}.")


def test_without_a_signature_or_with_anothers_nothing_opens(forge: Forge) -> None:
    head, claims, signature = forge.token.split(".")
    other = Ed25519PrivateKey.generate()
    assert not forge.opens(forge.signed(key=other))
    for wrong in ("", signature[:-4], part(b"\0" * 64), part(raw(signature)[::-1])):
        assert not forge.opens(f"{head}.{claims}.{wrong}")


def test_a_changed_byte_opens_nothing(forge: Forge) -> None:
    for place in range(0, len(forge.token), 7):
        other = "A" if forge.token[place] != "A" else "B"
        assert not forge.opens(forge.token[:place] + other + forge.token[place + 1 :]), place


@pytest.mark.parametrize(
    "changed",
    [
        {"typ": "JWT"}, {"typ": None}, {"typ": "at+jwt "}, {"typ": 1}, {"typ": "id+jwt"}, {"kid": None},
        {"kid": ""}, {"kid": "../../keys"}, {"kid": "' OR 1=1 --"}, {"kid": ["x"]}, {"kid": "\0"}, {"kid": 0},
        {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": ["exp"]}, {"b64": True}, {"zip": "DEF"}, {"cty": "JWT"},
        {"jku": "https://elsewhere.example/jwks"}, {"x5u": "https://elsewhere.example"}, {"x5c": ["MIIB"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_head_that_says_anything_else_is_refused(forge: Forge, changed: dict[str, Any]) -> None:
    assert not forge.opens(forge.with_head(**changed))


def test_a_key_that_a_token_brings_along_is_not_believed(forge: Forge) -> None:
    other = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": part(other.public_key().public_bytes_raw())}
    for head in (forge.head | {"jwk": jwk}, {**forge.head, "jwk": jwk, "kid": "mine"}, forge.head | {"kid": "mine"}):
        assert not forge.opens(forge.signed(head, key=other))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"}, {"iss": None}, {"iss": ["x"]}, {"aud": "https://elsewhere.example/api/v1"},
        {"aud": None}, {"aud": []}, {"sub": None}, {"sub": "key_somebody"}, {"sid": None}, {"sid": "tgr_nothing"},
        {"client_id": None}, {"jti": None}, {"exp": None}, {"exp": "9999999999"}, {"exp": 9_999_999_999}, {"exp": True},
        {"exp": 1e300}, {"iat": None}, {"iat": 0}, {"exp": 0}, {"nbf": 9_999_999_999},
    ],
    ids=str,
)  # fmt: skip
def test_claims_that_are_not_ours_are_refused_though_signed(forge: Forge, changed: dict[str, Any]) -> None:
    assert not forge.opens(forge.with_claims(**changed))


def test_the_audience_is_one_and_ours(forge: Forge) -> None:
    assert not forge.opens(forge.with_claims(aud=[forge.claims["aud"]]))
    assert not forge.opens(forge.with_claims(aud=[forge.claims["aud"], "https://elsewhere.example"]))
    assert not forge.opens(forge.with_claims(aud=forge.claims["iss"]))


def test_a_token_counts_in_its_time_alone(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    now = utc_now()
    for moment, counts in (
        (now - LEEWAY - timedelta(seconds=2), False), (now + LIFETIME - timedelta(seconds=2), True),
        (now + LIFETIME, False),
    ):  # fmt: skip
        at(monkeypatch, moment)
        assert forge.opens(forge.token) == counts, moment


def test_a_token_that_is_remembered_ends_all_the_same(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    assert forge.opens(forge.token)
    at(monkeypatch, utc_now() + LIFETIME)
    assert not forge.opens(forge.token)


def test_a_huge_token_is_not_read(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(signing, "loads_strict", lambda text: read.append(1))
    for huge in (forge.with_claims(x="a" * 3_000), forge.token + "A" * (1 << 20), "." * 2_000, ".." + "a" * (1 << 20)):
        assert not forge.opens(huge)
    assert not read


@pytest.mark.parametrize("head", [b"{", b"[]", b'"x"', b"\xff", b'{"alg":"none","alg":"Ed25519"}', b"[" * 900])
def test_a_head_that_is_no_object_is_refused(forge: Forge, head: bytes) -> None:
    text = f"{part(head)}.{part(forge.claims)}"
    assert not forge.opens(f"{text}.{part(forge.key.sign(text.encode()))}")


def test_claims_that_are_no_object_are_refused(forge: Forge) -> None:
    for claims in ([], "x", 1):
        assert not forge.opens(forge.signed(None, claims))


def test_keys_overlap_when_they_are_rotated(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    site, former = forge.site, forge.public["kid"]
    kid = rotate_keys(site, OWNER)
    assert forge.opens(forge.token)
    assert [one["kid"] for one in jwk_set(site)["keys"]] == [kid, former]
    assert not [one for one in jwk_set(site)["keys"] if "d" in one]
    holder = key_holder(site, create_api_key(site, "main", "operator", "x", SYSTEM)[1])
    following = exchange(site, holder, holder.holder).access_token
    assert json.loads(raw(following.split(".")[0]))["kid"] == kid
    with site.control_session():
        assert TokenKeyRow.known(kid=former).wrapped is None  # it signs nothing any more
    at(monkeypatch, utc_now() + LIFETIME + LEEWAY + timedelta(seconds=1))
    assert [one["kid"] for one in jwk_set(site)["keys"]] == [kid]
    assert not forge.opens(forge.signed(None, forge.claims | {"exp": int(signing.utc_now().timestamp()) + 60}))


def test_a_key_that_was_stolen_is_believed_no_more_at_once(forge: Forge) -> None:
    with Site.open(forge.site.settings) as other:
        rotate_keys(other, OWNER, at_once=True)
    assert not forge.opens(forge.token)


def test_a_key_is_replaced_by_itself_in_time(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, utc_now() + KEY_LIFETIME)
    holder = key_holder(forge.site, create_api_key(forge.site, "main", "operator", "x", SYSTEM)[1])
    token = exchange(forge.site, holder, holder.holder).access_token
    assert json.loads(raw(token.split(".")[0]))["kid"] != forge.public["kid"]
    assert len(jwk_set(forge.site)["keys"]) == 2


def test_another_appliance_believes_nothing_of_ours(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> None:
    from appliance.config.settings import load_settings

    settings = load_settings(tmp_path_factory.mktemp("other") / "appliance", {})
    with Site.open(settings, create=True) as other, pytest.raises(Denied):
        authenticate(other, forge.token)
