"""The gate to ``requests``: one appliance, one API key, errors as the appliance's own.

An answer that is no success becomes the error that the server raised: the same code, message and hint, in the family
of its status.  What never reached the server is ``Unavailable``, which a caller may try again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from appliance.core.canonical import loads_strict
from appliance.core.files import whole_file
from appliance.errors import Conflict, D2RError, Denied, InvalidInput, Misconfigured, NotFound, Unavailable

if TYPE_CHECKING:
    from appliance.client.api.shared import Problem

#: Seconds to connect, and between two pieces of an answer: the last bytes of an upload are answered when it is durable.
TIMEOUT_S: Final = (10.0, 300.0)
#: Bytes that are written to the socket at once.
_BLOCK_BYTES: Final = 1 << 20
#: Code of the error that says that nobody answered, or not to the end.
UNREACHABLE: Final = "client.unreachable"
_FAMILY: Final[dict[int, type[D2RError]]] = {
    401: Denied, 403: Denied, 404: NotFound, 410: NotFound, 409: Conflict, 412: Conflict, 423: Conflict,
    428: Conflict, 429: Unavailable,
}  # fmt: skip


class _Adapter(HTTPAdapter):
    """Connections that send large blocks; over TLS with one certificate alone, where its SHA-256 is given."""

    def __init__(self, certificate: str | None) -> None:
        self._certificate = certificate
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        if self._certificate is not None:
            options["assert_fingerprint"] = self._certificate
        super().init_poolmanager(*arguments, blocksize=_BLOCK_BYTES, **options)


class Connection:
    """Requests to one appliance; ``base`` is the address of the workspace that they are about.

    Parameters
    ----------
    key : what opens the appliance, or what gives it at each request; None for requests that need none
    certificate : SHA-256 of the one TLS certificate that is believed, whoever vouches for it; None: that of a known CA
    """

    def __init__(
        self, url: str, key: str | Callable[[], str] | None, workspace: str = "main", certificate: str | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Misconfigured("client.url", f"'{url}' is no address of an appliance.", "Write http://host:port.")
        self.workspace = workspace
        self.root = f"{url.rstrip('/')}/api/v1"
        self.base = f"{self.root}/workspaces/{workspace}"
        self._session = requests.Session()
        self._session.trust_env = False
        if key is not None:
            self._session.auth = _bearing(key)
        self._session.verify = certificate is None
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(certificate))

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        json: Any = None,
        files: Mapping[str, tuple[str, Any]] | None = None,
    ) -> requests.Response:
        """The answer to a request; ``path`` is relative to the root of the API.

        ``files`` makes the body a form: name of the part -> name of the file and its bytes or its open file.

        Raises
        ------
        Unavailable : nobody answers, the connection breaks, or the server cannot serve now
        D2RError : what the server answers
        """
        try:
            answer = self._session.request(
                method, f"{self.root}/{path}", headers=dict(headers or {}), data=data, json=json, files=files,
                timeout=TIMEOUT_S, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise Unavailable(UNREACHABLE, f"The appliance at {self.base} does not answer: {_why(error)}.") from error
        if answer.status_code < 300 or answer.status_code == requests.codes.not_modified:
            return answer
        raise _error_of(answer)

    def parsed(self, answer: requests.Response) -> Any:
        """The JSON of an answer.

        Raises
        ------
        Unavailable : it is something else
        """
        try:
            return loads_strict(answer.content)
        except InvalidInput as error:
            raise Unavailable("client.answer", "The appliance answers something that is not JSON.") from error

    def download(self, path: str, target: Path, body: Any = None, patience_s: float = TIMEOUT_S[1]) -> None:
        """Write what a request answers to ``target``, whole or not at all, whatever its size.

        Parameters
        ----------
        body : what is posted, as JSON; None: nothing, the file is there
        patience_s : how long the server may prepare the file

        Raises
        ------
        Unavailable : as ``request``; also where the answer ends early
        D2RError : what the server answers
        """
        asked: dict[str, Any] = {"timeout": (TIMEOUT_S[0], patience_s), "stream": True, "allow_redirects": False}
        try:
            with self._session.request("POST" if body else "GET", f"{self.root}/{path}", json=body, **asked) as answer:
                if answer.status_code != requests.codes.ok:
                    raise _error_of(answer)
                with whole_file(target) as file:
                    for block in answer.iter_content(_BLOCK_BYTES):
                        file.write(block)
        except requests.RequestException as error:
            raise Unavailable(
                UNREACHABLE, f"The download from {self.base} broke off: {_why(error)}.", "Try again."
            ) from error

    def close(self) -> None:
        """Close connections."""
        self._session.close()


def _bearing(key: str | Callable[[], str]) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """What writes the key into each request."""

    def write(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {key if isinstance(key, str) else key()}"
        return prepared

    return write


def _why(error: requests.RequestException) -> str:
    """The innermost reason, in a few words."""
    inner: BaseException = error
    while (deeper := inner.__cause__ or inner.__context__ or getattr(inner, "reason", None)) is not None:
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    return (getattr(inner, "strerror", None) or str(inner) or type(inner).__name__).rstrip(".")[:120]


def _error_of(answer: requests.Response) -> D2RError:
    """The error that an answer stands for."""
    try:
        problem: Problem = loads_strict(answer.content)
        code, message, hint = str(problem["code"]), str(problem["detail"]), _hint(problem)
    except (InvalidInput, KeyError, TypeError, AttributeError):
        code, message, hint = f"http.{answer.status_code}", f"The appliance answers {answer.status_code}.", ""
    if answer.status_code >= 500:
        return Unavailable(code, message, hint)
    return _FAMILY.get(answer.status_code, InvalidInput)(code, message, hint)


def _hint(problem: Problem) -> str:
    """What to do; where several fields are wrong, which they are beside the first, which the message names."""
    others = (problem.get("errors") or [])[1:]
    named = "; ".join(f"{one['field']}: {one['message']}" for one in others)
    return f"Also {named}." if named else str(problem.get("hint") or "")
