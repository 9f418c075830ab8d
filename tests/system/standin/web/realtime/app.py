"""A web application that is always ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def create_app(settings: Any = None) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"ready"]

    return application
