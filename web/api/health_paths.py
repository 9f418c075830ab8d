"""What the document says of the addresses beside the API: whether it lives, works, what it measures, and itself."""

from __future__ import annotations

from typing import Any, Final

from web.api.answers import headers_of

Json = dict[str, Any]

HEALTH: Final[Json] = {"name": "health", "description": "Beside the API: life, readiness, measures, and this document."}
_CHECKS: Final[Json] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["ready", "degraded", "unready"]},
        "checks": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["status", "checks"],
    "additionalProperties": False,
}
_CHECKED: Final[Json] = {"status": "ready", "checks": {"database": "ok", "objects": "ok", "redis": "ok"}}
_KEYS: Final[Json] = {
    "type": "object",
    "properties": {"keys": {"type": "array", "items": {"type": "object"}}},
    "required": ["keys"],
}
_ALIVE: Final[Json] = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}


def health_paths() -> Json:
    """The five addresses, as paths of the document."""
    checked = _answer("What works, and what does not and why", "application/json", _CHECKS, _CHECKED)
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in (401, 403, 429)}
    alive = _answer("It does", "application/json", _ALIVE, {"status": "ok"})
    return {
        "/healthz": _get("healthz", "Whether it lives", alive),
        "/readyz": _get("readyz", "Whether it can take scans in", checked, {"503": checked}),
        "/metrics": _get(
            "metrics", "Measures for Prometheus: for the machine itself, or with a key that may watch it",
            _answer("Measures", "text/plain", {"type": "string"}), refused,
            [{}, {"apiKey": []}, {"accessToken": []}],
        ),
        "/openapi.json": _get(
            "openapi", "This document", _answer("OpenAPI 3.1", "application/json", {"type": "object"})
        ),
        "/.well-known/jwks.json": _get(
            "jwks", "Keys that sign access tokens (RFC 7517)", _answer("The keys", "application/json", _KEYS)
        ),
    }  # fmt: skip


def _get(name: str, summary: str, success: Json, more: Json | None = None, security: list[Json] | None = None) -> Json:
    return {
        "get": {
            "operationId": name, "tags": [HEALTH["name"]], "summary": summary, "parameters": [],
            "responses": {"200": success, **(more or {})}, "security": security or [],
        }
    }  # fmt: skip


def _answer(meaning: str, media_type: str, schema: Json, example: Json | None = None) -> Json:
    content = {"schema": schema} | ({"example": example} if example else {})
    return {"description": meaning, "headers": headers_of(), "content": {media_type: content}}
