"""The API of one workspace as functions: what it lists, makes, changes and hands out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode
from uuid import uuid4

from appliance.client.connection import UNREACHABLE, Connection
from appliance.core.files import unreadable
from appliance.errors import NotFound, Unavailable

#: One thing as the API shows it, field by field.
Record: TypeAlias = dict[str, Any]

_PAGE: Final = 200
#: Files of a report, in the order in which ``get_report`` writes them.
REPORT_FILES: Final = ("report.pdf", "report.json", "report.tlog-proof", "result.json")
EVIDENCE_PACK: Final = "evidence.zip"


class WorkspaceClient:
    """Requests to one workspace; every method raises as ``Connection.request`` does."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def records(self, kind: str, limit: int | None = None, **filters: str | None) -> Iterator[Record]:
        """Everything of a kind (``assets``, ``inspections``), page by page; ``limit`` of them at most."""
        return islice(self._records(kind, filters), limit)

    def record(self, kind: str, key: str) -> Record:
        """One thing by its id or, where it has one, its name."""
        return self._json("GET", f"{kind}/{self._id(kind, key)}")

    def make(self, kind: str, fields: Mapping[str, Any]) -> Record:
        """A new thing; fields of None are left out.  One whose answer was lost is asked for again, and made once."""
        return self._json_once(kind, _stated(fields))

    def change(self, kind: str, key: str, fields: Mapping[str, Any]) -> Record:
        """Other values for some fields of a thing as it is now; those of None stay.

        Raises
        ------
        Conflict : somebody else changed it in between
        """
        path = f"{kind}/{self._id(kind, key)}"
        tag = self.connection.request("GET", path).headers["ETag"]
        return self._json("PATCH", path, _stated(fields), {"If-Match": tag})

    def act(self, kind: str, key: str, act: str, fields: Mapping[str, Any] | None = None) -> Record:
        """Do something with a thing: ``cancel`` an inspection, ``revoke`` a key."""
        body = None if fields is None else _stated(fields)
        return self._json("POST", f"{kind}/{self._id(kind, key)}/{act}", body)

    def send_file(self, kind: str, file: Path, **query: str | None) -> Record:
        """A new thing whose content is a file."""
        return self._send(f"{kind}?{_query(query)}", {"file": file})

    def add_cad(
        self, part: str, file: Path, zones: Path | None = None, unit: str | None = None, label: str | None = None
    ) -> Record:
        """A new CAD revision of a part."""
        files = {"file": file} | ({"zones": zones} if zones else {})
        return self._send(f"cad-revisions?{_query({'part': part, 'unit': unit, 'label': label})}", files, form=True)

    def get_report(self, inspection: str, folder: Path, *, with_evidence: bool = True) -> list[Path]:
        """Write the files of a report into ``folder``; returns them."""
        folder.mkdir(parents=True, exist_ok=True)
        names = (*REPORT_FILES, EVIDENCE_PACK) if with_evidence else REPORT_FILES
        for name in names:
            self.connection.download(f"inspections/{_quoted(inspection)}/{name}", folder / name)
        return [folder / name for name in names]

    def _id(self, kind: str, key: str) -> str:
        """What names a thing in an address; a name with a slash cannot, so its id does.

        Raises
        ------
        NotFound : nothing has this name
        """
        if "/" not in key:
            return _quoted(key)
        found = next((one for one in self.records(kind) if one.get("name") == key), None)
        if found is None:
            raise NotFound("client.unknown", f"Nothing in {kind} is called '{key}'.")
        return str(found["id"])

    def _records(self, kind: str, filters: Mapping[str, str | None]) -> Iterator[Record]:
        cursor: str | None = None
        while True:
            page = self._json("GET", f"{kind}?{_query({**filters, 'limit': str(_PAGE), 'cursor': cursor})}")
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def _json_once(self, path: str, body: Mapping[str, Any]) -> Record:
        once = {"Idempotency-Key": str(uuid4())}
        try:
            return self._json("POST", path, body, once)
        except Unavailable as error:
            if error.code != UNREACHABLE:
                raise
            return self._json("POST", path, body, once)

    def _json(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Record:
        answer: Record = self.connection.json(method, path, body, headers)
        return answer

    def _send(self, path: str, files: Mapping[str, Path], form: bool = False) -> Record:
        with ExitStack() as opened:
            try:
                parts = {name: opened.enter_context(file.open("rb")) for name, file in files.items()}
            except OSError as error:
                raise unreadable(Path(error.filename), error) from error
            if form:
                named = {name: (files[name].name, part) for name, part in parts.items()}
                answer = self.connection.request("POST", path, files=named)
            else:
                headers = {"Content-Type": "application/octet-stream"}
                answer = self.connection.request("POST", path, data=parts["file"], headers=headers)
        record: Record = answer.json()
        return record


def _stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _query(fields: Mapping[str, str | None]) -> str:
    return urlencode(_stated(fields), quote_via=quote)


def _quoted(key: str) -> str:
    return quote(key, safe="")
