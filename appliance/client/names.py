"""Names in addresses: a thing is found by its id or its name, but a slash in a name cannot stand in an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from appliance.errors import NotFound


def addressed(key: str, listed: Callable[[], Iterator[Mapping[str, object]]]) -> str:
    """What names a thing in an address: the id or the name itself, else the id of what ``listed`` shows by that name.

    Raises
    ------
    NotFound : nothing has this name
    """
    if "/" not in key:
        return key
    found = next((one for one in listed() if one.get("name") == key), None)
    if found is None:
        raise NotFound("client.unknown", f"Nothing is called '{key}'.")
    return str(found["id"])
