"""Text of the files: docstrings, and names as Python writes them."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

_WIDTH: Final = 120


def docstring(text: str, indent: int, parameters: tuple[tuple[str, str], ...] = ()) -> str:
    """A docstring in its place: sentences, and what is to be said of some parameters."""
    plain = text.replace("``", "`").replace("\\", "").rstrip(". ") + "."
    margin = " " * indent
    lines = wrap(f'"""{plain}', _WIDTH - indent)
    if len(lines) > 1 or parameters:
        summary, _, rest = plain.partition(". ")
        lines = [*wrap(f'"""{summary.rstrip(".")}.', _WIDTH - indent)]
        lines += ["", *wrap(rest, _WIDTH - indent)] if rest else []
    if parameters:
        lines += ["", "Parameters", "----------"]
        lines += [f"{name} : {meaning[0].lower()}{meaning[1:].rstrip('.')}" for name, meaning in parameters]
    closing = ['"""'] if len(lines) > 1 else []
    lines[-1] += "" if closing else '"""'
    return "\n".join(f"{margin}{line}".rstrip() for line in (*lines, *closing))


def module_name(area: str) -> str:
    """``cad-revisions`` as a module is called."""
    return area.replace("-", "_")


def class_name(area: str) -> str:
    """``cad-revisions`` as a class is called."""
    return "".join(word.title() for word in area.split("-"))
