"""Signature wrapping, eight ways: what the provider signed stays in the document, and something else is to be read.

Source: J. Somorovsky, A. Mayer, J. Schwenk, M. Kampmann, M. Jensen: On Breaking SAML: Be Whoever You Want to Be, USENIX
Security 2012, figure 8 (XSW1 to XSW8).  Each takes a response that the provider signed in the assertion (the first two:
in the response too), and returns one in which ``eve`` made a copy of it in another name.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from tests.saml_forge import NAMES


def _assertion(root: Any) -> Any:
    return root.find("saml:Assertion", NAMES)


def _signature(element: Any) -> Any:
    return element.find("ds:Signature", NAMES)


def _made(element: Any, name: str, identifier: str = "_forged") -> Any:
    """A copy of an assertion or response that names somebody else, under another id, without its own signature."""
    copy = deepcopy(element)
    copy.set("ID", identifier)
    for node in copy.iter(f"{{{NAMES['saml']}}}NameID"):
        node.text = name
    if (signature := _signature(copy)) is not None:
        copy.remove(signature)
    return copy


def _object(inside: Any) -> Any:
    wrapper = etree.Element(f"{{{NAMES['ds']}}}Object", nsmap={"ds": NAMES["ds"]})
    wrapper.append(inside)
    return wrapper


def xsw1(root: Any, name: str) -> Any:
    """The forged response carries the signature, and the signed response inside of it."""
    forged, signature = _made(root, name), deepcopy(_signature(root))
    original = deepcopy(root)
    original.remove(_signature(original))
    signature.append(original)
    forged.insert(1, signature)
    return forged


def xsw2(root: Any, name: str) -> Any:
    """The same with the signed response beside the signature."""
    forged, signature = _made(root, name), deepcopy(_signature(root))
    original = deepcopy(root)
    original.remove(_signature(original))
    forged.insert(1, original)
    forged.insert(2, signature)
    return forged


def xsw3(root: Any, name: str) -> Any:
    """The forged assertion stands before the signed one."""
    found = deepcopy(root)
    _assertion(found).addprevious(_made(_assertion(root), name))
    return found


def xsw4(root: Any, name: str) -> Any:
    """The forged assertion holds the signed one."""
    found = deepcopy(root)
    original, forged = _assertion(found), _made(_assertion(root), name)
    found.replace(original, forged)
    forged.append(original)
    return found


def xsw5(root: Any, name: str) -> Any:
    """The forged assertion has the signature, the signed one stands at the end without it."""
    found = deepcopy(root)
    original, forged = _assertion(found), _made(_assertion(root), name)
    signature = _signature(original)
    original.remove(signature)
    found.replace(original, forged)
    forged.insert(1, signature)
    found.append(original)
    return found


def xsw6(root: Any, name: str) -> Any:
    """The forged assertion has the signature, and the signed one inside of the signature."""
    found = deepcopy(root)
    original, forged = _assertion(found), _made(_assertion(root), name)
    signature = _signature(original)
    original.remove(signature)
    found.replace(original, forged)
    signature.append(original)
    forged.insert(1, signature)
    return found


def xsw7(root: Any, name: str) -> Any:
    """The forged assertion, under the same id, stands in ``Extensions``, which may hold anything."""
    found = deepcopy(root)
    extensions = etree.Element(f"{{{NAMES['samlp']}}}Extensions", nsmap={"samlp": NAMES["samlp"]})
    extensions.append(_made(_assertion(root), name, _assertion(root).get("ID")))
    found.insert(1, extensions)
    return found


def xsw8(root: Any, name: str) -> Any:
    """The forged assertion, under the same id, has the signature, with the signed one in an ``Object`` of it."""
    found = deepcopy(root)
    original = _assertion(found)
    forged, signature = _made(original, name, original.get("ID")), _signature(original)
    original.remove(signature)
    found.replace(original, forged)
    signature.append(_object(original))
    forged.insert(1, signature)
    return found


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "XSW1": xsw1, "XSW2": xsw2, "XSW3": xsw3, "XSW4": xsw4, "XSW5": xsw5, "XSW6": xsw6, "XSW7": xsw7, "XSW8": xsw8,
}  # fmt: skip
