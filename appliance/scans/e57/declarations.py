"""The description of an E57 file is plain XML: it declares no document type, and so no entity.

An entity can name a file of the machine that reads it, or grow to any size from a few lines.  The format needs none,
so a file that declares one is refused before its own library reads it.  The sandbox would bound what is left.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.parsers import expat

from appliance.core.files import unreadable
from appliance.errors import InvalidInput
from appliance.scans.e57.packets import broken, description


def refuse_declarations(path: Path) -> None:
    """Return if the description declares nothing.

    Raises
    ------
    InvalidInput : it declares a document type, or cannot be read to see whether it does
    """
    try:
        with path.open("rb") as file:
            text = description(file)
    except OSError as error:
        raise unreadable(path, error) from error
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise broken(f"its description is not XML ({expat.ErrorString(error.code)})") from error


def _refuse(*_: Any) -> None:
    message = "The description of the E57 file declares a document type, which the format does not have."
    raise InvalidInput("scan.e57.declaration", message, "Export the file again, with a program that you trust.")
