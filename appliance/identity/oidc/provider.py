"""A provider, asked: its configuration, its keys, a code exchanged for tokens, an ID token verified.

An ID token counts, in this order: 1. signed by a key of the provider's present set, with an asymmetric algorithm (a key
that is not known has the set fetched anew once); 2. of this issuer, for this client, in its time; 3. with the nonce of
this login, and the hash of the access token that came with it.  Claims that stand in the user info count only if they
are of the same subject.
"""

from __future__ import annotations

import ssl
import threading
import time
from typing import Any, Final

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import OAuth2Error
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from requests.adapters import HTTPAdapter

from appliance.errors import Denied, Misconfigured, Unavailable
from appliance.identity.oidc.settings import OidcSettings, is_trustworthy

#: Never 'none', never a secret that both sides hold.
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
TIMEOUT_S: Final = 5
#: Clocks may differ this much.
LEEWAY_S: Final = 60
#: Configuration and keys are asked for anew after this time, and keys that are not known no more often than this.
_KEPT_S: Final = 600.0
_ANEW_S: Final = 10.0
_TOKEN_CHARACTERS: Final = 8_192
_SCOPE: Final = "openid profile email"
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class _Pinned(HTTPAdapter):
    """Believes certificates of one CA alone."""

    def __init__(self, pem: str) -> None:
        self._pem = pem
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> Any:
        return super().init_poolmanager(*arguments, ssl_context=ssl.create_default_context(cadata=self._pem), **named)


