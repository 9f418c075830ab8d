"""Where somebody goes on to who comes back: pages of the console and nothing else, whatever another site says."""

from __future__ import annotations

import re
from typing import Final

CONSOLE: Final = "/console/"
#: Bytes that a provider has to carry (SAML bindings, 3.4.3).
_LONGEST: Final = 80
_PLACE: Final = re.compile(r"/console/(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]*", re.ASCII)


def local_place(relay_state: str) -> str:
    """``relay_state``, if it is the path of a page of the console; else the console itself."""
    return relay_state if len(relay_state) <= _LONGEST and _PLACE.fullmatch(relay_state) else CONSOLE
