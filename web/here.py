"""The running request and what is kept with it, as they are.

Flask's ``request`` and ``g`` stand for those of the running thread and look them up at every use; what runs at every
request uses them some forty times, and looks once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from flask import Request, g
from flask.ctx import RequestContext
from flask.globals import request_ctx

_context: Final[Callable[[], RequestContext]] = cast(Any, request_ctx)._get_current_object
_kept: Final[Callable[[], Any]] = cast(Any, g)._get_current_object


def here() -> tuple[Request, Any]:
    """The request of this thread, and its ``g``.

    Raises
    ------
    RuntimeError : there is none
    """
    return _context().request, _kept()
