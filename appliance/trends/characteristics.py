"""A characteristic found by its id or, where only one has it, by its name."""

from __future__ import annotations

from appliance.errors import Conflict, NotFound
from appliance.measurements.models import MeasuredCharacteristic
from appliance.tenancy.scope import WorkspaceScope


def find_characteristic(scope: WorkspaceScope, key: str) -> MeasuredCharacteristic:
    """The characteristic of that id, else the one of that name.

    Raises
    ------
    NotFound : there is neither
    Conflict : several have the name
    """
    with scope:
        found = MeasuredCharacteristic.alike(id=key) or MeasuredCharacteristic.alike(name=key)
    if not found:
        raise NotFound("characteristic.unknown", f"There is no characteristic '{key[:120]}'.")
    if len(found) > 1:
        hint = "Name it by its id, as it stands in the list of measurements."
        raise Conflict("characteristic.ambiguous", f"{len(found)} characteristics are called '{key[:120]}'.", hint)
    row: MeasuredCharacteristic = found[0]
    return row
