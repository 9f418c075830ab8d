"""Entity tags: what a caller holds of a thing, and which version of it a change is meant for (RFC 9110, 8.8.3, 13.1).

A tag is ``"VERSION~DIGEST"``, or ``"~DIGEST"`` of what has no version.  The digest is of the answer's bytes, so the tag
is strong and an equal one needs no second answer (304).  A change is held against the version alone: an inspection that
goes on shows in the answer for its asset, but nobody who changes the asset works on something stale because of it.
The version itself is compared where the change is written, inside its transaction.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from appliance.errors import Conflict, InvalidInput
from web.here import here

_DIGEST_BYTES: Final = 18
_MOST_TAGS: Final = 16
_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_LIST: Final = re.compile(rf"{_TAG.pattern}(?:[ \t]*,[ \t]*{_TAG.pattern}){{0,{_MOST_TAGS - 1}}}")


def entity_tag(content: bytes, version: str = "") -> str:
    """The tag of an answer, in its quotes."""
    digest = urlsafe_b64encode(sha256(content).digest()[:_DIGEST_BYTES]).decode()
    return f'"{version}~{digest}"'


def is_known(tag: str) -> bool:
    """Whether the caller holds the answer of this tag already (``If-None-Match``; compared weakly, as the RFC has it).

    Raises
    ------
    InvalidInput : the header is no list of tags
    """
    stated = _tags("If-None-Match")
    return stated is not None and ("*" in stated or tag in {one.removeprefix("W/") for one in stated})


def seen_versions() -> frozenset[str] | None:
    """The versions that the caller's change is meant for (``If-Match``); None for whichever is there (``*``).

    Raises
    ------
    Conflict : the caller does not say
    InvalidInput : the header is no list of tags
    """
    stated = _tags("If-Match")
    if stated is None:
        raise Conflict(
            "request.if_match", "A change says what it is meant for.", "Send 'If-Match' with the ETag of the GET."
        )
    strong = [one.strip('"') for one in stated if not one.startswith("W/")]
    return None if "*" in stated else frozenset(one.rpartition("~")[0] for one in strong if "~" in one)


def _tags(header: str) -> list[str] | None:
    text = here()[0].environ.get(f"HTTP_{header.upper().replace('-', '_')}")
    if text is None:
        return None
    if text.strip() == "*":
        return ["*"]
    if not _LIST.fullmatch(text.strip()):
        raise InvalidInput("request.tags", f"'{header}' is no list of entity tags.", 'Send the ETag as it came: "...".')
    return _TAG.findall(text)
