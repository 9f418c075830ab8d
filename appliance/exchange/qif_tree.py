"""A QIF document as a tree: found by local names, because versions differ in their namespaces alone."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from appliance.errors import InvalidInput


def parse_tree(data: bytes) -> Element:
    """The root of the document, without namespaces.

    Raises
    ------
    InvalidInput : not well-formed, with a DTD or entities, not in an encoding that is known, or not QIF 2 or 3
    """
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        message = "The file defines a DTD or entities, which results never need."
        raise InvalidInput("results.xml_dtd", message, "Export it again without them.") from error
    except (ParseError, ValueError, LookupError) as error:
        raise InvalidInput("results.xml", f"The file is not well-formed XML: {error}.", "Is it cut?") from error
    namespace = root.tag.partition("}")[0]
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "QIFDocument" or not namespace.endswith(("/qif2", "/qif3")):
        hint = "QIF 2.1 and 3.0 are read; in other files name the format by --format."
        raise InvalidInput("results.qif", f"The file is no QIF document of a known version: {root.tag[:40]}.", hint)
    return root


def word(element: Element | None, *path: str) -> str:
    """The text at the end of a path of names, without blanks around it; empty where there is none."""
    for name in path:
        element = None if element is None else element.find(name)
    return "" if element is None or element.text is None else element.text.strip()


def ids(element: Element, *names: str) -> list[str]:
    """The ids in the first of these lists that the element has."""
    for name in names:
        found = element.find(name)
        if found is not None:
            return [one.text.strip() for one in found.iter("Id") if one.text]
    return []


def by_id(root: Element, ending: str) -> dict[str, Element]:
    """Every element with an id whose name ends so, by its id.

    Raises
    ------
    InvalidInput : two of them have one id
    """
    found: dict[str, Element] = {}
    for element in ending_in(root, ending):
        name = element.get("id", "")
        if name in found:
            message = f"Two elements of the file have the id '{name[:40]}'."
            raise InvalidInput("results.qif_id", message, "Export it again: ids are unique in a QIF document.")
        if name:
            found[name] = element
    return found


def ending_in(root: Element, *endings: str) -> Iterator[Element]:
    """Every element whose name ends in one of these."""
    return (element for element in root.iter() if element.tag.endswith(endings))
