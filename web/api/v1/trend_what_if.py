"""What the question answers, what if the limits of another CAD revision had counted."""

from __future__ import annotations

from web.api.forms import Out
from web.api.v1.trend_answers import WhatIfOut


class JudgedCharacteristicOut(Out):
    """One characteristic by the limits of the revision."""

    characteristic_id: str
    name: str
    zone: str
    unit: str
    found: WhatIfOut


class NotComparedOut(Out):
    """What the plan says nothing comparable of: ``missing`` in it, or of other ``unit``, ``quantity``, ``zone``."""

    characteristic_id: str
    name: str
    zone: str
    reason: str
    message: str


class MeasuredAgainstOut(Out):
    """Revision that values were measured against (null: imported), and whether it has the same geometry."""

    cad_revision_id: str | None
    label: str
    values: int
    is_same_geometry: bool


class WhatIfRevisionOut(Out):
    """History by the limits of a revision; ``plan_is`` says why by this plan, ``note`` what the values are."""

    cad_revision_id: str
    label: str
    characteristic_set_id: str
    plan_version: int
    plan_is: str
    note: str
    measured_against: list[MeasuredAgainstOut]
    characteristics: list[JudgedCharacteristicOut]
    not_compared: list[NotComparedOut]