class Provider:
    """One provider in one process; safe to use from many threads."""

    def __init__(self, settings: OidcSettings, secret: str, redirect_uri: str) -> None:
        self._settings, self._secret, self._redirect_uri = settings, secret, redirect_uri
        self._lock = threading.Lock()
        self._configuration: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._asked_at = self._keys_at = -_KEPT_S

    def configuration(self) -> dict[str, Any]:
        """What the provider says about itself.

        Raises
        ------
        Unavailable : it does not answer
        Misconfigured : it calls itself otherwise, or lacks what is needed
        """
        with self._lock:
            if time.monotonic() - self._asked_at >= _KEPT_S:
                url = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._configuration, self._asked_at = self._checked(self._fetched(url)), time.monotonic()
            return self._configuration

    def address(self, state: str, nonce: str, verifier: str, *, is_again: bool = False) -> str:
        """Where the browser goes to sign in; ``is_again``: the password is to be asked for, whoever is known there."""
        endpoint = self.configuration()["authorization_endpoint"]
        told = {"state": state, "nonce": nonce, "code_verifier": verifier}
        told |= {"prompt": "login", "max_age": "0"} if is_again else {}
        with self._session() as session:
            url, _ = session.create_authorization_url(endpoint, **told)
        return str(url)

    def signed_in(self, code: str, nonce: str, verifier: str) -> tuple[dict[str, Any], str | None]:
        """Who showed this code: the verified claims, and a refresh token where the provider gives one.

        Raises
        ------
        Denied : the provider does not take the code, or its answer proves nothing
        Unavailable, Misconfigured : as ``configuration``
        """
        configuration = self.configuration()
        with self._session() as session:
            try:
                token = session.fetch_token(
                    configuration["token_endpoint"], code=code, code_verifier=verifier, grant_type="authorization_code"
                )
                found = self._verified(token, nonce)
                found = {**self._user_info(session, found["sub"]), **found}
            except (OAuthError, OAuth2Error) as error:
                raise _refused(str(error)) from error
            except requests.RequestException as error:
                raise self._away(error) from error
        return found, _refresh_token(token)

    def look_again(self, refresh_token: str, subject: str) -> tuple[dict[str, Any], str]:
        """What the provider says now of ``subject``, and the refresh token for the next time.

        Raises
        ------
        Denied : it takes the token no more, or speaks of somebody else
        Unavailable, Misconfigured : as ``configuration``; also where it refuses us, and not the token
        """
        configuration = self.configuration()
        with self._session() as session:
            try:
                token = session.refresh_token(configuration["token_endpoint"], refresh_token=refresh_token)
                found = self._verified(token, None) if "id_token" in token else {"sub": subject}
                if found["sub"] != subject:
                    raise _refused("a refresh token brings somebody else")
                found = {**self._user_info(session, subject), **found}
            except (OAuthError, OAuth2Error) as error:
                if getattr(error, "error", "") == "invalid_grant":
                    raise _refused(str(error)) from error
                raise self._away(error) from error
            except requests.RequestException as error:
                raise self._away(error) from error
        return found, _refresh_token(token) or refresh_token

    def _verified(self, token: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        if "id_token" not in token:
            raise _refused("there is no ID token")
        try:
            # 1. The signature.
            signed = self._decoded(token["id_token"])
            # 2. Issuer, audience, time.  3. Nonce, access token.
            options = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
            }
            told = {"client_id": self._settings.client_id, "access_token": token.get("access_token")}
            told |= {"nonce": nonce} if nonce is not None else {}
            claims = CodeIDToken(signed.claims, signed.header, options, told)
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _refused(f"{type(error).__name__}: {error}") from error
        return dict(claims)

    def _decoded(self, id_token: str) -> Any:
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(id_token, self._key_set(_KEPT_S), registry=registry)
        except (InvalidKeyIdError, JoseError):
            return jwt.decode(id_token, self._key_set(_ANEW_S), registry=registry)

    def _key_set(self, kept_s: float) -> KeySet:
        """The provider's keys, not older than ``kept_s``."""
        uri = self.configuration()["jwks_uri"]
        with self._lock:
            if self._keys is None or time.monotonic() - self._keys_at >= kept_s:
                self._keys, self._keys_at = KeySet.import_key_set(self._fetched(uri)), time.monotonic()
            return self._keys

    def _user_info(self, session: Any, subject: str) -> dict[str, Any]:
        endpoint = self.configuration().get("userinfo_endpoint")
        if endpoint is None:
            return {}
        answer = session.get(endpoint, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise _refused("the user info is of somebody else")
        return found

    def _fetched(self, url: str) -> Any:
        with self._session() as session:
            try:
                answer = session.get(url, withhold_token=True, allow_redirects=False)
                answer.raise_for_status()
                if answer.status_code != requests.codes.ok:
                    raise requests.HTTPError(f"it answers {answer.status_code}")
                return answer.json()
            except (requests.RequestException, ValueError) as error:
                raise self._away(error) from error

    def _checked(self, found: Any) -> dict[str, Any]:
        if not isinstance(found, dict) or found.get("issuer") != self._settings.issuer:
            hint = "Write the issuer exactly as the provider does."
            raise Misconfigured("oidc.issuer", f"The provider does not call itself {self._settings.issuer}.", hint)
        for name in (*_ENDPOINTS, *(["userinfo_endpoint"] if "userinfo_endpoint" in found else [])):
            if not isinstance(found.get(name), str) or not is_trustworthy(found[name]):
                raise Misconfigured("oidc.endpoint", f"The provider names no trustworthy {name}.", "It must be https.")
        return found

    def _session(self) -> OAuth2Session:
        session = OAuth2Session(
            self._settings.client_id, self._secret, scope=_SCOPE, redirect_uri=self._redirect_uri,
            code_challenge_method="S256", default_timeout=TIMEOUT_S,
        )  # fmt: skip
        session.trust_env = False
        if self._settings.ca_pem:
            session.mount("https://", _Pinned(self._settings.ca_pem))
        return session

    def _away(self, error: Exception) -> Unavailable:
        if isinstance(error, requests.exceptions.SSLError):
            hint = "Check the CA in the settings, and the name in the certificate."
            return Unavailable("oidc.certificate", f"{self._settings.issuer} shows another certificate.", hint)
        return Unavailable(
            "oidc.down", f"{self._settings.issuer} does not answer.", "Local accounts and keys still work."
        )


def _refresh_token(token: dict[str, Any]) -> str | None:
    found = token.get("refresh_token")
    return found if isinstance(found, str) and 0 < len(found) <= _TOKEN_CHARACTERS else None


def _refused(why: str) -> Denied:
    """``why`` goes to the log alone: it is for plant IT."""
    error = Denied("oidc.refused", "The provider did not prove who this is.", "Try again, or ask plant IT.")
    error.add_note(why[:200])
    return error
