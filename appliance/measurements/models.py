"""The tables of what is measured on a part, plan by plan, and of what was measured."""

from __future__ import annotations

from typing import Any, Final

from peewee import FloatField, IntegerField, TextField

from appliance.db.models import WorkspaceModel

#: Where a measurement comes from: computed here from a scan, or reported by somebody else.
SCAN: Final = "scan"
IMPORT: Final = "import"


class CharacteristicSetRow(WorkspaceModel):
    """One version of a part's inspection plan, as its file came.

    ``object`` names the sealed file; ``characteristics`` counts them; ``notes`` is a JSON list of what the plan
    left open and how it was filled.
    """

    id = TextField(primary_key=True)
    part_id = TextField()
    version = IntegerField()
    sha256 = TextField()
    object = TextField()
    characteristics = IntegerField()
    notes = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "characteristic_set"


class ResultsFile(WorkspaceModel):
    """A file of measured results from elsewhere, as it came: the evidence of the inspections that it holds.

    ``options`` is what was said about it when it came (JSON), ``notes`` a JSON list of what it left open.  ``state`` is
    ``received``, ``recorded``, or ``failed`` where it cannot be used; a worker carries it under a lease.
    """

    id = TextField(primary_key=True)
    name = TextField()
    sha256 = TextField()
    size_bytes = IntegerField()
    object = TextField()
    format = TextField()
    options = TextField()
    laboratory = TextField(default="")
    notes = TextField(default="[]")
    inspections = IntegerField(default=0)
    measurements = IntegerField(default=0)
    amends_id = TextField(null=True)
    reason = TextField(default="")
    received_at = TextField()
    received_by = TextField()
    state = TextField()
    attempts = IntegerField(default=0)
    lease_token = IntegerField(default=0)
    lease_until = TextField(null=True)
    not_before = TextField(null=True)
    finished_at = TextField(null=True)
    error_code = TextField(null=True)
    error_message = TextField(null=True)
    error_hint = TextField(null=True)

    class Meta:
        table_name = "results_file"


class InstrumentSuspicion(WorkspaceModel):
    """A reference artefact says that one revision of an instrument moved: what it measured after ``since`` is suspect.

    ``since`` is the moment of the last value that vouched for it, empty where none did.  ``evidence`` is a JSON list of
    what was seen.  It stands until somebody explains it; at most one of a revision does.
    """

    id = TextField(primary_key=True)
    instrument_id = TextField()
    since = TextField()
    evidence = TextField()
    found_at = TextField()
    lifted_at = TextField(null=True)
    lifted_by = TextField(null=True)
    lifted_reason = TextField(null=True)

    #: Name and revision of the instrument; filled where rows are shown (``suspicion.named``).
    instrument: str = ""
    revision: int = 0

    class Meta:
        table_name = "instrument_suspicion"


class MeasuredCharacteristic(WorkspaceModel):
    """The lasting identity of what is measured on a part, over plans, CAD revisions and sources.

    ``key`` is unique in its part: of scans it is made of quantity, zone and name (``recording.key_of``), of imports it
    is the id that the source gives it.  Names may repeat.  ``unit`` is that of its values.
    """

    id = TextField(primary_key=True)
    part_id = TextField()
    key = TextField()
    name = TextField()
    zone = TextField()
    quantity = TextField()
    unit = TextField()
    created_at = TextField()

    class Meta:
        table_name = "characteristic"


class Measurement(WorkspaceModel):
    """One measured characteristic of one inspection; null where nothing was measured.

    Written by ``recording`` alone, and never changed but for ``superseded_by``: the inspection that amended this one.
    ``value`` to ``upper`` are in ``unit`` (``mm``, ``deg``, ...); ``serial`` is the asset's as it was then.
    ``decision`` is ours; ``source_decision`` is that of whoever measured, and ``disagrees`` is 1 where the two cannot
    both be right.  ``coverage`` is null where nothing was scanned.  ``measured_at`` is when the part was measured,
    ``recorded_at`` when this row was written.
    """

    id = TextField(primary_key=True)
    inspection_id = TextField()
    position = IntegerField()
    characteristic_id = TextField()
    part_id = TextField()
    asset_id = TextField()
    serial = TextField()
    cad_revision_id = TextField(null=True)
    instrument_id = TextField(null=True)
    operator_id = TextField(null=True)
    source = TextField()
    name = TextField()
    zone = TextField()
    quantity = TextField()
    unit = TextField()
    value = FloatField(null=True)
    u = FloatField(null=True)
    expanded = FloatField(null=True)
    k = FloatField(null=True)
    lower = FloatField(null=True)
    upper = FloatField(null=True)
    coverage = FloatField(null=True)
    coverage_required = FloatField(null=True)
    conformance_probability = FloatField(null=True)
    decision = TextField()
    source_decision = TextField(null=True)
    disagrees = IntegerField(default=0)
    measured_at = TextField()
    recorded_at = TextField()
    superseded_by = TextField(null=True)

    #: Whether its instrument moved; filled where rows are shown (``suspicion``).
    instrument_is_suspect: bool = False

    class Meta:
        table_name = "measurement"

    @property
    def value_mm(self) -> float | None:
        """The value of a length, mm; None where it is no length."""
        return self._length(self.value)

    @property
    def u_mm(self) -> float | None:
        """Standard uncertainty of a length, mm."""
        return self._length(self.u)

    @property
    def expanded_mm(self) -> float | None:
        """Expanded uncertainty U = k u of a length, mm."""
        return self._length(self.expanded)

    @property
    def lower_mm(self) -> float | None:
        """Lower limit of a length, mm."""
        return self._length(self.lower)

    @property
    def upper_mm(self) -> float | None:
        """Upper limit of a length, mm."""
        return self._length(self.upper)

    def _length(self, figure: Any) -> float | None:
        return figure if self.unit == "mm" else None
