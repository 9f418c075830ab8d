"""XML of strangers, read with nothing switched on: no document type, no entities, no network, no comments.

A comment inside of a name is how one person's assertion was read as another's (CVE-2017-11427): what readers skip in
different ways is not read at all.  Metadata may hold comments; messages may not.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any, Final

from lxml import etree

from appliance.errors import InvalidInput

#: Prefixes of our queries.
NAMES: Final = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
#: Longer than any response that a provider of good will sends, its certificate and hundreds of groups included.
MESSAGE_BYTES: Final = 192 << 10
_WHITE: Final = str.maketrans("", "", " \t\r\n")


def decode(text: str) -> bytes:
    """The bytes of a message, in base64 and nothing but base64; blanks and ends of lines do not count.

    Raises
    ------
    InvalidInput : it is something else, or too long
    """
    if len(text) > MESSAGE_BYTES:
        raise InvalidInput("saml.size", f"A message has at most {MESSAGE_BYTES} characters.")
    try:
        return b64decode(text.translate(_WHITE), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("saml.base64", "The message is no base64.") from error


def parse(data: bytes, *, is_message: bool = True) -> Any:
    """The root element of ``data``.

    Raises
    ------
    InvalidInput : no well-formed XML in UTF-8, a document type, or a message with comments or instructions
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=not is_message, remove_pis=not is_message,
    )  # fmt: skip
    try:
        data.decode()
        root = etree.fromstring(data, parser)
    except UnicodeDecodeError as error:
        raise InvalidInput("saml.encoding", "The XML is not in UTF-8.") from error
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InvalidInput("saml.xml", "This is no well-formed XML.") from error
    found = root.getroottree().docinfo
    if found.doctype or found.internalDTD is not None or found.externalDTD is not None:
        raise InvalidInput("saml.doctype", "XML with a document type is not read.")
    if (found.encoding or "UTF-8").upper() not in ("UTF-8", "UTF8", "US-ASCII", "ASCII"):
        raise InvalidInput("saml.encoding", "The XML is not in UTF-8.")
    beside = (root.getprevious(), root.getnext())
    if is_message and (beside != (None, None) or any(not isinstance(node.tag, str) for node in root.iter())):
        raise InvalidInput("saml.comment", "A message with comments or instructions is not read.")
    return root


def find(node: Any, path: str) -> list[Any]:
    """What lies at ``path`` below ``node``, with the prefixes of ``NAMES``."""
    return list(node.xpath(path, namespaces=NAMES))


def name_of(prefix: str, local: str) -> str:
    """The name of an element as lxml writes it."""
    return f"{{{NAMES[prefix]}}}{local}"
