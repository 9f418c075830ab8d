"""The cast of every test of the API: an owner, colleagues with smaller roles, a stranger of another workspace, nobody.

Each answer is held against the published OpenAPI document: an answer that it does not describe fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from appliance.config.settings import load_settings
from appliance.identity.api_keys import create_api_key
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from web.app import create_app

BASE = "/api/v1/workspaces/main"
ROLES = ("owner", "supervisor", "operator", "auditor", "service", "device", "plant-it")


class Document:
    """The published document, as an auditor of answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._templates = [
            (path.split("/"), path, operations) for path, operations in document["paths"].items()
        ]  # fmt: skip

    def check(self, response: TestResponse) -> None:
        """Fail unless the answer is one that the document describes."""
        operation = self._operation(response.request.method.lower(), response.request.path)
        if operation is None:
            assert response.status_code in (404, 405)
            return
        described = operation["responses"].get(str(response.status_code))
        assert described, f"{response.request.method} {response.request.path} answers {response.status_code}: not so"
        described = self.resolved(described)
        for name, header in described.get("headers", {}).items():
            self._check_header(response, name, header)
        content = described.get("content", {})
        if response.request.method == "HEAD":
            return
        if not content:
            assert not response.data
            return
        media_type = response.mimetype
        assert media_type in content, f"{media_type} is not described"
        if media_type.endswith("json"):
            schema = content[media_type]["schema"]
            if "anyOf" in schema and "fields" not in response.request.args:
                schema = schema["anyOf"][0]
            self.validator(schema).validate(response.json)

    def resolved(self, part: Any) -> Any:
        """A part of the document, where it refers to a component that component."""
        kind, _, name = part.get("$ref", "").removeprefix("#/components/").partition("/")
        return self.document["components"][kind][name] if name else part

    def validator(self, schema: Any) -> Draft202012Validator:
        """What holds values against a schema of the document."""
        return Draft202012Validator({**schema, "components": self.document["components"]})

    def _check_header(self, response: TestResponse, name: str, header: Any) -> None:
        value = response.headers.get(name)
        assert value is not None or not header["required"], f"{response.request.path} answers without {name}"
        if value is not None:
            self.validator(header["schema"]).validate(value)

    def _operation(self, method: str, path: str) -> Any:
        parts = path.split("/")
        for template, _, operations in sorted(self._templates, key=lambda one: one[1].count("{")):
            fits = len(template) == len(parts) and all(
                want == part or want.startswith("{") for want, part in zip(template, parts, strict=True)
            )
            if fits and method in operations:
                return operations[method]
        return None


@dataclass
class Caller:
    """One of the cast."""

    client: FlaskClient
    document: Document
    token: str | None
    role: str = ""
    key_id: str = ""

    def __call__(self, method: str, path: str, body: Any = None, **how: Any) -> TestResponse:
        """A request; ``path`` is relative to the workspace unless it begins with a slash."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= how.pop("headers", {})
        if body is not None:
            how["json"] = body
        address = path if path.startswith("/") else f"{BASE}/{path}"
        response = self.client.open(address, method=method, headers=headers, **how)
        self.document.check(response)
        return response

    def get(self, path: str, **how: Any) -> Any:
        """The JSON of what is there."""
        response = self("GET", path, **how)
        assert response.status_code == 200, response.text
        return response.json

    def made(self, path: str, body: Any = None, **how: Any) -> Any:
        """The JSON of what was made, which can be had at its Location."""
        response = self("POST", path, body, **how)
        assert response.status_code == 201, response.text
        return response.json


@dataclass
class Cast:
    """Everybody, and the appliance itself."""

    app: Flask
    site: Site
    appliance: Caller
    stranger: Caller
    nobody: Caller
    by_role: dict[str, Caller] = field(default_factory=dict)

    def __getattr__(self, role: str) -> Caller:
        return self.by_role[role.replace("_", "-")]

    @property
    def scope(self) -> WorkspaceScope:
        """The workspace ``main`` as the appliance itself sees it."""
        return self.site.scope(SYSTEM, "main")


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    settings = load_settings(tmp_path_factory.mktemp("web") / "appliance", {"D2R_FREE_SPACE_FLOOR_BYTES": "0"})
    with Site.open(settings, create=True) as site:
        for slug in ("main", "other"):
            site.create_workspace(slug, slug.title(), SYSTEM)
        app = create_app(site=site)
        client = app.test_client()
        document = Document(client.get("/openapi.json").json)

        def caller(workspace: str | None, role: str) -> Caller:
            row, token = create_api_key(site, workspace, role, f"the {role}", SYSTEM)
            return Caller(client, document, token, role, row.id)

        by_role = {role: caller("main", role) for role in ROLES}
        yield Cast(
            app, site, caller(None, "owner"), caller("other", "owner"), Caller(client, document, None), by_role
        )  # fmt: skip
